/** One map of the list: seen or not, its place in the pile, how dense, in which colours. */

import { keyOf } from "./data_layers.js";
import { chemical, h } from "./dom.js";
import { icon } from "./icons.js";
import { endInWords } from "./legend.js";
import { legendOf, paintColours } from "./legends.js";
import { CAP_EDGE_DEG } from "./projections.js";
import { unitAfter } from "./words.js";

/** @typedef {import("./app.js").App} App */

/** @typedef {{app: App, key: string, name: string, until: AbortSignal}} Row what its parts need */

/**
 * @param {App} app
 * @param {string} key of the map
 * @param {AbortSignal} until the row is gone
 */
export function mapRow(app, key, until) {
  const map = app.scene.now.maps.find((each) => keyOf(each) === key);
  if (!map) return h("li", null);
  const dataset = app.dataset(map.dataset);
  const layer = app.layer(map);
  const problem = dataset ? (layer ? null : "has no such layer") : "is not here";
  const name = `${chemical(map.layer)} of ${map.dataset}`;
  const row = { app, key, name, until };
  return h("li", { class: "map-row" },
    h("div", { class: "map-head" },
      eye(row),
      h("div", { class: "map-name" },
        h("b", null, chemical(map.layer)),
        dataset?.simulated && h("span", { class: "tag" }, "SIMULATED"),
        h("span", { class: "below" }, [map.dataset, layer?.model].filter(Boolean).join(" · ")),
        dataset && h("span", { class: "below" }, growing(dataset)),
        dataset && reach(row, dataset)),
      h("div", { class: "map-order" },
        mover(row, 1), mover(row, -1),
        h("button", { class: "quiet", "aria-label": `Take ${name} away`, onclick: () => takeAway(app, key) },
          icon("close")))),
    problem
      ? h("p", { class: "error" }, `The data set ${map.dataset} ${problem}.`)
      : h("div", null, opacity(row), colours(row)),
  );
}

/**
 * @param {App} app
 * @param {string} key
 */
function indexOf(app, key) {
  return app.scene.now.maps.findIndex((each) => keyOf(each) === key);
}

/**
 * How much of a data set is there, while it is not whole.
 *
 * @param {import("./types.js").Dataset} dataset
 */
function growing({ shards }) {
  return shards && shards.done < shards.all ? `${shards.done} of ${shards.all} shards are done` : "";
}

/**
 * Says so where a view shows nothing of a data set.
 *
 * @param {Row} row
 * @param {import("./types.js").Dataset} dataset
 */
function reach({ app, until }, { grid }) {
  const words = h("span", { class: "below" });
  const [, south, , north] = grid.bounds;
  app.scene.watch(["view"], ({ view }) => {
    const isSeen = view === "cylindrical" || (view === "north" ? north : -south) > CAP_EDGE_DEG;
    words.textContent = isSeen ? "" : `It does not reach the ${view} pole's view.`;
  }, until);
  return words;
}

/**
 * Runs at once and whenever the map changes, as long as it is there.
 *
 * @param {Row} row
 * @param {(map: import("./link.js").MapShown) => void} told
 */
function watchMap({ app, key, until }, told) {
  const find = (/** @type {import("./link.js").Scene} */ { maps }) => {
    const map = maps.find((each) => keyOf(each) === key);
    if (map) told(map);
  };
  app.scene.watch(["maps"], find, until);
  app.onDatasets(() => find(app.scene.now), until);
}

/** @param {Row} row */
function eye(row) {
  const { app, key, name } = row;
  const button = h("button", { class: "quiet", "aria-label": `Show ${name}`, onclick: () => {
    const index = indexOf(app, key);
    app.scene.changeMap(index, { hidden: !app.scene.now.maps[index].hidden });
  } });
  watchMap(row, ({ hidden }) => {
    button.setAttribute("aria-pressed", String(!hidden));
    button.replaceChildren(icon(hidden ? "unseen" : "seen"));
  });
  return button;
}

/**
 * @param {Row} row
 * @param {1 | -1} by 1: up, towards the viewer
 */
