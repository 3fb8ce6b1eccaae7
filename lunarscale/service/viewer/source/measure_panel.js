/** Statistics within a polygon, and a profile along a line: drawn, or typed. */

import { pathOf, sentenceOf } from "./api.js";
import { h } from "./dom.js";
import { drawingBar } from "./drawing.js";
import { placesInWords, placesOf } from "./link.js";
import { isEndOfInterval } from "./app.js";
import { geojsonPolygon } from "./paths.js";
import { profileResult } from "./profile_result.js";
import { chemical } from "./dom.js";
import { statisticsResult } from "./statistics_result.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./link.js").Place} Place */
/** @typedef {"polygon" | "line"} Shape */

const SAMPLES = 300;

/** @type {Record<Shape, {title: string, least: number, button: string, wrong: string}>} */
const SHAPES = {
  polygon: {
    title: "Polygon: statistics",
    least: 3,
    button: "Get statistics",
    wrong: "Give three corners or more (200 at most), one a line: longitude, latitude in degrees.",
  },
  line: {
    title: "Line: profile",
    least: 2,
    button: "Get profile",
    wrong: "Give two points or more (200 at most), one a line: longitude, latitude in degrees.",
  },
};

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function measurePanel(app) {
  const { bar, begin } = drawingBar(app);
  app.map.target.after(bar);
  const layer = h("select", { id: "measured" });
  const shapes = /** @type {Shape[]} */ (["polygon", "line"]).map((shape) =>
    shapeForm(app, shape, layer, begin));
  offerLayers(app, layer, () => {
    for (const { ask } of shapes) ask();
  });
  return [h("div", { class: "field" }, h("label", { for: "measured" }, "Map to measure"), layer), ...shapes.map(({ form }) => form)];
}

/**
 * The layers of the data sets on the screen; the uppermost map's is chosen until one chooses.
 *
 * @param {App} app
 * @param {HTMLSelectElement} select
 * @param {() => void} changed
 */
function offerLayers(app, select, changed) {
  let isChosen = false;
  const offer = () => {
    const top = app.uppermost;
    const names = [...new Set(app.scene.now.maps.map((map) => map.dataset))];
    const before = select.value;
    select.replaceChildren(...names.flatMap((name) => {
      const dataset = app.dataset(name);
      if (!dataset) return [];
      const layers = dataset.layers.filter((each) => !isEndOfInterval(each));
      return [h("optgroup", { label: dataset.simulated ? `${name} (SIMULATED)` : name },
        ...layers.map((each) => h("option", { value: `${name}/${each.name}` }, chemical(each.name))))];
    }));
    const options = [...select.options].map((option) => option.value);
    const wanted = isChosen && options.includes(before) ? before : top && `${top.dataset}/${top.layer}`;
    if (wanted && options.includes(wanted)) select.value = wanted;
    if (select.value !== before) changed();
  };
  select.addEventListener("change", () => {
    isChosen = true;
    changed();
  });
  app.scene.watch(["maps"], offer);
  app.onDatasets(offer);
}

/**
 * @param {App} app
 * @param {Shape} shape
 * @param {HTMLSelectElement} layer
 * @param {(shape: Shape, drawn: (places: Place[]) => void) => void} begin
 */
function shapeForm(app, shape, layer, begin) {
  const { title, least, button, wrong } = SHAPES[shape];
  const text = h("textarea", {
    id: `typed-${shape}`, rows: 4, spellcheck: false,
    placeholder: shape === "polygon" ? "-14, -40\n-8, -40\n-8, -46\n-14, -46" : "-20, -43\n0, -43",
  });
  const result = h("div", { class: "result", "aria-live": "polite" });
  const draw = h("button", { type: "button", onclick: () =>
    begin(shape, (places) => app.scene.change({ [shape]: places })) }, "Draw on the map");
  const clear = h("button", { type: "button", class: "text", onclick: () =>
    app.scene.change({ [shape]: null }) }, "Clear");
  const use = (/** @type {Event} */ event) => {
    event.preventDefault();
    const places = placesOf(text.value, least);
    if (places) app.scene.change({ [shape]: places });
    else result.replaceChildren(h("p", { class: "error" }, wrong));
  };
  const form = h("form", { class: "shape", onsubmit: use },
    h("h3", null, title),
    h("div", { class: "buttons" }, draw, clear),
    h("details", null,
      h("summary", null, "Type the coordinates"),
      h("label", { for: `typed-${shape}` }, "Longitude, latitude in degrees, one place a line"),
      text, h("button", { type: "submit" }, button)),
    result);

  /** @type {AbortController | null} */
  let asked = null;
  const ask = async () => {
    asked?.abort();
    const places = app.scene.now[shape];
    clear.hidden = places === null;
    if (!places || !layer.value) {
      result.replaceChildren();
      return;
    }
    asked = new AbortController();
    result.replaceChildren(h("p", { class: "waiting" }, "Reading …"));
    const [dataset, name] = layer.value.split("/");
    try {
      const parts = shape === "polygon"
        ? await statistics(app, { dataset, layer: name, places, signal: asked.signal })
        : await profile(app, { dataset, layer: name, places, signal: asked.signal });
      result.replaceChildren(...parts);
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence) result.replaceChildren(h("p", { class: "error" }, sentence));
    }
  };
  app.scene.watch([shape], (scene) => {
    const places = scene[shape];
    if (places) text.value = placesInWords(places, "\n").replaceAll(",", ", ");
    ask();
  });
  app.onDatasets(ask);
  return { form, ask };
}

/**
 * @typedef {{dataset: string, layer: string, places: Place[], signal: AbortSignal}} Question
 */

/**
 * @param {App} app
 * @param {Question} question
 */
async function statistics(app, { dataset, layer, places, signal }) {
  const answer = await app.api.send("POST", `/datasets${pathOf(dataset)}/statistics`, {
    query: { layer }, body: geojsonPolygon(places), signal,
  });
  return statisticsResult(app, { dataset, layer }, answer);
}

/**
 * @param {App} app
 * @param {Question} question
 */
async function profile(app, { dataset, layer, places, signal }) {
  const answer = await app.api.get(`/datasets${pathOf(dataset)}/profile`, {
    line: placesInWords(places), layer, samples: SAMPLES,
  }, signal);
  return profileResult(app, { dataset, layer }, answer);
}
