/** A form for a new job: what to do, with what, under which name. */

import { sentenceOf } from "./api.js";
import { h } from "./dom.js";
import { FIELDS, VERBS } from "./job_fields.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./job_fields.js").Field} Field */

/**
 * @param {App} app
 * @param {() => void} made
 * @returns {HTMLElement}
 */
export function jobForm(app, made) {
  const verb = h("select", { id: "job-verb" },
    ...Object.entries(VERBS).map(([name, { title }]) => h("option", { value: name }, title)));
  const title = h("input", { type: "text", id: "job-title", maxLength: 200, autocomplete: "off" });
  const box = h("div", { class: "fields" });
  const wrong = h("p", { class: "error", role: "alert", hidden: true });
  /** @type {Field[]} */
  let fields = [];

  const lay = () => {
    fields = VERBS[verb.value].fields.map((name) => FIELDS[name](app, verb.value));
    box.replaceChildren(...fields.map((field) => field.element));
  };
  const create = async (/** @type {Event} */ event) => {
    event.preventDefault();
    wrong.hidden = true;
    const parameters = Object.assign({}, ...fields.map((field) => field.said()));
    try {
      await app.api.send("POST", "/jobs", {
        body: { title: title.value.trim() || VERBS[verb.value].title, verb: verb.value, parameters },
      });
      form.reset();
      details.open = false;
      lay();
      made();
    } catch (error) {
      wrong.textContent = sentenceOf(error);
      wrong.hidden = false;
    }
  };
  const form = h("form", { onsubmit: create },
    h("label", { for: "job-verb" }, "What to do"), verb, box,
    h("label", { for: "job-title" }, "Title (optional)"), title,
    wrong,
    h("button", { type: "submit" }, "Create the job"));
  const details = h("details", { class: "job-form" }, h("summary", null, "New job"), form);
  verb.addEventListener("change", lay);
  details.addEventListener("toggle", () => details.open && lay());
  return details;
}
