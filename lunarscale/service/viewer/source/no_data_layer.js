/** The ground below all maps: hatched, so that what has no value looks like no value and no sky. */

import OlFeature from "ol/Feature.js";
import Circle from "ol/geom/Circle.js";
import { fromExtent } from "ol/geom/Polygon.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import Fill from "ol/style/Fill.js";
import Style from "ol/style/Style.js";
import { h } from "./dom.js";
import { CAP_M, PROJECTIONS } from "./projections.js";

/** Distance of the lines, in pixels of the screen. */
const STEP_PX = 8;

const [GROUND, LINE] = ["#10131a", "#2b3240"];

/** @param {import("./app.js").App} app */
export function noDataLayer(app) {
  const layer = new VectorLayer({ zIndex: -1, style: new Style({ fill: new Fill({ color: hatching() }) }) });
  app.map.ol.addLayer(layer);
  app.scene.watch(["view"], ({ view }) => {
    const isWhole = view === "cylindrical";
    const geometry = isWhole ? fromExtent(PROJECTIONS[view].getExtent()) : new Circle([0, 0], CAP_M);
    layer.setSource(new VectorSource({ features: [new OlFeature({ geometry })], wrapX: isWhole }));
  });
}

/** What there is no value for, as a pattern. */
export function hatching() {
  const canvas = h("canvas", { width: STEP_PX, height: STEP_PX });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = GROUND;
  context.fillRect(0, 0, STEP_PX, STEP_PX);
  context.strokeStyle = LINE;
  context.lineWidth = 1.2;
  // the corners too, for the pattern is repeated
  for (const at of [-STEP_PX, 0, STEP_PX]) {
    context.moveTo(at - 1, STEP_PX + 1);
    context.lineTo(at + STEP_PX + 1, -1);
  }
  context.stroke();
  return /** @type {CanvasPattern} */ (context.createPattern(canvas, "repeat"));
}
