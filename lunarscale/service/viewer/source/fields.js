/** What the page's forms are made of. */

import { sentenceOf } from "./api.js";
import { h } from "./dom.js";

/**
 * @typedef {object} Field
 * @property {HTMLElement} element
 * @property {() => Record<string, unknown>} said the parameters that it gives
 * @property {() => void} [refresh] offers what there is now; what was chosen stays
 *
 * @typedef {object} Choice
 * @property {string} parameter that it is a value of
 * @property {string} value
 * @property {string} words
 */

let count = 0;

/**
 * A control below its label.
 *
 * @param {string} title
 * @param {HTMLElement} control
 * @param {...HTMLElement} more what is said of it, below
 */
export function labelled(title, control, ...more) {
  control.id = `field-${++count}`;
  more.forEach((each, index) => {
    each.id = `${control.id}-${index}`;
  });
  if (more.length) control.setAttribute("aria-describedby", more.map((each) => each.id).join(" "));
  return h("div", { class: "field" }, h("label", { for: control.id }, title), control, ...more);
}

/**
 * Puts options into a list; what was chosen stays chosen where it is still there.
 *
 * @param {HTMLSelectElement} select
 * @param {Node[]} options
 */
export function offer(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options);
  if ([...select.options].some(({ value }) => value === chosen)) select.value = chosen;
}

/**
 * Boxes to be checked.
 *
 * @param {string} title
 * @param {string[]} parameters that are said, also without any value
 * @param {() => Promise<Choice[]>} read
 * @param {(choice: Choice) => boolean} [isChecked] at first
 * @returns {Field}
 */
export function checks(title, parameters, read, isChecked = () => false) {
  const box = h("div", { class: "choices" }, h("p", { class: "waiting" }, "Reading …"));
  /** @type {Map<string, {choice: Choice, input: HTMLInputElement}>} */
  let shown = new Map();
  const refresh = async () => {
    try {
      const found = (await read()).map((choice) => {
        const key = `${choice.parameter}=${choice.value}`;
        const checked = shown.get(key)?.input.checked ?? isChecked(choice);
        return /** @type {const} */ ([key, { choice, input: h("input", { type: "checkbox", checked }) }]);
      });
      shown = new Map(found);
      box.replaceChildren(...found.map(([, { choice, input }]) =>
        h("label", { class: "check" }, input, choice.words)));
      if (found.length === 0) box.append(h("p", { class: "empty" }, "There are none."));
    } catch (error) {
      box.replaceChildren(h("p", { class: "error" }, sentenceOf(error)));
    }
  };
  refresh();
  return {
    element: h("fieldset", { class: "field" }, h("legend", null, title), box),
    refresh,
    said: () => {
      const chosen = [...shown.values()].filter(({ input }) => input.checked);
      return Object.fromEntries(parameters.map((parameter) => [parameter,
        chosen.filter(({ choice }) => choice.parameter === parameter).map(({ choice }) => choice.value)]));
    },
  };
}
