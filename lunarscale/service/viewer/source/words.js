/** Numbers, units and sizes as the page writes them. */

/**
 * A number with the digits that its unit is usually told with, so that those of a list compare.
 *
 * @param {number} value
 * @param {string | null | undefined} unit
 */
export function numberInWords(value, unit) {
  const size = Math.abs(value);
  const digits = unit === "wt %" ? 2 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  return value.toFixed(digits).replace(/^-(?=[0.]+$)/, "");
}

/**
 * A unit as it stands behind a number; nothing for pure numbers.
 *
 * @param {string | null | undefined} unit
 */
export function unitAfter(unit) {
  return !unit || unit === "1" ? "" : `\u00a0${unit.replaceAll(" ", "\u00a0")}`;
}

/** @param {number} bytes */
export function sizeInWords(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${Math.ceil(bytes / 1e5) / 10} MB`;
}

/**
 * So many bytes at most, in words; rounded down, as one more may be one too many.
 *
 * @param {number} bytes
 */
export function limitInWords(bytes) {
  return bytes < 1e6 ? `${Math.floor(bytes / 1000)} kB` : `${Math.floor(bytes / 1e5) / 10} MB`;
}
