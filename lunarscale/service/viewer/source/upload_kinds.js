/** The kinds of files that the service keeps: who may send them, what they must be, how large. */

import { chemical } from "./dom.js";

/** @typedef {keyof import("./types.js").Uploads} Kind */

/**
 * @typedef {object} UploadKind
 * @property {string} title
 * @property {string} one of it, in a sentence
 * @property {import("./types.js").Role} role that may send it
 * @property {string} type of its file; empty: a form with several
 * @property {string} accept
 * @property {string} limit name of the limit of its bytes
 * @property {(most: string, limits: Record<string, number>) => string} note what is allowed, and how large
 * @property {(holds: Record<string, any>) => string} holds what was found in one
 */

/** @type {Record<Kind, UploadKind>} */
export const KINDS = {
  polygons: {
    title: "Polygons",
    one: "polygons",
    role: "run",
    type: "application/geo+json",
    accept: ".geojson,.json",
    limit: "polygon_bytes",
    note: (most, { upload_vertices: vertices }) =>
      `GeoJSON in lunar longitude and latitude; ${most} and ${vertices.toLocaleString("en")} places at most. `
      + "Jobs take statistics by them, or take them for the maria.",
    holds: ({ regions, names }) =>
      `${regionsInWords(regions)}: ${names.slice(0, 3).join(", ")}${regions > 3 ? ", …" : ""}`,
  },
  models: {
    title: "Model",
    one: "a model",
    role: "admin",
    type: "",
    accept: ".onnx,.json",
    limit: "upload_bytes",
    note: (most) => `A network as ONNX with its weights inside, or equations as JSON; ${most} at most.`,
    holds: ({ quantities, camera }) => `${quantities.map(chemical).join(", ")} of ${camera}`,
  },
  tables: {
    title: "Table of stations",
    one: "a table",
    role: "admin",
    type: "text/csv",
    accept: ".csv",
    limit: "table_bytes",
    note: (most) => `CSV with the columns of lunarscale's own tables of stations; ${most} at most.`,
    holds: ({ stations, camera, warnings }) =>
      [`${stations} stations for ${camera}`, ...warnings].join("; "),
  },
};

/** What an upload may be called, as a form's pattern and in words (service/upload.py). */
export const NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9_\\-]{0,62}";
export const NAME_RULE = "Letters, digits, _ and -; the first is a letter or digit.";

/**
 * A name that is allowed, from a file's.
 *
 * @param {string} file
 */
export function nameFrom(file) {
  const stem = file.replace(/\.[^.]*$/, "");
  return stem.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").replace(/-+$/, "").slice(0, 63);
}

/** @param {number} count */
export function regionsInWords(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "region" : "regions"}`;
}
