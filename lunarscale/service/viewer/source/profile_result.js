/** A profile as a chart; the place one points at is shown on the map. */

import { lineChart } from "./chart.js";
import { chemical, h } from "./dom.js";
import { numberInWords, unitAfter } from "./words.js";

/**
 * @param {import("./app.js").App} app
 * @param {{dataset: string, layer: string}} of
 * @param {{distance_km: number[], lon: number[], lat: number[], value: (number | null)[], unit?: string}} answer
 * @returns {Node[]}
 */
export function profileResult(app, { dataset, layer }, answer) {
  const { distance_km: distance, value, unit } = answer;
  const known = value.filter((each) => each !== null);
  if (known.length === 0) return [h("p", { class: "empty" }, "The map has no value along this line.")];
  const words = h("p", { class: "note" });
  const length = `${distance[distance.length - 1].toFixed(1)} km`;
  const tell = (/** @type {number | null} */ index) => {
    app.marks.point(index === null ? null : [answer.lon[index], answer.lat[index]]);
    const at = index === null ? null : value[index];
    words.textContent = index === null
      ? `${length}, ${known.length} of ${value.length} samples have a value.`
      : `${distance[index].toFixed(1)} km: ${at === null ? "no value" : numberInWords(at, unit) + unitAfter(unit)}`;
  };
  tell(null);
  const simulated = app.dataset(dataset)?.simulated;
  const chart = lineChart(distance, value, {
    xTitle: "Distance (km)",
    yTitle: `${chemical(layer)}${unit && unit !== "1" ? ` (${unit})` : ""}`,
    label: `${layer} of ${dataset} along ${length}: ${numberInWords(Math.min(...known), unit)} to ${numberInWords(Math.max(...known), unit)}`,
  }, tell);
  return [
    h("div", { class: "chart-box" }, simulated && h("span", { class: "tag" }, "SIMULATED"), chart),
    words,
  ];
}
