/** Boxes of longitudes and latitudes around what was drawn. */

import { normalised } from "./moon.js";
import { unrolled } from "./paths.js";

/** @typedef {import("./link.js").Place} Place */

/** Digits after the point of a box's degrees: some three metres. */
const DIGITS = 4;

/**
 * The smallest box around a polygon or a line, rounded outwards: west, south, east, north. One over
 * the seam has its west east of its east; one of a polygon around a pole has all longitudes.
 *
 * @param {Place[]} places of a polygon not closed
 * @returns {[number, number, number, number]}
 */
export function boxAround(places) {
  const path = unrolled([...places, places[0]]);
  const [lons, lats] = [0, 1].map((axis) => path.map((place) => place[axis]));
  const [south, north] = [Math.min(...lats), Math.max(...lats)];
  const [west, east] = [Math.min(...lons), Math.max(...lons)];
  const isRoundPole = Math.abs(lons[lons.length - 1] - lons[0]) > 1e-6;
  if (isRoundPole) {
    const isNorth = south + north > 0;
    return [-180, isNorth ? down(south) : -90, 180, isNorth ? 90 : up(north)];
  }
  if (east - west >= 360) return [-180, down(south), 180, up(north)];
  return [down(normalised(west)), down(south), upToSeam(normalised(east)), up(north)];
}

/** @param {number} degrees */
function down(degrees) {
  return Number((Math.floor(degrees * 10 ** DIGITS + 1e-6) / 10 ** DIGITS).toFixed(DIGITS));
}

/** @param {number} degrees */
function up(degrees) {
  return Number((Math.ceil(degrees * 10 ** DIGITS - 1e-6) / 10 ** DIGITS).toFixed(DIGITS));
}

/**
 * An eastern end on the seam is 180, for -180 would be a whole turn less.
 *
 * @param {number} lon
 */
function upToSeam(lon) {
  return lon === -180 ? 180 : up(lon);
}
