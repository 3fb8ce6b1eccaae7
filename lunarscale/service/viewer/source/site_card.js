/** A landing site: what its soils were measured to be, and what the map says there. */

import { sentenceOf } from "./api.js";
import { chemical, h } from "./dom.js";
import { placeInWords } from "./moon.js";
import { numberInWords } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./cards.js").Cards} Cards */
/** @typedef {import("./types.js").Site} Site */

const UNIT = "wt %";

/**
 * @param {App} app
 * @param {Cards} cards
 * @param {Site} site
 */
export async function siteCard(app, cards, site) {
  const dataset = app.uppermost?.dataset ?? null;
  const body = h("div", null, h("p", { class: "waiting" }, "Reading …"));
  app.scene.change({ point: null });
  cards.show({
    title: site.name,
    below: site.lon === null || site.lat === null ? null : placeInWords([site.lon, site.lat], 3),
    body: [body],
  });
  try {
    const { sites } = await app.api.get("/sites", { dataset });
    const found = sites.find((/** @type {Site} */ each) => each.name === site.name) ?? site;
    body.replaceChildren(...chemistryOf(app, found, dataset), ...othersOf(app, cards, found));
  } catch (error) {
    body.replaceChildren(h("p", { class: "error" }, sentenceOf(error)));
  }
}

/**
 * @param {App} app
 * @param {Site} site
 * @param {string | null} dataset
 * @returns {Node[]}
 */
function chemistryOf(app, site, dataset) {
  const { measured, predicted } = site;
  const oxides = [...new Set([...Object.keys(measured), ...Object.keys(predicted)])];
  const reason = Object.values(predicted).every((value) => value === null)
    ? Object.values(site.reasons)[0]
    : null;
  const hasMap = Object.keys(predicted).length > 0;
  const rows = oxides.map((oxide) => h("tr", null,
    h("th", { scope: "row" }, chemical(oxide)),
    h("td", { class: "number" }, inWords(measured[oxide])),
    hasMap && predictedCell(site, oxide)));
  return [
    h("table", { class: "chemistry" },
      h("caption", null, UNIT),
      h("thead", null, h("tr", null,
        h("th", { scope: "col" }, "Oxide"),
        h("th", { scope: "col", class: "number" }, "Soil, measured"),
        hasMap && h("th", { scope: "col", class: "number" }, "Map"))),
      h("tbody", null, ...rows)),
    h("p", { class: "note" },
      dataset && hasMap ? `Map: ${dataset}.` : "Show maps of oxides to compare them with it.",
      dataset && app.dataset(dataset)?.simulated && h("span", { class: "tag" }, "SIMULATED")),
    ...[reason, site.note, site.place_source && `Place: ${site.place_source}.`]
      .filter(Boolean)
      .map((words) => h("p", { class: "note" }, words)),
  ];
}

/**
 * @param {Site} site
 * @param {string} oxide
 */
function predictedCell({ predicted, uncertainty }, oxide) {
  const ends = uncertainty[oxide];
  return h("td", { class: "number" }, inWords(predicted[oxide]),
    ends && h("div", { class: "more" }, `${inWords(ends.lower)} to ${inWords(ends.upper)}`));
}

/** @param {number | null | undefined} value */
function inWords(value) {
  return value === null || value === undefined ? "–" : numberInWords(value, UNIT);
}

/**
 * The other stations of the same landing.
 *
 * @param {App} app
 * @param {Cards} cards
 * @param {Site} site
 */
function othersOf(app, cards, site) {
  const others = app.sites.filter((each) => each.site === site.site && each.name !== site.name);
  if (others.length === 0) return [];
  return [
    h("h3", { class: "others" }, `Other stations of ${site.site}`),
    h("ul", { class: "results" }, ...others.map((other) => h("li", null,
      h("button", { type: "button", onclick: () => siteCard(app, cards, other) }, other.name)))),
  ];
}
