/** What the kinds of jobs are told, and the fields of a form that ask for it. */

import { sentenceOf } from "./api.js";
import { chemical, h } from "./dom.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {{element: HTMLElement, said: () => Record<string, unknown>}} Field */

/**
 * The verbs by the API's names, and which fields ask for their parameters.
 *
 * @type {Record<string, {title: string, fields: string[]}>}
 */
export const VERBS = {
  predict: {
    title: "Make maps of a mosaic",
    fields: ["mosaic", "models", "output"],
  },
  overview: {
    title: "Make the coarser levels of maps",
    fields: ["maps"],
  },
  summarise: {
    title: "Take statistics of maps",
    fields: ["maps", "by"],
  },
  export: {
    title: "Write a layer as a GeoTIFF",
    fields: ["layer"],
  },
  ingest: {
    title: "Lay tiles into a mosaic",
    fields: ["tiles", "ppd", "output"],
  },
};

/** Groups of places that need no parameter. */
const GROUPS = [
  ["moon", "Whole Moon"],
  ["maria", "Maria"],
  ["seas", "Each sea"],
  ["hemispheres", "Near and far side"],
  ["spa", "South Pole-Aitken"],
];

let count = 0;

/**
 * @param {string} title
 * @param {HTMLElement} control
 * @param {() => Record<string, unknown>} said the parameters that it gives
 * @returns {Field}
 */
function labelled(title, control, said) {
  control.id = `job-field-${++count}`;
  return { element: h("div", { class: "field" }, h("label", { for: control.id }, title), control), said };
}

/**
 * @param {App} app
 * @param {string} title
 * @param {string} kind of data sets
 */
function datasetField(app, title, kind) {
  const found = app.datasets.filter((each) => each.kind === kind);
  const select = h("select", null, ...found.map(({ name, simulated }) =>
    h("option", { value: name }, simulated ? `${name} (SIMULATED)` : name)));
  return labelled(title, select, () => ({ dataset: select.value }));
}

/**
 * Boxes to be checked; none checked is nothing said.
 *
 * @param {string} parameter
 * @param {string} title
 * @param {Promise<string[][]> | string[][]} choices name and words of each
 * @param {(name: string) => boolean} [isChecked]
 * @returns {Field}
 */
function checks(parameter, title, choices, isChecked = () => false) {
  const box = h("div", { class: "choices" }, h("p", { class: "waiting" }, "Reading …"));
  Promise.resolve(choices).then(
    (found) => box.replaceChildren(...found.map(([name, words]) =>
      h("label", { class: "check" },
        h("input", { type: "checkbox", value: name, checked: isChecked(name) }), words))),
    (error) => box.replaceChildren(h("p", { class: "error" }, sentenceOf(error))),
  );
  return {
    element: h("fieldset", { class: "field" }, h("legend", null, title), box),
    said: () => {
      const checked = /** @type {NodeListOf<HTMLInputElement>} */ (box.querySelectorAll("input:checked"));
      return checked.length ? { [parameter]: [...checked].map((each) => each.value) } : {};
    },
  };
}

/** @type {Record<string, (app: App, verb: string) => Field>} */
export const FIELDS = {
  mosaic: (app) => datasetField(app, "Mosaic", "mosaic"),

  maps: (app) => datasetField(app, "Maps", "maps"),

  by: () => checks("by", "By", GROUPS, (name) => ["moon", "maria", "seas"].includes(name)),

  models: (app) => {
    const camera = app.datasets.find((each) => each.kind === "mosaic")?.camera;
    const choices = app.api.get("/models").then(({ models }) => models
      .filter((/** @type {any} */ model) => !camera || model.camera === camera)
      .map((/** @type {any} */ { name, quantities }) =>
        [name, `${name}: ${quantities.map(chemical).join(", ")}`]));
    return checks("models", "Models; none: the camera's usual ones", choices);
  },

  output: (_, verb) => {
    const input = h("input", {
      type: "text", required: true, maxLength: 63, autocomplete: "off", spellcheck: false,
      placeholder: verb === "ingest" ? "my-mosaic.zarr" : "my-maps.zarr",
    });
    return labelled("Name of the new data set", input, () => ({ output: input.value.trim() }));
  },

  layer: (app) => {
    const found = app.datasets.filter((each) => each.kind === "maps");
    const select = h("select", null, ...found.map(({ name, layers }) =>
      h("optgroup", { label: name }, ...layers.map((layer) =>
        h("option", { value: `${name}/${layer.name}` }, chemical(layer.name))))));
    return labelled("Layer", select, () => {
      const [dataset, layer] = select.value.split("/");
      return { dataset, layer };
    });
  },

  tiles: (app) => {
    const choices = app.api.get("/verbs").then(({ tiles }) =>
      tiles.map((/** @type {string} */ name) => [name, name]));
    return checks("tiles", "Folders of tiles beside the data sets", choices);
  },

  ppd: () => {
    const input = h("input", { type: "number", required: true, min: "0.1", step: "any", value: "303.23349" });
    return labelled("Pixels a degree", input, () => ({ ppd: input.valueAsNumber }));
  },
};
