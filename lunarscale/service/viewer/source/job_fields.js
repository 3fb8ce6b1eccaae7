/** What the kinds of jobs are told, and the fields of a form that ask for it. */

import { chemical, h } from "./dom.js";
import { checks, labelled, offer } from "./fields.js";
import { regionField } from "./region_field.js";
import { regionsInWords } from "./upload_kinds.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./fields.js").Field} Field */
/** @typedef {import("./fields.js").Choice} Choice */

/**
 * @typedef {object} Asking what a field is made for
 * @property {App} app
 * @property {string} verb
 * @property {string} dataset that is chosen
 * @property {() => void} refresh all fields, as another dataset was chosen
 * @property {() => Promise<import("./types.js").Uploads>} uploads that there are now
 * @property {AbortSignal} until the form is another one
 */

/**
 * The verbs by the API's names, and which fields ask for their parameters.
 *
 * @type {Record<string, {title: string, fields: string[]}>}
 */
export const VERBS = {
  predict: {
    title: "Make maps of a mosaic",
    fields: ["mosaic", "models", "output", "region", "maria", "kept"],
  },
  overview: {
    title: "Make the coarser levels of maps",
    fields: ["maps"],
  },
  summarise: {
    title: "Take statistics of maps",
    fields: ["maps", "by", "coverage"],
  },
  export: {
    title: "Write a layer as a GeoTIFF",
    fields: ["layer", "region"],
  },
  ingest: {
    title: "Lay tiles into a mosaic",
    fields: ["tiles", "ppd", "output", "region"],
  },
};

/** Groups of places that need no upload. */
const GROUPS = [
  ["moon", "Whole Moon"],
  ["maria", "Maria"],
  ["seas", "Each sea"],
  ["hemispheres", "Near and far side"],
  ["spa", "South Pole-Aitken"],
  ["latitude:10", "Latitude bands of 10°"],
];

/** Those that the command line takes too where none is named. */
const USUAL_GROUPS = ["moon", "maria", "seas"];

/**
 * @param {Asking} asking
 * @param {string} title
 * @param {string} kind of data sets
 * @returns {Field}
 */
function datasetField(asking, title, kind) {
  const select = h("select", { required: true, onchange: () => {
    asking.dataset = select.value;
    asking.refresh();
  } });
  const refresh = () => {
    offer(select, asking.app.datasets
      .filter((each) => each.kind === kind)
      .map(({ name, simulated }) => h("option", { value: name }, simulated ? `${name} (SIMULATED)` : name)));
    asking.dataset = select.value;
  };
  refresh();
  return { element: labelled(title, select), said: () => ({ dataset: select.value }), refresh };
}

/**
 * Groups of places: words, and uploaded polygons.
 *
 * @param {Asking} asking
 * @param {string} title
 * @param {string[]} usual
 */
function groupsField({ uploads }, title, usual) {
  const read = async () => [
    ...GROUPS.map(([value, words]) => ({ parameter: "by", value, words })),
    ...(await uploads()).polygons.map(({ name, holds }) => (
      { parameter: "polygons", value: name, words: `${name} (${regionsInWords(holds.regions)})` })),
  ];
  return checks(title, ["by", "polygons"], read, ({ value, parameter }) =>
    parameter === "by" && usual.includes(value));
}

/**
 * Something that only matters where polygons were uploaded is shown only then.
 *
 * @param {Asking} asking
 * @param {HTMLElement} element
 * @param {(polygons: import("./types.js").Upload[]) => void} [told]
 */
function wherePolygonsAre({ app, uploads }, element, told = () => {}) {
  const refresh = async () => {
    try {
      const { polygons } = await uploads();
      element.hidden = polygons.length === 0;
      told(polygons);
    } catch {
      element.hidden = true; // the field of the groups or models says why
    }
  };
  refresh();
  return refresh;
}

/** @type {Record<string, (asking: Asking) => Field>} */
export const FIELDS = {
  mosaic: (asking) => datasetField(asking, "Mosaic", "mosaic"),

  maps: (asking) => datasetField(asking, "Maps", "maps"),

  by: (asking) => groupsField(asking, "By", USUAL_GROUPS),

  kept: (asking) => groupsField(asking, "Statistics to keep with the maps", []),

  region: ({ app, until }) => regionField(app, until),

  coverage: (asking) => {
    const box = h("input", { type: "checkbox" });
    const element = h("label", { class: "check" }, box, "Divide pixels on the borders of polygons by area");
    return { element, said: () => ({ coverage: box.checked }), refresh: wherePolygonsAre(asking, element) };
  },

  maria: (asking) => {
    const select = h("select", null);
    const element = labelled("Maria", select);
    const refresh = wherePolygonsAre(asking, element, (polygons) => offer(select, [
      h("option", { value: "" }, "The seas as circles"),
      ...polygons.map(({ name }) => h("option", { value: name }, `Polygons ${name}`)),
    ]));
    return { element, said: () => (select.value ? { maria: select.value } : {}), refresh };
  },

  models: (asking) => {
    const read = async () => {
      const { models } = await asking.app.api.get("/models");
      const camera = asking.app.dataset(asking.dataset)?.camera;
      return models
        .filter((/** @type {any} */ model) => !camera || model.camera === camera)
        .map((/** @type {any} */ { name, quantities }) => (
          { parameter: "models", value: name, words: `${name}: ${quantities.map(chemical).join(", ")}` }));
    };
    return checks("Models; none: the camera's usual ones", ["models"], read);
  },

  output: ({ verb }) => {
    const input = h("input", {
      type: "text", required: true, maxLength: 63, autocomplete: "off", spellcheck: false,
      pattern: "[A-Za-z0-9]([A-Za-z0-9_.\\-]{0,61}[A-Za-z0-9])?", title: "Letters, digits, _ . and -",
      placeholder: verb === "ingest" ? "my-mosaic.zarr" : "my-maps.zarr",
    });
    return { element: labelled("Name of the new data set", input), said: () => ({ output: input.value }) };
  },

  layer: ({ app }) => {
    const select = h("select", { required: true });
    const refresh = () => offer(select, app.datasets
      .filter((each) => each.kind === "maps")
      .map(({ name, layers }) => h("optgroup", { label: name }, ...layers.map((layer) =>
        h("option", { value: `${name}/${layer.name}` }, chemical(layer.name))))));
    refresh();
    const said = () => {
      const [dataset, layer] = select.value.split("/");
      return { dataset, layer };
    };
    return { element: labelled("Layer", select), said, refresh };
  },

  tiles: ({ app }) => {
    const read = async () => {
      const { tiles } = await app.api.get("/verbs");
      return tiles.map((/** @type {string} */ value) => ({ parameter: "tiles", value, words: value }));
    };
    return checks("Folders of tiles beside the data sets", ["tiles"], read);
  },

  ppd: () => {
    const input = h("input", { type: "number", required: true, min: "0.1", step: "any", value: "303.23349" });
    return { element: labelled("Pixels a degree", input), said: () => ({ ppd: input.valueAsNumber }) };
  },
};
