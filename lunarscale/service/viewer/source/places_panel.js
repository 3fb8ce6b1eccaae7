/** Where to go: named features by search, and the landing sites. */

import { sentenceOf } from "./api.js";
import { h } from "./dom.js";
import { latitudeInWords, longitudeInWords, placeInWords } from "./moon.js";
import { NARROW } from "./kinds.js";
import { placesOf } from "./link.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types.js").Feature} Feature */

const MOST = 12;

/** A key pressed within this time, in milliseconds, is part of the same word. */
const TYPING_MS = 150;

/** How much of the Moon a landing site is shown with, in km. */
const SITE_KM = 60;

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function placesPanel(app) {
  app.scene.watch(["panel"], ({ panel }) => {
    if (panel !== "places" && app.marks.ringed) app.marks.ring(null);
  });
  return [search(app), sites(app)];
}

/** @param {App} app */
function search(app) {
  const input = h("input", {
    type: "search", id: "search", placeholder: "Tycho, or lon, lat", autocomplete: "off",
    spellcheck: false,
  });
  const results = h("ul", { class: "results", "aria-label": "Features found" });
  const words = h("p", { class: "note", role: "status" });
  /** @type {AbortController | null} */
  let asked = null;
  let waiting = 0;

  const find = async () => {
    asked?.abort();
    const text = input.value.trim();
    const typed = placesOf(text, 1);
    if (!text || typed) {
      words.textContent = "";
      results.replaceChildren(...(typed ? [placeButton(app, typed[0])] : []));
      return;
    }
    asked = new AbortController();
    try {
      const { features } = await app.api.get("/features", { q: text, limit: MOST }, asked.signal);
      results.replaceChildren(...features.map((/** @type {Feature} */ each) => featureButton(app, each)));
      words.textContent = features.length ? "" : `No named feature is like "${text}".`;
    } catch (error) {
      words.textContent = sentenceOf(error) ?? words.textContent;
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, TYPING_MS);
  });
  const go = (/** @type {Event} */ event) => {
    event.preventDefault();
    clearTimeout(waiting);
    find().then(() => results.querySelector("button")?.click());
  };
  return h("form", { role: "search", onsubmit: go },
    h("label", { for: "search" }, "Name of a crater, mare, … or a place"), input, words, results);
}

/**
 * @param {App} app
 * @param {Feature} feature
 */
function featureButton(app, feature) {
  const { name, kind, lon, lat, diameter_km: km } = feature;
  const go = () => {
    app.map.flyTo([lon, lat], km);
    app.marks.ring(km > 0 && !NARROW.includes(kind) ? feature : null);
  };
  const size = km ? `, ${km < 10 ? km.toFixed(1) : Math.round(km)} km` : "";
  return h("li", null,
    h("button", { type: "button", onclick: go },
      h("b", null, name), h("span", { class: "below" }, `${kind}${size}`)));
}

/**
 * @param {App} app
 * @param {[number, number]} place
 */
function placeButton(app, place) {
  const go = () => {
    app.map.flyTo(place, SITE_KM);
    app.scene.change({ point: place });
  };
  return h("li", null,
    h("button", { type: "button", onclick: go },
      h("b", null, placeInWords(place, 3)), h("span", { class: "below" }, "go there and read its values")));
}

/** @param {App} app */
function sites(app) {
  const list = h("ul", { class: "results", "aria-label": "Landing sites" });
  app.onSites(() => {
    const landings = [...app.landings].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
    list.replaceChildren(...landings.map(([name, site]) => h("li", null,
      h("button", { type: "button", onclick: () => visit(app, site) },
        h("b", null, name), h("span", { class: "below" }, whereIs(site))))));
  });
  return h("section", null, h("h3", null, "Landing sites"), list);
}

/** @param {import("./types.js").Site} site */
function whereIs({ lon, lat }) {
  return lon === null || lat === null ? "" : `${latitudeInWords(lat, 1)}  ${longitudeInWords(lon, 1)}`;
}

/**
 * @param {App} app
 * @param {import("./types.js").Site} site
 */
function visit(app, site) {
  if (site.lon !== null && site.lat !== null) app.map.flyTo([site.lon, site.lat], SITE_KM);
  app.showSite(site);
}
