/** A form for a new job: what to do, with which data set, under which name. */

import { sentenceOf } from "./api.js";
import { h } from "./dom.js";

/**
 * @param {import("./app.js").App} app
 * @param {() => void} made
 * @returns {HTMLElement}
 */
export function jobForm(app, made) {
  return h("details", { class: "job-form" }, h("summary", null, "New job"));
}
