/** What summarise says of a polygon: a table, and the histogram. */

import { unitAfter } from "./app.js";
import { histogram } from "./chart.js";
import { chemical, h } from "./dom.js";

/**
 * @param {import("./app.js").App} app
 * @param {{dataset: string, layer: string}} of
 * @param {any} answer
 * @returns {Node[]}
 */
export function statisticsResult(app, { dataset, layer }, answer) {
  const row = answer.rows[0] ?? {};
  const unit = app.layer({ dataset, layer, opacity: 1, palette: null, range: null, hidden: false })?.unit;
  const simulated = app.dataset(dataset)?.simulated;
  const facts = Object.entries(row).filter(([key, value]) => typeof value === "number" && key !== "group");
  /** @type {Node[]} */
  const parts = [
    h("table", { class: "facts" },
      h("caption", null, `${chemical(layer)}${unitAfter(unit)} of ${dataset}`,
        simulated && h("span", { class: "tag" }, "SIMULATED")),
      h("tbody", null, ...facts.map(([key, value]) => {
        const cell = h("td", { class: "number" }, factInWords(/** @type {number} */ (value)));
        cell.dataset.fact = key;
        cell.dataset.value = String(value);
        return h("tr", null, h("th", { scope: "row" }, key.replaceAll("_", " ")), cell);
      }))),
  ];
  const { edges, area_km2: areas } = answer.histogram ?? {};
  if (edges?.length > 1) {
    const isLarge = Math.max(...areas) >= 10_000;
    const heights = isLarge ? areas.map((/** @type {number} */ area) => area / 1000) : areas;
    const chart = histogram(edges, heights, {
      xTitle: `${chemical(layer)}${unit && unit !== "1" ? ` (${unit})` : ""}`,
      yTitle: isLarge ? "Area (1,000 km²)" : "Area (km²)",
      label: `Histogram of ${layer} within the polygon, ${areas.length} bins`,
    });
    parts.push(h("div", { class: "chart-box" }, chart, simulated && h("span", { class: "tag" }, "SIMULATED")));
  }
  return parts;
}

/** @param {number} value */
function factInWords(value) {
  return Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(5)));
}