function mover({ app, key, name }, by) {
  const button = h("button", {
    class: "quiet",
    id: `move-${by > 0 ? "up" : "down"}-${key}`,
    "aria-label": `Move ${name} ${by > 0 ? "up" : "down"}`,
    onclick: () => {
      const maps = [...app.scene.now.maps];
      const at = indexOf(app, key);
      const [moved] = maps.splice(at, 1);
      maps.splice(at + by, 0, moved);
      app.scene.change({ maps });
    },
  }, icon(by > 0 ? "up" : "down"));
  const { maps } = app.scene.now;
  button.disabled = keyOf(by > 0 ? maps[maps.length - 1] : maps[0]) === key;
  return button;
}

/**
 * @param {App} app
 * @param {string} key
 */
function takeAway(app, key) {
  app.scene.change({ maps: app.scene.now.maps.filter((each) => keyOf(each) !== key) });
  document.getElementById("title-maps")?.focus();
}

/** @param {Row} row */
function opacity(row) {
  const { app, key, name } = row;
  const slider = h("input", {
    type: "range", min: "0", max: "100", step: "1", "aria-label": `Opacity of ${name}, per cent`,
    oninput: () => app.scene.changeMap(indexOf(app, key), { opacity: Number(slider.value) / 100 }),
  });
  const words = h("output", null);
  watchMap(row, (map) => {
    slider.value = String(Math.round(map.opacity * 100));
    words.textContent = `${slider.value} %`;
  });
  return h("label", { class: "opacity" }, h("span", null, "Opacity"), slider, words);
}

/** @type {Promise<string[]> | null} */
let palettes = null;

/** @param {App} app */
function paletteNames(app) {
  palettes ??= app.api.get("/palettes").then(({ palettes: given }) =>
    given.map((/** @type {any} */ each) => (typeof each === "string" ? each : each.name)));
  palettes.catch(() => {
    palettes = null;
  });
  return palettes;
}

/** @param {Row} row */
function colours(row) {
  const { app, key, name } = row;
  const strip = h("span", { class: "colours" });
  const ends = h("span", { class: "ends" });
  const choice = h("select", { "aria-label": `Palette of ${name}`, onchange: () =>
    app.scene.changeMap(indexOf(app, key), { palette: choice.value || null }) });
  const low = h("input", { type: "number", step: "any", "aria-label": `Least value of ${name}` });
  const high = h("input", { type: "number", step: "any", "aria-label": `Largest value of ${name}` });
  const wrong = h("p", { class: "error", role: "alert", hidden: true },
    "The first number must be the smaller one.");
  const setRange = () => {
    const range = /** @type {[number, number]} */ ([low.valueAsNumber, high.valueAsNumber]);
    wrong.hidden = range[0] < range[1];
    if (wrong.hidden) app.scene.changeMap(indexOf(app, key), { range });
  };
  low.addEventListener("change", setRange);
  high.addEventListener("change", setRange);
  const reset = h("button", { type: "button", class: "text", onclick: () =>
    app.scene.changeMap(indexOf(app, key), { palette: null, range: null }) }, "Back to the layer's own");
  let asked = "";
  watchMap(row, async (map) => {
    const wanted = JSON.stringify([map.palette, map.range]);
    if (wanted === asked) return;
    asked = wanted;
    if (!app.layer(map)) return;
    try {
      const [legend, names] = await Promise.all([legendOf(app, map), paletteNames(app)]);
      if (wanted !== asked) return;
      strip.replaceChildren(paintColours(legend.colours));
      ends.replaceChildren(h("span", null, endInWords(legend.min)),
        h("span", null, endInWords(legend.max) + unitAfter(app.layer(map)?.unit)));
      [low.value, high.value] = [String(legend.min), String(legend.max)];
      wrong.hidden = true;
      const all = names.includes(legend.palette) ? names : [legend.palette, ...names];
      choice.replaceChildren(...all.map((each) => h("option", { value: each }, each)));
      choice.value = legend.palette;
    } catch (error) {
      asked = ""; // it is asked for again with the data sets
      app.mapFailed(error);
    }
  });
  return h("details", { class: "colour-control" },
    h("summary", null, h("span", { class: "unseen" }, `Colours of ${name}`), strip, ends),
    h("label", null, h("span", null, "Palette"), choice),
    h("div", { class: "range" }, h("span", null, "Range"), low, h("span", null, "to"), high),
    wrong, reset);
}
