/** What the maps say of a point: a click, a tap, or Enter at the crosshair. */

import { pathOf, sentenceOf } from "./api.js";
import { isEndOfInterval } from "./app.js";
import { chemical, h, isNarrow } from "./dom.js";
import { NARROW } from "./kinds.js";
import { distanceKm, placeInWords } from "./moon.js";
import { shows } from "./projections.js";
import { siteCard } from "./site_card.js";
import { numberInWords, unitAfter } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./cards.js").Cards} Cards */
/** @typedef {import("./link.js").Place} Place */
/** @typedef {import("./types.js").Reading} Reading */

/** Fingers are less sure than a mouse. */
const HIT_PX = 8;

/**
 * @param {App} app
 * @param {Cards} cards
 */
export function readPoints(app, cards) {
  const { map, scene } = app;
  map.ol.on("singleclick", (event) => {
    if (app.isDrawing) return;
    const site = map.ol.forEachFeatureAtPixel(event.pixel, (feature) => feature.get("site"), {
      hitTolerance: HIT_PX,
      layerFilter: (layer) => layer.get("which") === "sites",
    });
    if (site) siteCard(app, cards, site);
    else ask(app, map.placeOf(event.coordinate));
  });
  map.target.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target !== map.target || app.isDrawing) return;
    ask(app, map.centre);
  });
  app.showSite = (site) => siteCard(app, cards, site);

  /** @type {AbortController | null} */
  let asked = null;
  const read = () => {
    asked?.abort();
    const { point } = scene.now;
    if (!point || !app.isLoaded) return;
    asked = new AbortController();
    pointCard(app, cards, point, asked.signal);
  };
  scene.watch(["point"], read);
  app.onSites(() => {
    const where = cards.box.querySelector(".where-in");
    if (where && scene.now.point) where.textContent = whereabouts(app, scene.now.point);
  });
  app.onDatasets(read);
}

/**
 * @param {App} app
 * @param {Place} point
 */
function ask(app, point) {
  if (shows(app.map.name, point[1])) app.scene.change({ point });
}

/**
 * @param {App} app
 * @param {Cards} cards
 * @param {Place} point
 * @param {AbortSignal} signal
 */
async function pointCard(app, cards, point, signal) {
  const names = [...new Set(app.seen.map((map) => map.dataset))];
  const [lon, lat] = point;
  const parts = names.map((name) => h("section", { class: "values", "aria-busy": "true" },
    h("p", { class: "waiting" }, "Reading …")));
  const where = h("span", { class: "where-in" }, whereabouts(app, point));
  const isStill = () => app.scene.now.point === point;
  cards.show({
    title: placeInWords(point, 3),
    below: where,
    body: parts.length ? parts : [h("p", { class: "empty" }, "No map is shown here; add one under Maps.")],
    whenClosed: () => isStill() && app.scene.change({ point: null }),
  });
  const uncover = () => isStill() && app.map.uncover(point, cards.box.getBoundingClientRect(), isNarrow());
  uncover();
  await Promise.all(names.map(async (name, index) => {
    const part = parts[index];
    try {
      const answer = await app.api.get(`/datasets${pathOf(name)}/point`, { lon, lat }, signal);
      part.replaceChildren(...valuesOf(app, name, answer.values));
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence) part.replaceChildren(h("p", { class: "error" }, sentence));
    }
    part.removeAttribute("aria-busy");
  }));
  uncover();
}

/**
 * The smallest named feature whose circle holds a place.
 *
 * @param {App} app
 * @param {Place} place
 */
function whereabouts(app, place) {
  const holding = app.features.findLast(
    ({ kind, lon, lat, diameter_km }) =>
      !NARROW.includes(kind) && distanceKm(place, [lon, lat]) < diameter_km / 2,
  );
  return holding ? `in ${holding.name}` : "";
}

/**
 * @param {App} app
 * @param {string} name of a dataset
 * @param {Reading[]} values
 */
function valuesOf(app, name, values) {
  const dataset = app.dataset(name);
  const layers = new Map(dataset?.layers.map((layer) => [layer.name, layer]));
  const shown = values.filter((each) => {
    const layer = layers.get(each.layer);
    return !layer || !isEndOfInterval(layer);
  });
  const hasModels = new Set(shown.map((each) => layers.get(each.layer)?.model)).size > 1;
  // those that tell how sure they are come first
  const ordered = [...shown].sort((a, b) => Number(Boolean(b.uncertainty)) - Number(Boolean(a.uncertainty)));
  const rows = ordered.map((each) => {
    const { quantity, model } = layers.get(each.layer) ?? {};
    // with its model's name below, a layer goes by what it is of
    const title = (hasModels && quantity) || each.layer;
    return rowOf(each, title.replaceAll("_", " "), (hasModels && model) || "");
  });
  const meanings = [...new Set(shown.flatMap(({ uncertainty }) => uncertainty?.meaning ?? []))];
  return [
    h("h3", null, dataset?.title || name,
      dataset?.simulated && h("span", { class: "tag" }, "SIMULATED")),
    h("table", { class: "readings" },
      h("caption", { class: "unseen" }, `Values of ${name} at this point`),
      h("tbody", null, ...rows)),
    meanings.length > 0 ? h("p", { class: "note" }, `Below a value: ${meanings.join("; ")}.`) : "",
  ];
}

/**
 * @param {Reading} reading
 * @param {string} title
 * @param {string} model that made it, where there are several
 */
function rowOf(reading, title, model) {
  const name = h("th", { scope: "row" }, h("b", null, chemical(title)), model && h("span", { class: "below" }, model));
  if (reading.value === null) {
    return h("tr", { class: "none" }, name, h("td", null, reading.reason ?? "no value"));
  }
  const flags = (reading.flags ?? []).map((flag) => h("span", { class: "flag" }, flag.replaceAll("_", " ")));
  const uncertainty = uncertaintyInWords(reading);
  const value = h("td", null,
    h("b", null, numberInWords(reading.value, reading.unit)),
    h("span", { class: "more" }, unitAfter(reading.unit)),
    uncertainty && h("div", { class: "more" }, uncertainty),
    flags.length > 0 && h("div", null, ...flags),
  );
  value.dataset.value = String(reading.value);
  value.dataset.layer = reading.layer;
  return h("tr", null, name, value);
}

/** @param {Reading} reading */
function uncertaintyInWords({ uncertainty: ends, unit }) {
  return ends ? `${numberInWords(ends.lower, unit)} to ${numberInWords(ends.upper, unit)}` : "";
}
