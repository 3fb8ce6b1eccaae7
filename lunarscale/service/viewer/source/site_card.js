/** A landing site: what its soils were measured to be, and what the map says there. */

import { sentenceOf } from "./api.js";
import { numberInWords } from "./app.js";
import { chemical, h } from "./dom.js";
import { placeInWords } from "./moon.js";
import { uppermost } from "./scene.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types.js").Site} Site */

/**
 * @param {App} app
 * @param {import("./cards.js").Cards} cards
 * @param {Site} site
 */
export async function siteCard(app, cards, site) {
  const dataset = uppermost(app.scene.now)?.dataset ?? null;
  const body = h("div", null, h("p", { class: "waiting" }, "Reading …"));
  const place = site.lon === null || site.lat === null ? null : placeInWords([site.lon, site.lat], 3);
  app.scene.change({ point: null });
  cards.show({ title: site.name, below: place, body: [body] });
  try {
    const { sites } = await app.api.get("/sites", { dataset });
    const found = sites.find((/** @type {Site} */ each) => each.name === site.name);
    if (cards.box.contains(body)) body.replaceChildren(...chemistryOf(app, found ?? site, dataset));
  } catch (error) {
    body.replaceChildren(h("p", { class: "error" }, sentenceOf(error)));
  }
}

/**
 * @param {App} app
 * @param {any} site
 * @param {string | null} dataset
 */
function chemistryOf(app, site, dataset) {
  const measured = site.measured ?? {};
  const predicted = site.predicted ?? {};
  const oxides = [...new Set([...Object.keys(measured), ...Object.keys(predicted)])];
  if (oxides.length === 0) return [h("p", { class: "empty" }, "Nothing is known of its soils.")];
  const cell = (/** @type {number | null | undefined} */ value) =>
    h("td", { class: "number" }, value === null || value === undefined ? "–" : numberInWords(value));
  const simulated = app.dataset(dataset ?? "")?.simulated;
  return [
    h("table", { class: "chemistry" },
      h("caption", null, "wt %"),
      h("thead", null, h("tr", null,
        h("th", { scope: "col" }, "Oxide"),
        h("th", { scope: "col", class: "number" }, "Soil, measured"),
        h("th", { scope: "col", class: "number" }, "Map"))),
      h("tbody", null, ...oxides.map((oxide) =>
        h("tr", null, h("th", { scope: "row" }, chemical(oxide)), cell(measured[oxide]), cell(predicted[oxide]))))),
    h("p", { class: "note" }, dataset ? `Map: ${dataset}.` : "Show a map to compare it with.",
      simulated && h("span", { class: "tag" }, "SIMULATED")),
    site.note ? h("p", { class: "note" }, site.note) : "",
  ].filter((each) => each !== "");
}
