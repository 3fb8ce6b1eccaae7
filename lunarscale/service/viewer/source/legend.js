/** The legend at the map's foot: the uppermost map's colours, or both sides' of the swipe. */

import { chemical, h } from "./dom.js";
import { legendOf, paintColours } from "./legends.js";
import { unitAfter } from "./words.js";

/** @typedef {import("./app.js").App} App */

/**
 * @param {App} app
 * @returns {HTMLElement}
 */
export function legendBox(app) {
  const box = h("div", { class: "legend", "aria-label": "Legend", role: "group" });
  const show = () => app.busy.during(lay());
  const lay = async () => {
    const maps = mapsWithLegend(app);
    try {
      const legends = await Promise.all(maps.map((map) => legendOf(app, map)));
      if (maps.some((map, index) => mapsWithLegend(app)[index] !== map)) return;
      box.replaceChildren(...maps.map((map, index) => oneLegend(app, map, legends[index])), noValue());
    } catch (error) {
      box.replaceChildren();
      app.mapFailed(error);
    }
  };
  app.scene.watch(["maps", "swipe"], show);
  app.onDatasets(show);
  return box;
}

/**
 * The maps whose colours one sees: the uppermost, with the swipe also the one below it.
 *
 * @param {App} app
 */
export function mapsWithLegend(app) {
  return app.seen.slice(app.scene.now.swipe === null ? -1 : -2);
}

/**
 * @param {App} app
 * @param {import("./link.js").MapShown} map
 * @param {import("./types.js").Legend} legend
 */
function oneLegend(app, map, legend) {
  const layer = app.layer(map);
  const dataset = app.dataset(map.dataset);
  const unit = unitAfter(layer?.unit);
  return h("figure", null,
    h("figcaption", null, h("b", null, chemical(map.layer)), unit,
      dataset?.simulated && h("span", { class: "tag" }, "SIMULATED")),
    h("div", { class: "colours" }, paintColours(legend.colours)),
    h("div", { class: "ends" },
      h("span", null, endInWords(legend.min)), h("span", null, endInWords(legend.max))),
  );
}

/** What is hatched. */
function noValue() {
  return h("p", { class: "no-value" }, h("span", { class: "hatched", "aria-hidden": "true" }), "no value");
}

/** @param {number} value */
export function endInWords(value) {
  return String(Number(value.toPrecision(4)));
}
