/** What summarise says of a polygon: a table, and the histogram. */

import { histogram } from "./chart.js";
import { chemical, h } from "./dom.js";
import { numberInWords, unitAfter } from "./words.js";

/** @typedef {"value" | "area" | "share"} Kind */

/**
 * What is shown of a row of summarise's table (lunarscale/reduce/table.py), in this order.
 *
 * @type {[string, string, Kind][]}
 */
const FACTS = [
  ["mean", "Mean", "value"],
  ["std", "Standard deviation", "value"],
  ["median", "Median", "value"],
  ["mode", "Mode", "value"],
  ["min", "Least", "value"],
  ["p2_5", "2.5 % are below", "value"],
  ["p97_5", "97.5 % are below", "value"],
  ["max", "Largest", "value"],
  ["area_km2", "Area", "area"],
  ["valid_share", "of it with a value", "share"],
  ["negative_share", "of that negative", "share"],
  ["extrapolated_share", "of that extrapolated", "share"],
  ["outside_mare_share", "of that outside the maria", "share"],
];

/**
 * @param {import("./app.js").App} app
 * @param {{dataset: string, layer: string}} of
 * @param {{rows: Record<string, any>[], histogram?: {edges: number[], area_km2: number[]} | null}} answer
 * @returns {Node[]}
 */
export function statisticsResult(app, { dataset, layer }, answer) {
  const row = answer.rows.find((each) => each.layer === layer) ?? answer.rows[0] ?? {};
  const simulated = app.dataset(dataset)?.simulated;
  const tag = () => simulated && h("span", { class: "tag" }, "SIMULATED");
  const facts = FACTS.filter(([key, , kind]) =>
    typeof row[key] === "number" && !(kind === "share" && key !== "valid_share" && row[key] === 0));
  const table = h("table", { class: "facts" },
    h("caption", null, `${chemical(layer)}${unitAfter(row.units)} of ${dataset}`, tag()),
    h("tbody", null, ...facts.map(([key, words, kind]) => factRow(key, words, { kind, value: row[key], unit: row.units }))));
  const { edges = [], area_km2: areas = [] } = answer.histogram ?? {};
  if (edges.length < 2) {
    return [table, h("p", { class: "empty" }, "No pixel within it has a value.")];
  }
  return [table, h("div", { class: "chart-box" }, tag(), areaChart(layer, row.units, { edges, areas }))];
}

/**
 * @param {string} key
 * @param {string} words
 * @param {{kind: Kind, value: number, unit: string | undefined}} fact
 */
function factRow(key, words, { kind, value, unit }) {
  const text = {
    value: () => numberInWords(value, unit),
    area: () => `${value.toLocaleString("en", { maximumSignificantDigits: 6 })} km²`,
    share: () => `${(100 * value).toFixed(1)} %`,
  }[kind]();
  const cell = h("td", { class: "number" }, text);
  cell.dataset.fact = key;
  cell.dataset.value = String(value);
  return h("tr", null, h("th", { scope: "row" }, words), cell);
}

/**
 * @param {string} layer
 * @param {string | undefined} unit
 * @param {{edges: number[], areas: number[]}} bins
 */
function areaChart(layer, unit, { edges, areas }) {
  const isLarge = Math.max(...areas) >= 10_000;
  return histogram(edges, isLarge ? areas.map((area) => area / 1000) : areas, {
    xTitle: `${chemical(layer)}${unit && unit !== "1" ? ` (${unit})` : ""}`,
    yTitle: isLarge ? "Area (1,000 km²)" : "Area (km²)",
    label: `Histogram of ${layer} within the polygon, ${areas.length} bins`,
  });
}
