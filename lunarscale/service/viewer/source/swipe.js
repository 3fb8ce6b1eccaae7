/** The line between two maps: dragged, or moved by the arrow keys. */

import { h, svg } from "./dom.js";

const KEY_STEP = 0.02;

/**
 * @param {import("./app.js").App} app
 * @returns {HTMLElement}
 */
export function swipeLine(app) {
  const left = h("span", { class: "swipe-left" });
  const right = h("span", { class: "swipe-right" });
  const grip = h("div", {
    class: "swipe-grip",
    role: "slider",
    tabIndex: 0,
    "aria-label": "Line between the two maps",
    "aria-orientation": "horizontal",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  });
  grip.append(svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: "M9 7l-5 5 5 5M15 7l5 5-5 5" })));
  const line = h("div", { class: "swipe", hidden: true }, left, right, grip);

  const moveTo = (/** @type {number} */ share) =>
    app.scene.change({ swipe: Math.min(Math.max(share, 0.02), 0.98) });

  grip.addEventListener("pointerdown", (event) => {
    grip.setPointerCapture(event.pointerId);
    event.preventDefault();
    grip.focus();
  });
  grip.addEventListener("pointermove", (event) => {
    if (!grip.hasPointerCapture(event.pointerId)) return;
    const { left, width } = app.map.free;
    moveTo((event.clientX - left) / width);
  });
  grip.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    moveTo((app.scene.now.swipe ?? 0.5) + by);
  });

  const show = () => {
    const { seen, scene } = app;
    const { swipe } = scene.now;
    line.hidden = swipe === null || seen.length < 2;
    if (swipe === null || line.hidden) return;
    line.style.left = `${swipeAt(app, swipe)}px`;
    const { top, height } = app.map.free;
    grip.style.top = `${top + height / 2}px`;
    grip.setAttribute("aria-valuenow", String(Math.round(swipe * 100)));
    left.textContent = app.titleOf(seen[seen.length - 2]);
    right.textContent = app.titleOf(seen[seen.length - 1]);
  };
  app.scene.watch(["swipe", "maps"], show);
  app.map.ol.on("postrender", show);
  return line;
}

/**
 * Where the line is, in pixels from the map's left edge.
 *
 * @param {import("./app.js").App} app
 * @param {number} share of the width that nothing covers
 */
export function swipeAt(app, share) {
  const { left, width } = app.map.free;
  return Math.round(left + share * width);
}
