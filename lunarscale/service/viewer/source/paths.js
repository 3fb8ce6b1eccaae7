/**
 * Lines on the Moon, as the service takes them: a polygon's edges are straight in longitude and
 * latitude, a profile's line leads along great circles; both go the short way round.
 */

import { normalised, RADIUS_M } from "./moon.js";

/** @typedef {import("./link.js").Place} Place */

/** A straight line in degrees is drawn in a polar view by steps of so many degrees of longitude. */
const STEP_DEG = 1;

/** A line drawn straight on a polar view is followed so closely: share of its own length. */
const TOLERANCE = 0.003;

/** A circle has a place every so many degrees of azimuth. */
const CIRCLE_STEP_DEG = 3;

/** Where a place stands that is on the seam, but on one side of it; some centimetres away. */
const BESIDE_SEAM_DEG = 180 - 1e-6;

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
 * A circle on the sphere: places at one great-circle distance from its centre.
 *
 * @param {Place} centre
 * @param {number} radiusKm
 * @returns {Place[]} closed and unrolled
 */
export function circleAround([lon, lat], radiusKm) {
  const radians = Math.PI / 180;
  const [sin, cos] = [Math.sin(lat * radians), Math.cos(lat * radians)];
  const away = (radiusKm * 1000) / RADIUS_M;
  /** @type {Place[]} */
  const places = [];
  for (let azimuth = 0; azimuth <= 360; azimuth += CIRCLE_STEP_DEG) {
    const north = Math.cos(azimuth * radians) * Math.sin(away);
    const east = Math.sin(azimuth * radians) * Math.sin(away);
    const height = sin * Math.cos(away) + cos * north;
    const turn = Math.atan2(east, cos * Math.cos(away) - sin * north);
    places.push([lon + turn / radians, Math.asin(height) / radians]);
  }
  return unrolled(places);
}

/**
 * A polygon as GeoJSON, its ring closed, as the service reads longitudes: they may go on past the
 * seam, and come back where the ring does. One that goes round a pole does not come back, so it is
 * cut at the seam.
 *
 * @param {Place[]} corners
 */
export function geojsonPolygon(corners) {
  const path = unrolled([...corners, corners[0]]);
  const isRoundPole = Math.abs(path[path.length - 1][0] - path[0][0]) > 1e-6;
  return { type: "Polygon", coordinates: [isRoundPole ? cutAtSeam(path) : path] };
}

/**
 * The path within ±180°, with a place on either side of the seam wherever it goes over it.
 *
 * @param {Place[]} path unrolled
 * @returns {Place[]}
 */
function cutAtSeam(path) {
  const turnOf = (/** @type {number} */ lon) => Math.floor((lon + 180) / 360);
  return path.flatMap((place, index) => {
    /** @type {Place[]} */
    const found = [[normalised(place[0]), place[1]]];
    if (index === path.length - 1) return found;
    const next = path[index + 1];
    const [turn, nextTurn] = [turnOf(place[0]), turnOf(next[0])];
    if (turn === nextTurn) return found;
    const seam = 360 * Math.max(turn, nextTurn) - 180;
    const lat = place[1] + ((seam - place[0]) / (next[0] - place[0])) * (next[1] - place[1]);
    const side = nextTurn > turn ? 1 : -1;
    return [...found, [side * BESIDE_SEAM_DEG, lat], [-side * BESIDE_SEAM_DEG, lat]];
  });
}

/**
 * The way of a line as the service takes profiles: great circles lead from place to place.
 *
 * @param {Place[]} places
 * @returns {Place[]} unrolled
 */
export function greatCircles(places) {
  const path = places.slice(0, 1);
  for (let index = 1; index < places.length; index++) {
    const [from, to] = [vectorOf(places[index - 1]), vectorOf(places[index])];
    const cosine = from[0] * to[0] + from[1] * to[1] + from[2] * to[2];
    const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
    const steps = Math.max(Math.ceil(angle / ((STEP_DEG * Math.PI) / 180)), 1);
    for (let step = 1; step < steps; step++) {
      const [a, b] = [1 - step / steps, step / steps].map((share) => Math.sin(share * angle));
      path.push(placeOfVector(from.map((each, axis) => a * each + b * to[axis])));
    }
    path.push(places[index]);
  }
  return unrolled(path);
}

/** @param {Place} place */
function vectorOf([lon, lat]) {
  const [turn, height] = [(lon * Math.PI) / 180, (lat * Math.PI) / 180];
  return [Math.cos(height) * Math.cos(turn), Math.cos(height) * Math.sin(turn), Math.sin(height)];
}

/**
 * @param {number[]} vector of any length
 * @returns {Place}
 */
function placeOfVector([x, y, z]) {
  return [(Math.atan2(y, x) * 180) / Math.PI, (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI];
}
