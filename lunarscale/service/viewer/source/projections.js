/** The three projections as OpenLayers wants them. All are of the Moon's sphere. */

import Projection from "ol/proj/Projection.js";
import { addCoordinateTransforms, addProjection } from "ol/proj.js";
import { METRES_A_DEGREE } from "./moon.js";
import { metresAPixel } from "./scale.js";
import { fromPlane, radiusOfParallel, toPlane } from "./stereographic.js";

/** @typedef {import("./link.js").ViewName} ViewName */

/** Latitude from the equator where a polar view ends. */
export const CAP_EDGE_DEG = 60;

/** How far it ends from the pole, in metres of its plane. */
export const CAP_M = radiusOfParallel(CAP_EDGE_DEG, 1);

/** Longitude and latitude in degrees on the sphere; also the cylindrical view's own plane. */
const GEOGRAPHIC = new Projection({
  code: "IAU_2015:30100",
  units: "degrees",
  extent: [-180, -90, 180, 90],
  global: true,
  metersPerUnit: METRES_A_DEGREE,
  getPointResolution: (resolution, point) =>
    metresAPixel("cylindrical", resolution, [point[0], point[1]]) / METRES_A_DEGREE,
});

/**
 * @param {string} code
 * @param {"north" | "south"} view
 */
function polar(code, view) {
  return new Projection({
    code,
    units: "m",
    extent: [-CAP_M, -CAP_M, CAP_M, CAP_M],
    metersPerUnit: 1,
    getPointResolution: (resolution, point) =>
      metresAPixel(view, resolution, [point[0], point[1]]),
  });
}

/** @type {Record<ViewName, Projection>} */
export const PROJECTIONS = {
  cylindrical: GEOGRAPHIC,
  north: polar("IAU_2015:30130", "north"),
  south: polar("IAU_2015:30135", "south"),
};

for (const [view, pole] of /** @type {const} */ ([["north", 1], ["south", -1]])) {
  addProjection(PROJECTIONS[view]);
  addCoordinateTransforms(
    GEOGRAPHIC,
    PROJECTIONS[view],
    ([lon, lat]) => toPlane(lon, lat, pole),
    ([x, y]) => fromPlane(x, y, pole),
  );
}
addProjection(GEOGRAPHIC);

/**
 * A place in a view's plane.
 *
 * @param {ViewName} view
 * @param {[number, number]} place lon and lat in degrees
 * @returns {[number, number]}
 */
export function toView(view, [lon, lat]) {
  if (view === "cylindrical") return [lon, lat];
  return toPlane(lon, lat, view === "north" ? 1 : -1);
}

/**
 * The place of a point in a view's plane; a longitude of any turn in the cylindrical one.
 *
 * @param {ViewName} view
 * @param {number[]} point
 * @returns {[number, number]}
 */
export function fromView(view, [x, y]) {
  if (view === "cylindrical") return [x, y];
  return fromPlane(x, y, view === "north" ? 1 : -1);
}

/**
 * Whether a view shows a latitude.
 *
 * @param {ViewName} view
 * @param {number} lat
 */
export function shows(view, lat) {
  if (view === "cylindrical") return true;
  return (view === "north" ? lat : -lat) >= CAP_EDGE_DEG;
}
