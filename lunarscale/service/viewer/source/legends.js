/** Legends of the maps shown: asked for once for each layer, palette and range. */

import { pathOf } from "./api.js";
import { pictureQuery } from "./data_layers.js";

/** @typedef {import("./types.js").Legend} Legend */

/** @type {Map<string, Promise<Legend>>} */
const known = new Map();

/**
 * The legend of a map as it is shown.
 *
 * @param {import("./app.js").App} app
 * @param {import("./link.js").MapShown} map
 * @returns {Promise<Legend>}
 */
export function legendOf(app, map) {
  const query = pictureQuery(map);
  const key = JSON.stringify([map.dataset, query, app.dataset(map.dataset)?.version]);
  const asked = known.get(key)
    ?? app.api.get(`/datasets${pathOf(map.dataset)}/legend.json`, query);
  known.set(key, asked);
  asked.catch(() => known.delete(key));
  return asked;
}

/**
 * A canvas one pixel high with a legend's colours, which the page stretches.
 *
 * @param {string[]} colours
 */
export function paintColours(colours) {
  const canvas = document.createElement("canvas");
  canvas.width = colours.length;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  colours.forEach((colour, index) => {
    if (!context) return;
    context.fillStyle = colour;
    context.fillRect(index, 0, 1, 1);
  });
  return canvas;
}
