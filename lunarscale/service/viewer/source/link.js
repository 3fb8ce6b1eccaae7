/**
 * The address of a view: what is on the screen, in words after the `#`.
 *
 *     #view=south&lon=0&lat=-89.9&kmpx=0.5&map=demo/FeO,1,batlow,0,25&swipe=0.5
 *
 * Everything in it comes from outside, so each part is held against what it can be, and what does
 * not fit is left out.
 */

export const VIEWS = /** @type {const} */ (["cylindrical", "north", "south"]);
export const PANELS = /** @type {const} */ (["maps", "places", "measure", "jobs", "share"]);
export const OVERLAYS = /** @type {const} */ (["graticule", "names", "sites"]);

/** More maps on top of each other than this are nobody's wish. */
const MOST_MAPS = 8;

/** More corners than this make no address that a browser keeps. */
const MOST_PLACES = 200;

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N} ._+()-]{0,127}$/u;

/**
 * @typedef {[number, number]} Place lon and lat in degrees
 * @typedef {(typeof VIEWS)[number]} ViewName
 * @typedef {(typeof PANELS)[number]} PanelName
 * @typedef {(typeof OVERLAYS)[number]} OverlayName
 *
 * @typedef {object} MapShown
 * @property {string} dataset
 * @property {string} layer
 * @property {number} opacity 0 to 1
 * @property {string | null} palette null: the layer's own
 * @property {[number, number] | null} range null: the layer's own
 * @property {boolean} hidden
 *
 * @typedef {object} Scene
 * @property {ViewName} view
 * @property {Place} centre
 * @property {number | null} kmpx nominal kilometres a pixel; null: the whole view
 * @property {MapShown[]} maps the lowest first
 * @property {number | null} swipe share of the width left of the line; null: no line
 * @property {OverlayName[]} overlays
 * @property {PanelName | null} panel
 * @property {Place | null} point
 * @property {Place[] | null} polygon its corners, not closed
 * @property {Place[] | null} line
 */

/** @type {Readonly<Scene>} */
export const FIRST_SCENE = Object.freeze({
  view: /** @type {ViewName} */ ("cylindrical"),
  centre: /** @type {Place} */ ([0, 0]),
  kmpx: null,
  maps: [],
  swipe: null,
  overlays: [...OVERLAYS],
  panel: null,
  point: null,
  polygon: null,
  line: null,
});

/**
 * The part of an address after `#` that gives a scene back.
 *
 * @param {Scene} scene
 */
export function hashOf(scene) {
  const words = [
    ["view", scene.view],
    ["lon", short(scene.centre[0])],
    ["lat", short(scene.centre[1])],
  ];
  if (scene.kmpx !== null) words.push(["kmpx", String(Number(scene.kmpx.toPrecision(5)))]);
  for (const map of scene.maps) words.push(["map", mapInWords(map)]);
  if (scene.swipe !== null) words.push(["swipe", scene.swipe.toFixed(3)]);
  words.push(["show", scene.overlays.join(",") || "nothing"]);
  if (scene.panel) words.push(["panel", scene.panel]);
  if (scene.point) words.push(["point", placesInWords([scene.point])]);
  if (scene.polygon) words.push(["polygon", placesInWords(scene.polygon)]);
  if (scene.line) words.push(["line", placesInWords(scene.line)]);
  return words.map(([key, value]) => `${key}=${readable(value)}`).join("&");
}

/**
 * What an address says of a scene; what it does not say, or says wrongly, is absent.
 *
 * @param {string} hash with or without the `#`
 * @returns {Partial<Scene>}
 */
