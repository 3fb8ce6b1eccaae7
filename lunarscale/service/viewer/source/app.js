/** What all parts of the page share. */

import { sentenceOf, ServiceError } from "./api.js";
import { Busy } from "./busy.js";
import { chemical } from "./dom.js";
import { Marks } from "./marks.js";

/** @typedef {import("./link.js").MapShown} MapShown */
/** @typedef {import("./types.js").Dataset} Dataset */
/** @typedef {import("./types.js").Feature} Feature */

/** So long after the datasets were looked for in vain, they are not again, in milliseconds. */
const LOOK_AGAIN_MS = 5000;

/** What a caller may, the least first; each may what those before it may. */
const ROLES = ["nobody", "read", "run", "admin"];

export class App {
  /** @type {Dataset[]} */
  datasets = [];
  /** Counts how often they were found to be others than before. */
  revision = 0;
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
  /** @type {import("./types.js").Caller} who asks, what they may, and how much */
  caller = { role: "nobody", name: "", limits: {} };
  /** @type {Set<() => void>} */
  #whenCaller = new Set();
  /** @type {Set<() => void>} */
  #whenDatasets = new Set();
  /** @type {Set<() => void>} */
  #whenSites = new Set();
  #lookedAt = 0;
  #text = "";

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
    this.busy = new Busy();
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

  /** Asks anew who asks, and tells who shows what they may. */
  async loadCaller() {
    this.caller = await this.api.get("");
    for (const told of this.#whenCaller) told();
  }

  /** @param {() => void} told when it is known, or known anew, who asks */
  onCaller(told) {
    this.#whenCaller.add(told);
  }

  /** @param {import("./types.js").Role} role */
  may(role) {
    return ROLES.indexOf(this.caller.role) >= ROLES.indexOf(role);
  }

  /** Asks for the datasets anew and tells who shows them. */
  async loadDatasets() {
    const { datasets, broken = {} } = await this.api.get("/datasets");
    const text = JSON.stringify(datasets);
    if (text !== this.#text) this.revision += 1;
    this.#text = text;
    this.datasets = datasets;
    this.broken = broken;
    this.isLoaded = true;
    for (const told of this.#whenDatasets) told();
  }

  /**
   * Says why a map cannot be shown. If it was not found, the datasets are asked for anew instead,
   * and whoever shows them says which has gone.
   *
   * @param {unknown} error
   */
  mapFailed(error) {
    if (!(error instanceof ServiceError && error.status === 404)) {
      this.complain(sentenceOf(error));
    } else if (Date.now() - this.#lookedAt > LOOK_AGAIN_MS) {
      this.#lookedAt = Date.now();
      this.loadDatasets().catch((problem) => this.complain(sentenceOf(problem)));
    }
  }

  /**
   * Be told when the datasets have been asked for anew.
   *
   * @param {() => void} told
   * @param {AbortSignal} [until] aborted when nobody wants to be told any more
   */
  onDatasets(told, until) {
    this.#whenDatasets.add(told);
    until?.addEventListener("abort", () => this.#whenDatasets.delete(told));
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

  /** Which of the maps asked for, by a link of yesterday say, are not there; null: all are. */
  whatIsGone() {
    const gone = this.scene.now.maps.filter((map) => !this.layer(map));
    const names = gone.map((map) => `${chemical(map.layer)} of ${map.dataset}`).join(", ");
    const [are, others] = gone.length > 1 ? ["are", "others"] : ["is", "another"];
    return names ? `${names} ${are} not here any more; choose ${others} under Maps.` : null;
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
