/** The sphere and its places: radius, distances, longitudes, and how places are written. */

/** Radius of the reference sphere in metres (IAU 2015, as lunarscale/moon.py). */
export const RADIUS_M = 1_737_400;

/** Metres of one degree along the equator or a meridian. */
export const METRES_A_DEGREE = (Math.PI / 180) * RADIUS_M;

const radians = (/** @type {number} */ degrees) => (degrees * Math.PI) / 180;

/**
 * A longitude within -180 (in) and 180 (out).
 *
 * @param {number} lon degrees east
 */
export function normalised(lon) {
  const turned = (((lon + 180) % 360) + 360) % 360;
  return turned - 180;
}

/**
 * Great-circle distance in kilometres, by haversines, which keep their digits close by.
 *
 * @param {[number, number]} from lon and lat in degrees
 * @param {[number, number]} to lon and lat in degrees
 */
export function distanceKm([lonA, latA], [lonB, latB]) {
  const across =
    Math.cos(radians(latA)) *
    Math.cos(radians(latB)) *
    Math.sin(radians(lonB - lonA) / 2) ** 2;
  const chord = Math.sin(radians(latB - latA) / 2) ** 2 + across;
  return ((2 * RADIUS_M) / 1000) * Math.asin(Math.min(Math.sqrt(chord), 1));
}

/**
 * A place in words: `43.30° S  11.22° W`.
 *
 * @param {[number, number]} place lon and lat in degrees
 * @param {number} [digits] after the point
 */
export function placeInWords([lon, lat], digits = 2) {
  return `${latitudeInWords(lat, digits)}  ${longitudeInWords(lon, digits)}`;
}

/**
 * @param {number} lat degrees north
 * @param {number} digits after the point
 */
export function latitudeInWords(lat, digits) {
  return inWords(lat, digits, ["N", "S"], 90);
}

/**
 * @param {number} lon degrees east, any turn
 * @param {number} digits after the point
 */
export function longitudeInWords(lon, digits) {
  return inWords(normalised(lon), digits, ["E", "W"], 180);
}

/**
 * @param {number} value
 * @param {number} digits
 * @param {[string, string]} sides letters of what is above and below zero
 * @param {number} half where both sides meet again, and no letter is right
 */
function inWords(value, digits, [above, below], half) {
  const text = Math.abs(value).toFixed(digits);
  const number = Number(text);
  const atNeither = number === 0 || (half === 180 && number === 180);
  return atNeither ? `${text}°` : `${text}° ${value > 0 ? above : below}`;
}
