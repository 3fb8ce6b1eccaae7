/** The service's tile matrix sets (OGC's JSON) as OpenLayers' tile grids. */

import TileGrid from "ol/tilegrid/TileGrid.js";
import { METRES_A_DEGREE } from "./moon.js";

/** @type {Record<import("./link.js").ViewName, string>} */
export const MATRIX_SETS = {
  cylindrical: "MoonCylindrical",
  north: "MoonNorthPolar",
  south: "MoonSouthPolar",
};

/**
 * @typedef {object} Matrix one zoom level
 * @property {string} id
 * @property {number} cellSize
 * @property {[number, number]} pointOfOrigin
 * @property {number} tileWidth
 * @property {number} tileHeight
 * @property {number} matrixWidth
 * @property {number} matrixHeight
 */

/**
 * The grid of a matrix set in a view's plane.
 *
 * @param {{tileMatrices: Matrix[]}} set
 * @param {import("./link.js").ViewName} view
 * @param {{minzoom: number, maxzoom: number, bounds: number[]}} tiles the first zoom level that can be
 *     drawn and the last that has more to show;
 *     west, south, east and north of the data, in degrees
 */
export function tileGrid(set, view, { minzoom, maxzoom, bounds }) {
  const matrices = set.tileMatrices.filter((matrix) => Number(matrix.id) <= maxzoom);
  const unit = view === "cylindrical" ? unitsADegree(matrices[0]) : 1;
  const [first] = matrices;
  const [x, y] = first.pointOfOrigin;
  const width = first.matrixWidth * first.tileWidth * first.cellSize;
  const height = first.matrixHeight * first.tileHeight * first.cellSize;
  const whole = [x, y - height, x + width, y].map((each) => each / unit);
  return new TileGrid({
    minZoom: minzoom,
    origins: matrices.map((matrix) => matrix.pointOfOrigin.map((each) => each / unit)),
    resolutions: matrices.map((matrix) => matrix.cellSize / unit),
    tileSizes: matrices.map((matrix) => [matrix.tileWidth, matrix.tileHeight]),
    sizes: matrices.map((matrix) => [matrix.matrixWidth, matrix.matrixHeight]),
    extent: view === "cylindrical" ? within(whole, bounds) : whole,
  });
}

/**
 * The part of a set that data lie in; all longitudes where they lie across the seam.
 *
 * @param {number[]} whole
 * @param {number[]} bounds
 */
function within([west, south, east, north], bounds) {
  const isAcross = bounds[0] < west || bounds[2] > east || bounds[0] >= bounds[2];
  return [
    isAcross ? west : bounds[0],
    Math.max(south, bounds[1]),
    isAcross ? east : bounds[2],
    Math.min(north, bounds[3]),
  ];
}

/**
 * Whether a cylindrical set is in metres along the equator or in degrees: its own units tell.
 *
 * @param {Matrix} matrix
 */
function unitsADegree(matrix) {
  return Math.abs(matrix.pointOfOrigin[0]) > 360 ? METRES_A_DEGREE : 1;
}
