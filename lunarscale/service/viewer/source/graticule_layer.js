/** The graticule, drawn anew with every frame so that its labels stay at the map's edge. */

import Layer from "ol/layer/Layer.js";
import { apply } from "ol/transform.js";
import { entersAt } from "./clipping.js";
import { h } from "./dom.js";
import { cylindricalLines, polarLines, stepDegrees } from "./graticule.js";
import { latitudeInWords, longitudeInWords, METRES_A_DEGREE } from "./moon.js";
import { CAP_EDGE_DEG, toView } from "./projections.js";
import { fromPlane } from "./stereographic.js";

/** Room that a label takes, and how far outside of a polar view it stands, in pixels. */
const LABEL_PX = [50, 15];
const OUTSIDE_PX = 20;

const LINE_COLOUR = "rgba(255, 255, 255, 0.2)";
const TEXT_COLOUR = "rgba(255, 255, 255, 0.86)";
const CHIP_COLOUR = "rgba(6, 8, 12, 0.84)";
const CHIP_PX = { margin: 4, height: 16, round: 4 };

/** @typedef {import("./graticule.js").Line} Line */
/** @typedef {import("ol/Map.js").FrameState} FrameState */

export class GraticuleLayer extends Layer {
  /**
   * @param {import("./app.js").App} app
   */
  constructor(app) {
    super({ zIndex: 125 }); // above the names: where one meets a label, the label is read
    this.app = app;
    this.canvas = h("canvas", { class: "graticule" });
    this.box = h("div", { class: "ol-layer" }, this.canvas);
    app.scene.watch(["overlays"], ({ overlays }) => this.setVisible(overlays.includes("graticule")));
    app.map.ol.addLayer(this);
  }

  /**
   * @param {FrameState | null} frame
   * @returns {HTMLElement}
   */
  render(frame) {
    if (frame) this.#draw(frame);
    return this.box;
  }

  /** @param {FrameState} frame */
  #draw(frame) {
    const [width, height] = frame.size;
    const { pixelRatio } = frame;
    this.canvas.width = Math.round(width * pixelRatio);
    this.canvas.height = Math.round(height * pixelRatio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.scale(pixelRatio, pixelRatio);
    const view = this.app.map.name;
    const lines = this.#lines(frame);
    const drawn = lines.map((line) => ({
      line,
      pixels: line.points.map((place) => {
        const point = toView(view, place);
        return /** @type {[number, number]} */ (
          apply(frame.coordinateToPixelTransform, [...point])
        );
      }),
    }));
    strokeLines(context, drawn.map(({ pixels }) => pixels));
    const room = this.app.isPainting ? { left: 24, top: 14, right: width - 24, bottom: height - 14 } : this.app.room();
    /** @type {[number, number][]} */
    const written = [];
    const isFree = (/** @type {[number, number]} */ [x, y]) =>
      (this.app.isPainting || !this.app.isCovered([x, y]))
      && !written.some(([otherX, otherY]) => Math.abs(x - otherX) < LABEL_PX[0] && Math.abs(y - otherY) < LABEL_PX[1]);
    for (const { line, pixels } of drawn) {
      const ends = [entersAt(pixels, room)];
      // at a pole all meridians' other ends are one
      if (view === "cylindrical") ends.push(entersAt(pixels.toReversed(), room));
      else if (line.kind === "meridian") ends.unshift(entersAt([beyond(pixels)], room));
      const at = ends.find((each) => each !== null && isFree(each));
      if (!at) continue;
      writeLabel(context, labelOf(line, lines), at);
      written.push(at);
    }
  }

  /** @param {FrameState} frame */
  #lines(frame) {
    const view = this.app.map.name;
    const { resolution } = frame.viewState;
    const [west, south, east, north] = frame.extent ?? [-180, -90, 180, 90];
    if (view === "cylindrical") {
      return cylindricalLines({ west, south, east, north }, stepDegrees(resolution));
    }
    const pole = view === "north" ? 1 : -1;
    const step = Math.min(stepDegrees(resolution / METRES_A_DEGREE), 10);
    return polarLines(pole, latitudesSeen([west, south, east, north], pole), step);
  }
}

/**
 * Which latitudes, from the equator, a rectangle of a polar plane shows.
 *
 * @param {number[]} extent
 * @param {1 | -1} pole
 */
function latitudesSeen([west, south, east, north], pole) {
  const latitude = (/** @type {number} */ x, /** @type {number} */ y) =>
    pole * fromPlane(x, y, pole)[1];
  const nearest = latitude(clamp(0, west, east), clamp(0, south, north));
  const farthest = Math.min(
    ...[[west, south], [west, north], [east, south], [east, north]].map(([x, y]) => latitude(x, y)),
  );
  const middle = latitude((west + east) / 2, (south + north) / 2);
  return { outer: Math.max(farthest, CAP_EDGE_DEG), inner: nearest, middle };
}

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/**
 * A little outside of where a meridian of a polar view begins: there no name is written.
 *
 * @param {[number, number][]} pixels of the meridian, the outer end first
 * @returns {[number, number]}
 */
function beyond([[x, y], [nextX, nextY]]) {
  const length = Math.hypot(x - nextX, y - nextY) || 1;
  return [x + (OUTSIDE_PX * (x - nextX)) / length, y + (OUTSIDE_PX * (y - nextY)) / length];
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number][][]} lines
 */
function strokeLines(context, lines) {
  context.strokeStyle = LINE_COLOUR;
  context.lineWidth = 1;
  context.beginPath();
  for (const pixels of lines) {
    pixels.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  }
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {[number, number]} at
 */
function writeLabel(context, text, [x, y]) {
  context.font = "500 11px Inter, system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 2 * CHIP_PX.margin;
  context.beginPath();
  context.roundRect(x - width / 2, y - CHIP_PX.height / 2, width, CHIP_PX.height, CHIP_PX.round);
  context.fillStyle = CHIP_COLOUR;
  context.fill();
  context.fillStyle = TEXT_COLOUR;
  context.fillText(text, x, y);
}

/**
 * As many digits as the steps between the lines need.
 *
 * @param {Line} line
 * @param {Line[]} lines
 */
function labelOf(line, lines) {
  const peers = lines.filter((other) => other.kind === line.kind);
  const digits = Math.max(...peers.map(({ degrees }) => digitsOf(degrees)));
  return line.kind === "parallel"
    ? latitudeInWords(line.degrees, digits)
    : longitudeInWords(line.degrees, digits);
}

/** @param {number} degrees */
function digitsOf(degrees) {
  return String(Math.abs(degrees)).split(".")[1]?.length ?? 0;
}
