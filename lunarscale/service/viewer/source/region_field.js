/** A job's region: four numbers, typed, or taken from what was drawn. */

import { h } from "./dom.js";
import { boxAround } from "./boxes.js";

/** @typedef {import("./app.js").App} App */

const MOST = { west: 360, south: 90, east: 360, north: 90 };
const NOTE = "Degrees east and north; empty: all of it. West may be larger than east, over 180°.";

let count = 0;

/**
 * @param {App} app
 * @param {AbortSignal} until the form is another one
 * @returns {import("./fields.js").Field}
 */
export function regionField(app, until) {
  const sides = Object.entries(MOST).map(([name, most]) => {
    const input = h("input", { type: "number", id: `region-${name}-${++count}`, min: `${-most}`, max: `${most}`, step: "any" });
    const label = h("label", { for: input.id }, name[0].toUpperCase() + name.slice(1));
    return { input, element: h("div", { class: "field" }, label, input) };
  });
  const inputs = sides.map(({ input }) => input);
  const [, south, , north] = inputs;
  // browsers refuse what is not whole, at the side that is wrong
  const check = () => {
    const isGiven = inputs.some(({ value, validity }) => value !== "" || validity.badInput);
    for (const input of inputs) input.required = isGiven;
    const isUpsideDown = south.valueAsNumber >= north.valueAsNumber;
    north.setCustomValidity(isUpsideDown ? "North must be larger than south." : "");
  };
  const take = h("button", { type: "button", onclick: () => {
    const { polygon, line } = app.scene.now;
    const drawn = polygon ?? line;
    if (!drawn) return;
    boxAround(drawn).forEach((side, index) => {
      inputs[index].value = String(side);
    });
    check();
  } }, "Around what I drew");
  app.scene.watch(["polygon", "line"], ({ polygon, line }) => {
    take.hidden = !(polygon ?? line);
  }, until);
  const element = h("fieldset", { class: "field", oninput: check },
    h("legend", null, "Region"),
    h("div", { class: "sides" }, ...sides.map((side) => side.element)),
    h("p", { class: "note" }, NOTE), take);
  const said = () => {
    const bbox = inputs.map(({ valueAsNumber }) => valueAsNumber);
    return bbox.every(Number.isFinite) ? { bbox } : {};
  };
  return { element, said };
}
