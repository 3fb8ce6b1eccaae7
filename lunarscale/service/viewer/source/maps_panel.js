/** The maps on the screen: which, in what order, how dense, in which colours. */

import { isEndOfInterval } from "./app.js";
import { keyOf } from "./data_layers.js";
import { chemical, h } from "./dom.js";
import { mapRow } from "./map_row.js";

/** @typedef {import("./app.js").App} App */

/** Order is the list's: the uppermost map first. */
const OVERLAYS = /** @type {const} */ ([
  ["graticule", "Graticule"],
  ["names", "Names"],
  ["sites", "Landing sites"],
]);

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function mapsPanel(app) {
  return [mapList(app), adder(app), broken(app), comparing(app), overlays(app)];
}

/** @param {App} app */
function mapList(app) {
  const list = h("ol", { class: "maps", "aria-label": "Maps, the uppermost first" });
  let laid = "";
  let life = new AbortController();
  const lay = () => {
    const { maps } = app.scene.now;
    const order = JSON.stringify([maps.map(keyOf), app.revision]);
    if (order === laid) return; // what changes within a row, the row shows itself
    laid = order;
    const focused = document.activeElement?.id;
    life.abort();
    life = new AbortController();
    const rows = maps.map((map) => mapRow(app, keyOf(map), life.signal));
    list.replaceChildren(...rows.reverse());
    if (maps.length === 0) list.append(h("li", { class: "empty" }, emptySentence(app)));
    if (focused) document.getElementById(focused)?.focus();
  };
  app.scene.watch(["maps"], lay);
  app.onDatasets(lay);
  return list;
}

/** @param {App} app */
function emptySentence(app) {
  if (!app.isLoaded) return "Looking what there is …";
  return app.datasets.length
    ? "No map is shown; choose one below."
    : "This service has no map yet. Make one with lunarscale demo, or by a job.";
}

/** @param {App} app */
function adder(app) {
  const dataset = h("select", { id: "add-dataset", onchange: () => offerLayers() });
  const layer = h("select", { id: "add-layer" });
  const offerLayers = () => {
    const layers = app.dataset(dataset.value)?.layers ?? [];
    const option = (/** @type {import("./types.js").Layer} */ each) =>
      h("option", { value: each.name, title: each.remark ?? "" }, chemical(each.name));
    const ends = layers.filter(isEndOfInterval);
    layer.replaceChildren(...layers.filter((each) => !isEndOfInterval(each)).map(option));
    if (ends.length) layer.append(h("optgroup", { label: "Ends of intervals" }, ...ends.map(option)));
  };
  const form = h(
    "form",
    { class: "adder", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      if (dataset.value && layer.value) addMap(app, dataset.value, layer.value);
    } },
    h("label", { for: "add-dataset" }, "Data set"), dataset,
    h("label", { for: "add-layer" }, "Layer"), layer,
    h("button", { type: "submit" }, "Show this map"),
  );
  app.onDatasets(() => {
    const chosen = dataset.value;
    dataset.replaceChildren(...app.datasets.map((each) =>
      h("option", { value: each.name }, each.simulated ? `${each.name} (SIMULATED)` : each.name)));
    if (app.dataset(chosen)) dataset.value = chosen;
    else offerFirstMaps(app, dataset);
    form.hidden = app.datasets.length === 0;
    offerLayers();
  });
  return form;
}

/**
 * @param {App} app
 * @param {HTMLSelectElement} select
 */
function offerFirstMaps(app, select) {
  const maps = app.datasets.find((each) => each.kind === "maps");
  if (maps) select.value = maps.name;
}

/**
 * Lays a map on top; one that is shown already is moved there.
 *
 * @param {App} app
 * @param {string} dataset
 * @param {string} layer
 */
export function addMap(app, dataset, layer) {
  const fresh = { dataset, layer, opacity: 1, palette: null, range: null, hidden: false };
  const { maps } = app.scene.now;
  const held = maps.find((map) => keyOf(map) === keyOf(fresh));
  const others = maps.filter((map) => map !== held);
  app.scene.change({ maps: [...others, held ? { ...held, hidden: false } : fresh] });
}

/** @param {App} app */
function broken(app) {
  const list = h("ul", { "aria-label": "Data sets that cannot be read", hidden: true });
  app.onDatasets(() => {
    const sentences = Object.values(app.broken);
    list.hidden = sentences.length === 0;
    list.replaceChildren(...sentences.map((sentence) => h("li", { class: "error" }, sentence)));
  });
  return list;
}

/** @param {App} app */
function comparing(app) {
  const box = h("input", {
    type: "checkbox", id: "swipe", role: "switch",
    onchange: () => app.scene.change({ swipe: box.checked ? 0.5 : null }),
  });
  const words = h("p", { class: "note" });
  const show = () => {
    const { seen, scene } = app;
    const { swipe } = scene.now;
    box.disabled = seen.length < 2;
    box.checked = swipe !== null && seen.length >= 2;
    words.textContent = seen.length < 2
      ? "Show a second map to compare two."
      : `${app.titleOf(seen[seen.length - 1])} right of the line, what lies below it left.`;
  };
  app.scene.watch(["maps", "swipe"], show);
  app.onDatasets(show);
  return h("fieldset", null, h("legend", null, "Compare"),
    h("label", { class: "check" }, box, "Draw a line between two maps"), words);
}

/** @param {App} app */
function overlays(app) {
  const boxes = OVERLAYS.map(([name, title]) => {
    const box = h("input", { type: "checkbox", onchange: () => {
      const others = app.scene.now.overlays.filter((each) => each !== name);
      app.scene.change({ overlays: box.checked ? [...others, name] : others });
    } });
    app.scene.watch(["overlays"], (scene) => {
      box.checked = scene.overlays.includes(name);
    });
    return h("label", { class: "check" }, box, title);
  });
  return h("fieldset", null, h("legend", null, "On top"), ...boxes);
}
