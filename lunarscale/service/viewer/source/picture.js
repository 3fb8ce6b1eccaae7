/** The map as a picture, with what one needs to read it: scale, legend, sources. */

import { chemical } from "./dom.js";
import { endInWords, mapsWithLegend } from "./legend.js";
import { legendOf, paintColours } from "./legends.js";
import { placeInWords } from "./moon.js";
import { hatching } from "./no_data_layer.js";
import { scaleBar } from "./scale.js";
import { swipeAt } from "./swipe.js";
import { unitAfter } from "./words.js";

/** Height of the strip below the map, in CSS pixels. */
const STRIP_PX = 92;
const EDGE_PX = 20;
const LEGEND_PX = 180;
const FONT = "Inter, system-ui, sans-serif";
const [INK, FAINT, SKY, AMBER] = ["#f1f2f6", "#aeb5c4", "#0a0c11", "#ffd37a"];

/**
 * @param {import("./app.js").App} app
 * @returns {Promise<Blob>} PNG
 */
export async function paintPicture(app) {
  app.isPainting = true;
  await drawn(app);
  const [width, height] = app.map.ol.getSize() ?? [0, 0];
  const ratio = devicePixelRatio;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((height + STRIP_PX) * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(ratio, ratio);
  context.fillStyle = SKY;
  context.fillRect(0, 0, width, height + STRIP_PX);
  paintMap(app, context);
  app.isPainting = false;
  app.map.ol.render();
  if (app.scene.now.swipe !== null && mapsWithLegend(app).length > 1) {
    context.fillStyle = "#ffffff";
    context.fillRect(swipeAt(app, app.scene.now.swipe) - 1, 0, 2, height);
  }
  context.save();
  context.translate(0, height);
  await paintStrip(app, context, [width, height]);
  context.restore();
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("This browser made no picture; try a smaller window."))),
      "image/png",
    ),
  );
}

/**
 * When everything that is under way is on the screen.
 *
 * @param {import("./app.js").App} app
 */
function drawn(app) {
  return new Promise((resolve) => {
    app.map.ol.once("rendercomplete", resolve);
    app.map.ol.render();
  });
}

/**
 * OpenLayers' layers as they are put on top of each other.
 *
 * @param {import("./app.js").App} app
 * @param {CanvasRenderingContext2D} context
 */
function paintMap(app, context) {
  const ratio = devicePixelRatio;
  for (const canvas of app.map.target.querySelectorAll("canvas")) {
    if (canvas.width === 0) continue;
    const opacity = canvas.parentElement?.style.opacity || canvas.style.opacity;
    const matrix = /^matrix\((.+)\)$/.exec(canvas.style.transform)?.[1].split(",").map(Number)
      ?? [parseFloat(canvas.style.width) / canvas.width, 0, 0, parseFloat(canvas.style.height) / canvas.height, 0, 0];
    context.save();
    context.globalAlpha = opacity === "" ? 1 : Number(opacity);
    const [a, b, c, d, e, f] = matrix.map((each) => each * ratio);
    context.setTransform(a, b, c, d, e, f);
    context.drawImage(canvas, 0, 0);
    context.restore();
  }
}

/**
 * @param {import("./app.js").App} app
 * @param {CanvasRenderingContext2D} context at the strip's upper left corner
 * @param {number[]} size of the map above it
 */
async function paintStrip(app, context, [width, height]) {
  const maps = mapsWithLegend(app);
  const legends = await Promise.all(maps.map((map) => legendOf(app, map)));
  let left = EDGE_PX;
  maps.forEach((map, index) => {
    const unit = unitAfter(app.layer(map)?.unit);
    write(context, `${chemical(map.layer)}${unit}`, { x: left, y: 24, font: `600 13px ${FONT}` });
    const { colours, min, max } = legends[index];
    context.drawImage(paintColours(colours), left, 34, LEGEND_PX, 10);
    write(context, endInWords(min), { x: left, y: 60, colour: FAINT });
    write(context, endInWords(max), { x: left + LEGEND_PX, y: 60, colour: FAINT, align: "right" });
    left += LEGEND_PX + 2 * EDGE_PX;
  });
  context.fillStyle = hatching();
  context.fillRect(left, 34, 2 * EDGE_PX, 10);
  write(context, "no value", { x: left, y: 60, colour: FAINT });
  const middle = app.map.ol.getCoordinateFromPixel([width / 2, height / 2]);
  paintScale(context, app.map.metresAPixelAt(middle), width - EDGE_PX);
  const sources = [...new Set(legends.map(({ attribution }) => attribution))].join("; ");
  const where = `Middle: ${placeInWords(app.map.placeOf(middle))}`;
  write(context, [sources, where].filter(Boolean).join(". "), { x: EDGE_PX, y: 82, colour: FAINT, font: `400 11px ${FONT}` });
  if (app.isSimulated) {
    write(context, "SIMULATED DATA", { x: width - EDGE_PX, y: 82, colour: AMBER, align: "right", font: `700 13px ${FONT}` });
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} metres a pixel
 * @param {number} right
 */
function paintScale(context, metres, right) {
  const bar = scaleBar(metres, LEGEND_PX);
  if (!bar) return;
  write(context, bar.text, { x: right, y: 24, align: "right" });
  context.fillStyle = INK;
  context.fillRect(right - bar.pixels, 36, bar.pixels, 2);
  context.fillRect(right - bar.pixels, 31, 1.5, 12);
  context.fillRect(right - 1.5, 31, 1.5, 12);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {{x: number, y: number, colour?: string, font?: string, align?: CanvasTextAlign}} how
 */
function write(context, text, { x, y, colour = INK, font = `500 12px ${FONT}`, align = "left" }) {
  context.font = font;
  context.fillStyle = colour;
  context.textAlign = align;
  context.fillText(text, x, y);
}
