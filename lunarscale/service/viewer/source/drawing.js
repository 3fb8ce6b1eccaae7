/** Drawing a polygon or a line on the map, by mouse or finger. */

import Draw from "ol/interaction/Draw.js";
import { h, isNarrow } from "./dom.js";
import { SHAPE_STYLE } from "./marks.js";
import { placesAlong } from "./paths.js";
import { fromView, toView } from "./projections.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./link.js").Place} Place */
/** @typedef {"polygon" | "line"} Shape */

/**
 * A bar with what one can do while drawing, and the way to begin.
 *
 * @param {App} app
 */
export function drawingBar(app) {
  const words = h("span", null);
  /** @type {Draw | null} */
  let draw = null;
  const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", onclick }, text);
  const bar = h("div", { class: "drawing", role: "group", "aria-label": "Drawing", hidden: true },
    words,
    button("Done", () => draw?.finishDrawing()),
    button("Undo", () => draw?.removeLastPoint()),
    button("Cancel", () => stop()));

  const stop = () => {
    if (!draw) return false;
    draw.abortDrawing();
    app.map.ol.removeInteraction(draw);
    draw = null;
    bar.hidden = true;
    if (isNarrow()) app.scene.change({ panel: "measure" });
    app.map.target.classList.remove("is-drawing");
    // the click that ended it shall not read a point as well
    setTimeout(() => {
      app.isDrawing = false;
    }, 300);
    return true;
  };
  app.escapes.unshift(stop);
  app.scene.watch(["view"], () => stop());

  /**
   * @param {Shape} shape
   * @param {(places: Place[]) => void} drawn
   */
  const begin = (shape, drawn) => {
    stop();
    draw = new Draw({
      type: shape === "polygon" ? "Polygon" : "LineString",
      style: SHAPE_STYLE,
      stopClick: true,
      minPoints: shape === "polygon" ? 3 : 2,
    });
    draw.on("drawend", (event) => {
      const geometry = /** @type {any} */ (event.feature.getGeometry());
      const points = shape === "polygon" ? geometry.getCoordinates()[0] : geometry.getCoordinates();
      stop();
      drawn(placesDrawn(app, shape, points));
    });
    app.map.ol.addInteraction(draw);
    app.isDrawing = true;
    app.map.target.classList.add("is-drawing");
    words.textContent = shape === "polygon"
      ? "Set its corners; a double click, or Done, ends it."
      : "Set its points; a double click, or Done, ends it.";
    bar.hidden = false;
    if (isNarrow()) app.scene.change({ panel: null }); // the map is under the sheet
  };
  return { bar, begin };
}

/**
 * @param {App} app
 * @param {Shape} shape
 * @param {number[][]} points in the view's plane; a polygon's ring is closed
 */
function placesDrawn(app, shape, points) {
  const view = app.map.name;
  if (shape === "line") return points.map((point) => app.map.placeOf(point));
  const places = placesAlong(
    points,
    (point) => fromView(view, point),
    (place) => toView(view, place),
  );
  return places.slice(0, -1);
}
