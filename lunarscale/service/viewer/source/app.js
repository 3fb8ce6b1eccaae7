/** What all parts of the page share. */

import { chemical } from "./dom.js";
import { Marks } from "./marks.js";

/** @typedef {import("./link.js").MapShown} MapShown */
/** @typedef {import("./types.js").Dataset} Dataset */
/** @typedef {import("./types.js").Feature} Feature */

export class App {
  /** @type {Dataset[]} */
  datasets = [];
  /** @type {Record<string, string>} why others cannot be read, by name */
  broken = {};
  /** Whether it is known what there is. */
  isLoaded = false;
  /** @type {Feature[]} the named features, the largest first */
  features = [];
  /** @type {import("./types.js").Site[]} */
  sites = [];
  /** @type {Map<string, import("./types.js").Site>} a station of each landing, by its name */
  landings = new Map();
  /** @type {Set<() => void>} */
  #whenDatasets = new Set();
  /** @type {Set<() => void>} */
  #whenSites = new Set();

  /**
   * @param {object} parts
   * @param {import("./api.js").Api} parts.api
   * @param {import("./scene.js").SceneKeeper} parts.scene
   * @param {import("./lunar_map.js").LunarMap} parts.map
   * @param {import("./notices.js").Notices} parts.notices
   */
  constructor({ api, scene, map, notices }) {
    this.api = api;
    this.scene = scene;
    this.map = map;
    this.notices = notices;
    this.marks = new Marks(this);
    /** @type {() => import("./clipping.js").Frame} the part of the map that nothing covers */
    this.room = () => ({ left: 0, top: 0, right: 0, bottom: 0 });
    /** @type {(pixel: [number, number]) => boolean} whether a legend or the like lies there */
    this.isCovered = () => false;
    /** @type {(() => boolean)[]} what Escape closes, the first first; true where it was open */
    this.escapes = [];
    /** Whether clicks on the map set corners and do not read values. */
    this.isDrawing = false;
    /** Whether the map is drawn for a picture of it, which nothing covers. */
    this.isPainting = false;
    /** @type {() => Promise<void>} asks for all anew, as another caller */
    this.begin = async () => {};
    /** @type {(site: import("./types.js").Site) => void} opens its card */
    this.showSite = () => {};
  }

  /** Asks for the datasets anew and tells who shows them. */
  async loadDatasets() {
    const { datasets, broken = {} } = await this.api.get("/datasets");
    this.datasets = datasets;
    this.broken = broken;
    this.isLoaded = true;
    for (const told of this.#whenDatasets) told();
  }

  /**
   * Be told when the datasets have been asked for anew.
   *
   * @param {() => void} told
   */
  onDatasets(told) {
    this.#whenDatasets.add(told);
  }

  /** @param {import("./types.js").Site[]} sites */
  setSites(sites) {
    this.sites = sites;
    // the first of each whose place is known stands for all
    this.landings = new Map(
      [...sites].reverse().filter((site) => site.lat !== null).map((site) => [site.site, site]),
    );
    for (const told of this.#whenSites) told();
  }

  /** @param {() => void} told when the landing sites are known */
  onSites(told) {
    this.#whenSites.add(told);
  }

  /** @param {string} name */
  dataset(name) {
    return this.datasets.find((each) => each.name === name) ?? null;
  }

  /** @param {MapShown} map */
  layer(map) {
    return this.dataset(map.dataset)?.layers.find((each) => each.name === map.layer) ?? null;
  }

  /** @param {MapShown} map */
  titleOf(map) {
    const layer = chemical(map.layer);
    return this.datasets.length > 1 ? `${layer} · ${map.dataset}` : layer;
  }

  /** The maps that one sees, the lowest first: neither hidden nor gone. */
  get seen() {
    return this.scene.now.maps.filter((map) => !map.hidden && this.layer(map));
  }

  /** The uppermost of them: what clicks and measurements are about. */
  get uppermost() {
    return this.seen.at(-1) ?? null;
  }

  /** Whether anything on the screen is simulated. */
  get isSimulated() {
    return this.seen.some((map) => this.dataset(map.dataset)?.simulated);
  }

  /**
   * Shows what went wrong, in the service's own sentence.
   *
   * @param {string | null} sentence null: nothing did
   */
  complain(sentence) {
    if (sentence) this.notices.show(sentence, "error");
  }

  /** @param {string} sentence */
  say(sentence) {
    this.notices.show(sentence, "news");
  }
}

/** @param {import("./types.js").Layer} layer */
export function isEndOfInterval(layer) {
  return /_(lower|upper)$/.test(layer.quantity ?? layer.name);
}

/**
 * A unit as it stands behind a number; nothing for pure numbers.
 *
 * @param {string | null | undefined} unit
 */
export function unitAfter(unit) {
  return !unit || unit === "1" ? "" : `\u00a0${unit.replaceAll(" ", "\u00a0")}`;
}

/**
 * A number with as many digits as its size needs.
 *
 * @param {number} value
 */
export function numberInWords(value) {
  const digits = Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toFixed(digits);
}