export function sceneOf(hash) {
  const words = new URLSearchParams(hash.replace(/^#/, "").replaceAll("+", "%2B"));
  /** @type {Partial<Scene>} */
  const scene = {};
  const view = oneOf(VIEWS, words.get("view"));
  if (view) scene.view = view;
  const centre = place([words.get("lon"), words.get("lat")]);
  if (centre) scene.centre = centre;
  const kmpx = number(words.get("kmpx"), 1e-4, 1e3);
  if (kmpx !== null) scene.kmpx = kmpx;
  const maps = words.getAll("map").slice(0, MOST_MAPS).map(mapOf).filter((map) => map !== null);
  if (maps.length) scene.maps = maps;
  const swipe = number(words.get("swipe"), 0, 1);
  if (swipe !== null) scene.swipe = swipe;
  const shown = words.get("show")?.split(",");
  if (shown) scene.overlays = OVERLAYS.filter((name) => shown.includes(name));
  const panel = oneOf(PANELS, words.get("panel"));
  if (panel) scene.panel = panel;
  const point = placesOf(words.get("point"), 1);
  if (point) scene.point = point[0];
  const polygon = placesOf(words.get("polygon"), 3);
  if (polygon) scene.polygon = polygon;
  const line = placesOf(words.get("line"), 2);
  if (line) scene.line = line;
  return scene;
}

/**
 * Places as typed or as in an address: `lon,lat` by semicolons or line ends.
 *
 * @param {string | null} text
 * @param {number} least how many there must be
 * @returns {Place[] | null} null where there are fewer, or one is none
 */
export function placesOf(text, least) {
  const parts = (text ?? "").split(/[;\n]+/).map((part) => part.trim()).filter(Boolean);
  if (parts.length < least || parts.length > MOST_PLACES) return null;
  const places = parts.map((part) => place(part.split(/[\s,]+/)));
  return places.every((each) => each !== null) ? /** @type {Place[]} */ (places) : null;
}

/**
 * @param {Place[]} places
 * @param {string} [between]
 */
export function placesInWords(places, between = ";") {
  return places.map(([lon, lat]) => `${short(lon)},${short(lat)}`).join(between);
}

/** @param {MapShown} map */
function mapInWords(map) {
  const range = map.range ? map.range.map((end) => String(Number(end.toPrecision(6)))) : ["", ""];
  const words = [map.opacity.toFixed(2), map.palette ?? "", ...range, map.hidden ? "hidden" : ""];
  return `${map.dataset}/${map.layer},${words.join(",")}`.replace(/,+$/, "");
}

/**
 * @param {string} text
 * @returns {MapShown | null}
 */
function mapOf(text) {
  const [names, opacity, palette, low, high, hidden] = text.split(",");
  const [dataset, layer, ...more] = names.split("/");
  if (more.length || !NAME.test(dataset) || !layer || !NAME.test(layer)) return null;
  const ends = [number(low, -1e9, 1e9), number(high, -1e9, 1e9)];
  const isRange = ends[0] !== null && ends[1] !== null && ends[0] < ends[1];
  return {
    dataset,
    layer,
    opacity: number(opacity, 0, 1) ?? 1,
    palette: palette && NAME.test(palette) ? palette : null,
    range: isRange ? /** @type {[number, number]} */ (ends) : null,
    hidden: hidden === "hidden",
  };
}

/**
 * @param {(string | null | undefined)[]} words two numbers
 * @returns {Place | null}
 */
function place(words) {
  if (words.length !== 2) return null;
  const lon = number(words[0], -360, 360);
  const lat = number(words[1], -90, 90);
  return lon === null || lat === null ? null : [lon, lat];
}

/**
 * @param {string | null | undefined} text
 * @param {number} least
 * @param {number} most
 */
function number(text, least, most) {
  if (!text || !/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}

/**
 * @template {string} Word
 * @param {readonly Word[]} words
 * @param {string | null} text
 */
function oneOf(words, text) {
  return words.find((word) => word === text) ?? null;
}

/** @param {number} value degrees, to some three metres */
function short(value) {
  return String(Number(value.toFixed(4)));
}

/**
 * Encoded as an address must be, but with the signs left that people read.
 *
 * @param {string} text
 */
function readable(text) {
  return encodeURIComponent(text).replace(/%2F|%2C|%3B/g, decodeURIComponent);
}
