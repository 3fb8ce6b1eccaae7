/** The lines of a graticule: which meridians and parallels a view shows, and their points. */

const STEPS_DEG = [30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];

/** Parallels are curved in a polar view; this many degrees of longitude are as good as a curve. */
const CURVE_STEP_DEG = 1;

/**
 * @typedef {{kind: "meridian" | "parallel", degrees: number, points: [number, number][]}} Line
 * @typedef {{west: number, south: number, east: number, north: number}} Box in degrees
 */

/**
 * The step of a graticule: lines at least so many pixels apart.
 *
 * @param {number} degreesAPixel along a meridian
 * @param {number} [apart] pixels
 */
export function stepDegrees(degreesAPixel, apart = 110) {
  const least = degreesAPixel * apart;
  return STEPS_DEG.findLast((step) => step >= least) ?? STEPS_DEG[0];
}

/**
 * Lines of a cylindrical view: straight, as far as the view shows, any turn of longitude.
 *
 * @param {Box} box what the view shows
 * @param {number} step degrees
 * @returns {Line[]}
 */
export function cylindricalLines(box, step) {
  const south = Math.max(box.south, -90);
  const north = Math.min(box.north, 90);
  /** @type {Line[]} */
  const meridians = multiples(box.west, box.east, step).map((lon) => ({
    kind: "meridian", degrees: lon, points: [[lon, south], [lon, north]],
  }));
  /** @type {Line[]} */
  const parallels = multiples(south, north, step).map((lat) => ({
    kind: "parallel", degrees: lat, points: [[box.west, lat], [box.east, lat]],
  }));
  return [...meridians, ...parallels];
}

/**
 * Lines of a polar view, in degrees: parallels as far as the view shows them, meridians to the
 * pole. Only every 30th meridian reaches it, so that they do not run into each other.
 *
 * @param {1 | -1} pole
 * @param {{outer: number, inner: number, middle: number}} seen latitudes from the equator: the
 *     farthest from the pole, the nearest to it, the view's centre
 * @param {number} step degrees of latitude
 * @returns {Line[]}
 */
export function polarLines(pole, { outer, inner, middle }, step) {
  const narrowing = Math.cos((Math.min(middle, 89.9) * Math.PI) / 180);
  const apart = STEPS_DEG.findLast((each) => each >= step / narrowing) ?? STEPS_DEG[0];
  /** @type {Line[]} */
  const meridians = multiples(-180, 180 - apart, apart).map((lon) => ({
    kind: "meridian",
    degrees: lon,
    points: [[lon, pole * outer], [lon, pole * (lon % 30 === 0 ? 90 : 90 - Math.min(step, 5))]],
  }));
  /** @type {Line[]} */
  const parallels = multiples(outer, Math.min(inner, 90 - step / 2), step).map((lat) => ({
    kind: "parallel", degrees: pole * lat, points: circle(pole * lat),
  }));
  return [...meridians, ...parallels];
}

/**
 * A parallel; it begins between two main meridians, where its label does not meet theirs.
 *
 * @param {number} lat
 * @returns {[number, number][]}
 */
function circle(lat) {
  return multiples(45, 405, CURVE_STEP_DEG).map((lon) => [lon, lat]);
}

/**
 * The multiples of a step from one number to another, both in, free of rounding's tails.
 *
 * @param {number} from
 * @param {number} to
 * @param {number} step
 */
export function multiples(from, to, step) {
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) =>
    Number(((first + index) * step).toFixed(6)),
  );
}
