/** What the user put on the map: the point asked for, a polygon, a line, a place on the line. */

import OlFeature from "ol/Feature.js";
import LineString from "ol/geom/LineString.js";
import Point from "ol/geom/Point.js";
import Polygon from "ol/geom/Polygon.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import CircleStyle from "ol/style/Circle.js";
import Fill from "ol/style/Fill.js";
import RegularShape from "ol/style/RegularShape.js";
import Stroke from "ol/style/Stroke.js";
import Style from "ol/style/Style.js";
import { circleAround, densePath, greatCircles, unrolled } from "./paths.js";
import { shows, toView } from "./projections.js";

/** @typedef {import("./link.js").Place} Place */

const DARK = "rgba(6, 8, 12, 0.85)";
const LIGHT = "#ffffff";

const POINT_STYLE = [
  new Style({
    image: new RegularShape({
      points: 4, radius: 13, radius2: 0, stroke: new Stroke({ color: DARK, width: 4 }),
    }),
  }),
  new Style({
    image: new RegularShape({
      points: 4, radius: 12, radius2: 0, stroke: new Stroke({ color: LIGHT, width: 1.6 }),
    }),
  }),
];

export const SHAPE_STYLE = [
  new Style({ stroke: new Stroke({ color: DARK, width: 5 }) }),
  new Style({
    stroke: new Stroke({ color: LIGHT, width: 2 }),
    fill: new Fill({ color: "rgba(255, 255, 255, 0.12)" }),
    image: new CircleStyle({
      radius: 5,
      fill: new Fill({ color: LIGHT }),
      stroke: new Stroke({ color: DARK, width: 2 }),
    }),
  }),
];

const RING_STYLE = [
  new Style({ stroke: new Stroke({ color: DARK, width: 3.5 }) }),
  new Style({ stroke: new Stroke({ color: "#ffd37a", width: 1.5, lineDash: [6, 5] }) }),
];

const CURSOR_STYLE = new Style({
  image: new CircleStyle({
    radius: 6,
    fill: new Fill({ color: "#ffd37a" }),
    stroke: new Stroke({ color: DARK, width: 2 }),
  }),
});

export class Marks {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.layer = new VectorLayer({ zIndex: 130 });
    /** @type {Place | null} */
    this.cursor = null;
    /** @type {import("./types.js").Feature | null} */
    this.ringed = null;
    app.map.ol.addLayer(this.layer);
    app.scene.watch(["view", "point", "polygon", "line"], () => this.#draw());
  }

  /**
   * Shows a place along the line; null: none.
   *
   * @param {Place | null} place
   */
  point(place) {
    this.cursor = place;
    this.#draw();
  }

  /**
   * Puts a ring around a named feature; null: around none.
   *
   * @param {import("./types.js").Feature | null} feature
   */
  ring(feature) {
    this.ringed = feature;
    this.#draw();
  }

  #draw() {
    const { view, point, polygon, line } = this.app.scene.now;
    const features = [];
    if (polygon) {
      const ring = this.#path([...polygon, polygon[0]]);
      features.push(styled(new Polygon([ring]), SHAPE_STYLE));
    }
    if (this.ringed && shows(view, this.ringed.lat)) {
      const { lon, lat, diameter_km: km } = this.ringed;
      const circle = circleAround([lon, lat], km / 2);
      const drawn = view === "cylindrical" ? circle : circle.map((place) => toView(view, place));
      features.push(styled(new LineString(drawn), RING_STYLE));
    }
    if (line) {
      const way = greatCircles(line).map((place) => toView(view, place));
      features.push(styled(new LineString(way), SHAPE_STYLE));
    }
    if (point) features.push(styled(new Point(toView(view, point)), POINT_STYLE));
    if (this.cursor) features.push(styled(new Point(toView(view, this.cursor)), CURSOR_STYLE));
    this.layer.setSource(new VectorSource({ features, wrapX: view === "cylindrical" }));
  }

  /**
   * A line as it lies in the view's plane: what is straight in degrees is curved in a polar one.
   *
   * @param {Place[]} places
   */
  #path(places) {
    const { view } = this.app.scene.now;
    const path = unrolled(places);
    return view === "cylindrical" ? path : densePath(path).map((place) => toView(view, place));
  }
}

/**
 * @param {import("ol/geom/Geometry.js").default} geometry
 * @param {Style | Style[]} style
 */
function styled(geometry, style) {
  const feature = new OlFeature({ geometry });
  feature.setStyle(style);
  return feature;
}

