/** Where a line on the screen comes into a frame. */

/**
 * @typedef {[number, number]} Pixel
 * @typedef {{left: number, top: number, right: number, bottom: number}} Frame
 */

/**
 * The first point of a line that lies within a frame; null where none does.
 *
 * By Liang & Barsky's clipping, segment after segment.
 *
 * @param {Pixel[]} points
 * @param {Frame} frame
 * @returns {Pixel | null}
 */
export function entersAt(points, frame) {
  if (points.length === 1) return entersAt([points[0], points[0]], frame);
  for (let index = 1; index < points.length; index++) {
    const share = entryShare(points[index - 1], points[index], frame);
    if (share === null) continue;
    const [[x0, y0], [x1, y1]] = [points[index - 1], points[index]];
    return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
  }
  return null;
}

/**
 * The share of a segment after which it is within a frame; null where it never is.
 *
 * @param {Pixel} from
 * @param {Pixel} to
 * @param {Frame} frame
 */
function entryShare([x0, y0], [x1, y1], { left, top, right, bottom }) {
  let [enters, leaves] = [0, 1];
  const sides = [
    [x0 - x1, x0 - left],
    [x1 - x0, right - x0],
    [y0 - y1, y0 - top],
    [y1 - y0, bottom - y0],
  ];
  for (const [outwards, room] of sides) {
    if (outwards === 0) {
      if (room < 0) return null;
      continue;
    }
    const share = room / outwards;
    if (outwards < 0) enters = Math.max(enters, share);
    else leaves = Math.min(leaves, share);
  }
  return enters <= leaves ? enters : null;
}
