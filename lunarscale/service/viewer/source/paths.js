/**
 * Lines on the Moon. Between two places a line is straight in longitude and latitude, as the
 * service takes polygons; a longitude goes the short way round.
 */

import { normalised } from "./moon.js";

/** @typedef {import("./link.js").Place} Place */

/** A straight line in degrees is drawn in a polar view by steps of so many degrees of longitude. */
const STEP_DEG = 1;

/** A line drawn straight on a polar view is followed so closely: share of its own length. */
const TOLERANCE = 0.003;

/** More halvings than this follow no line any closer. */
const MOST_HALVINGS = 6;

/**
 * The same places with longitudes that go on past ±180°, each within 180° of the one before.
 *
 * @param {Place[]} places
 * @returns {Place[]}
 */
export function unrolled(places) {
  /** @type {Place[]} */
  const path = [];
  for (const [lon, lat] of places) {
    const before = path.at(-1)?.[0] ?? lon;
    const step = lon - before;
    path.push([Math.abs(step) <= 180 ? lon : before + normalised(step), lat]);
  }
  return path;
}

/**
 * A path with places between its own, so that a polar view shows how it bends.
 *
 * @param {Place[]} path unrolled
 * @returns {Place[]}
 */
export function densePath(path) {
  /** @type {Place[]} */
  const dense = path.slice(0, 1);
  for (let index = 1; index < path.length; index++) {
    const [[lonA, latA], [lonB, latB]] = [path[index - 1], path[index]];
    const steps = Math.max(Math.ceil(Math.abs(lonB - lonA) / STEP_DEG), 1);
    for (let step = 1; step <= steps; step++) {
      const share = step / steps;
      dense.push([lonA + share * (lonB - lonA), latA + share * (latB - latA)]);
    }
  }
  return dense;
}

/**
 * The places of a line drawn on a view: corners, and between them as many as keep lines that are
 * straight in degrees on the one that was drawn.
 *
 * @param {number[][]} points of the view's plane
 * @param {(point: number[]) => Place} placeOf
 * @param {(place: Place) => number[]} pointOf
 * @returns {Place[]}
 */
export function placesAlong(points, placeOf, pointOf) {
  const places = points.slice(0, 1).map(placeOf);
  for (let index = 1; index < points.length; index++) {
    const [from, to] = [points[index - 1], points[index]];
    const far = TOLERANCE * Math.hypot(to[0] - from[0], to[1] - from[1]);
    const bends = (/** @type {number[]} */ a, /** @type {number[]} */ b) => {
      const middle = pointOf(halfway(placeOf(a), placeOf(b)));
      return Math.hypot(middle[0] - (a[0] + b[0]) / 2, middle[1] - (a[1] + b[1]) / 2) > far;
    };
    for (const point of follow(from, to, bends, MOST_HALVINGS)) places.push(placeOf(point));
  }
  return places.map(([lon, lat]) => [normalised(lon), lat]);
}

/**
 * @param {number[]} from
 * @param {number[]} to
 * @param {(a: number[], b: number[]) => boolean} bends
 * @param {number} halvings that are left
 * @returns {number[][]} points after `from`, to `to`
 */
function follow(from, to, bends, halvings) {
  if (halvings === 0 || !bends(from, to)) return [to];
  const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  return [
    ...follow(from, middle, bends, halvings - 1),
    ...follow(middle, to, bends, halvings - 1),
  ];
}

/**
 * @param {Place} from
 * @param {Place} to
 * @returns {Place}
 */
function halfway([lonA, latA], [lonB, latB]) {
  return [lonA + normalised(lonB - lonA) / 2, (latA + latB) / 2];
}

/**
 * A polygon as GeoJSON, its ring closed.
 *
 * @param {Place[]} corners
 */
export function geojsonPolygon(corners) {
  const ring = corners.map(([lon, lat]) => [normalised(lon), lat]);
  return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
}
