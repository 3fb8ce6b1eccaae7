/**
 * Polar stereographic coordinates on the sphere, true to scale at the pole.
 *
 * Snyder 1987 (USGS Professional Paper 1395), equations 21-5 to 21-15 with k0 = 1: the same as
 * `+proj=stere +lat_0=±90 +R=1737400`. North: 0° points down the page; south: 0° points up.
 */

import { RADIUS_M } from "./moon.js";

/**
 * Metres in the plane of a place.
 *
 * @param {number} lon degrees east
 * @param {number} lat degrees north; the other pole has no place in the plane
 * @param {1 | -1} pole 1 for the north, -1 for the south
 * @returns {[number, number]}
 */
export function toPlane(lon, lat, pole) {
  const colatitude = ((90 - pole * lat) * Math.PI) / 180;
  const away = 2 * RADIUS_M * Math.tan(colatitude / 2);
  const turn = (lon * Math.PI) / 180;
  return [away * Math.sin(turn), -pole * away * Math.cos(turn)];
}

/**
 * The place of a point in the plane; the pole itself lies at longitude 0.
 *
 * @param {number} x metres
 * @param {number} y metres
 * @param {1 | -1} pole 1 for the north, -1 for the south
 * @returns {[number, number]} lon and lat in degrees
 */
export function fromPlane(x, y, pole) {
  const away = Math.hypot(x, y);
  const colatitude = (2 * Math.atan2(away, 2 * RADIUS_M) * 180) / Math.PI;
  const lon = away === 0 ? 0 : (Math.atan2(x, -pole * y) * 180) / Math.PI;
  return [lon, pole * (90 - colatitude)];
}

/**
 * Metres on the ground that one metre in the plane stands for, the same in all directions.
 *
 * @param {number} lat degrees north
 * @param {1 | -1} pole
 */
export function groundMetres(lat, pole) {
  return (1 + pole * Math.sin((lat * Math.PI) / 180)) / 2;
}

/**
 * How far from the pole a parallel lies in the plane, in metres.
 *
 * @param {number} lat degrees north
 * @param {1 | -1} pole
 */
export function radiusOfParallel(lat, pole) {
  return Math.hypot(...toPlane(0, lat, pole));
}
