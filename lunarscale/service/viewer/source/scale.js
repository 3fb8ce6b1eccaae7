/** How long a scale bar is: the largest round length that fits. */

import { METRES_A_DEGREE } from "./moon.js";
import { fromPlane, groundMetres } from "./stereographic.js";

/**
 * Metres on the ground of one pixel, along the screen's horizontal, at a place of a view.
 *
 * @param {"cylindrical" | "north" | "south"} view
 * @param {number} resolution units of the view a pixel: degrees, or metres in the plane
 * @param {[number, number]} centre in the view's units
 */
export function metresAPixel(view, resolution, centre) {
  if (view === "cylindrical") {
    return resolution * METRES_A_DEGREE * Math.cos((centre[1] * Math.PI) / 180);
  }
  const pole = view === "north" ? 1 : -1;
  return resolution * groundMetres(fromPlane(centre[0], centre[1], pole)[1], pole);
}

/**
 * @typedef {{metres: number, pixels: number, text: string}} Bar
 */

/**
 * The bar of a scale: 1, 2 or 5 times a power of ten.
 *
 * @param {number} metres on the ground a pixel
 * @param {number} longest pixels that the bar may have
 * @returns {Bar | null} null where a pixel has no length, at the pole of a cylindrical view
 */
export function scaleBar(metres, longest) {
  const most = metres * longest;
  if (!(most >= 1)) return null;
  const power = 10 ** Math.floor(Math.log10(most));
  const length = power * ([5, 2].find((times) => times * power <= most) ?? 1);
  return { metres: length, pixels: length / metres, text: lengthInWords(length) };
}

/**
 * @param {number} metres
 */
export function lengthInWords(metres) {
  return metres >= 1000 ? `${(metres / 1000).toLocaleString("en")} km` : `${metres} m`;
}
