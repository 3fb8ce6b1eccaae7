/** Small charts as SVG: a histogram, and a line with its cursor. */

import { svg } from "./dom.js";
import { ticks } from "./ticks.js";

const WIDTH = 320;
const HEIGHT = 180;
const INSIDE = { left: 44, right: 10, top: 10, bottom: 38 };

/**
 * @typedef {object} Axes
 * @property {[number, number]} x
 * @property {[number, number]} y
 * @property {string} xTitle
 * @property {string} yTitle
 * @property {string} label the chart in one sentence, for who does not see it
 */

/**
 * Where a value stands within the chart.
 *
 * @param {Axes} axes
 */
function placing({ x, y }) {
  const width = WIDTH - INSIDE.left - INSIDE.right;
  const height = HEIGHT - INSIDE.top - INSIDE.bottom;
  return {
    across: (/** @type {number} */ value) =>
      INSIDE.left + (width * (value - x[0])) / (x[1] - x[0] || 1),
    down: (/** @type {number} */ value) =>
      INSIDE.top + height * (1 - (value - y[0]) / (y[1] - y[0] || 1)),
  };
}

/**
 * @param {Axes} axes
 * @param {SVGElement[]} content
 */
function chart(axes, content) {
  const { across, down } = placing(axes);
  const base = HEIGHT - INSIDE.bottom;
  const xTicks = ticks(...axes.x).map((value) => [
    svg("line", { x1: across(value), x2: across(value), y1: base, y2: base + 4 }),
    svg("text", { x: across(value), y: base + 15, "text-anchor": "middle" }, inWords(value)),
  ]);
  const yTicks = ticks(...axes.y, 4).map((value) => [
    svg("line", { x1: INSIDE.left, x2: WIDTH - INSIDE.right, y1: down(value), y2: down(value), class: "grid" }),
    svg("text", { x: INSIDE.left - 6, y: down(value) + 3.5, "text-anchor": "end" }, inWords(value)),
  ]);
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": axes.label },
    ...yTicks.flat(), ...xTicks.flat(),
    svg("text", { x: (INSIDE.left + WIDTH - INSIDE.right) / 2, y: HEIGHT - 5, "text-anchor": "middle", class: "title" }, axes.xTitle),
    svg("text", { transform: `translate(11 ${(INSIDE.top + base) / 2}) rotate(-90)`, "text-anchor": "middle", class: "title" }, axes.yTitle),
    ...content,
  );
}

/**
 * Bars between edges.
 *
 * @param {number[]} edges one more than the heights
 * @param {number[]} heights
 * @param {{xTitle: string, yTitle: string, label: string}} words
 */
export function histogram(edges, heights, words) {
  const axes = {
    ...words,
    x: /** @type {[number, number]} */ ([edges[0], edges[edges.length - 1]]),
    y: /** @type {[number, number]} */ ([0, Math.max(...heights, 0) || 1]),
  };
  const { across, down } = placing(axes);
  const bars = heights.map((height, index) => {
    const [left, right] = [across(edges[index]), across(edges[index + 1])];
    return svg("rect", {
      class: "bar", x: left, width: Math.max(right - left - 0.6, 0.4), y: down(height),
      height: Math.max(HEIGHT - INSIDE.bottom - down(height), 0),
    });
  });
  return chart(axes, bars);
}

/**
 * A line of values; where there is none it is broken.
 *
 * @param {number[]} xs
 * @param {(number | null)[]} ys
 * @param {{xTitle: string, yTitle: string, label: string}} words
 * @param {(index: number | null) => void} pointed at a sample, or at none
 */
export function lineChart(xs, ys, words, pointed) {
  const known = ys.filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const margin = (most - least) * 0.06 || Math.abs(most) * 0.1 || 1;
  const axes = {
    ...words,
    x: /** @type {[number, number]} */ ([xs[0], xs[xs.length - 1]]),
    y: /** @type {[number, number]} */ ([least - margin, most + margin]),
  };
  const { across, down } = placing(axes);
  const cursor = svg("line", { class: "cursor", y1: INSIDE.top, y2: HEIGHT - INSIDE.bottom, x1: -9, x2: -9 });
  const drawn = chart(axes, [svg("path", { class: "line", d: pathOf(xs, ys, across, down) }), cursor]);
  const at = (/** @type {number | null} */ index) => {
    const x = index === null ? -9 : across(xs[index]);
    cursor.setAttribute("x1", String(x));
    cursor.setAttribute("x2", String(x));
    pointed(index);
  };
  drawn.addEventListener("pointermove", (event) => {
    const box = drawn.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    at(nearestIndex(xs, across, x));
  });
  drawn.addEventListener("pointerleave", () => at(null));
  return drawn;
}

/**
 * @param {number[]} xs
 * @param {(number | null)[]} ys
 * @param {(value: number) => number} across
 * @param {(value: number) => number} down
 */
function pathOf(xs, ys, across, down) {
  let isDown = false;
  return ys
    .map((value, index) => {
      if (value === null) {
        isDown = false;
        return "";
      }
      const word = isDown ? "L" : "M";
      isDown = true;
      return `${word}${across(xs[index]).toFixed(1)} ${down(value).toFixed(1)}`;
    })
    .join("");
}

/**
 * @param {number[]} xs
 * @param {(value: number) => number} across
 * @param {number} at
 */
function nearestIndex(xs, across, at) {
  const away = xs.map((value) => Math.abs(across(value) - at));
  return away.indexOf(Math.min(...away));
}

/** @param {number} value */
function inWords(value) {
  return value.toLocaleString("en", { maximumSignificantDigits: 6 });
}
