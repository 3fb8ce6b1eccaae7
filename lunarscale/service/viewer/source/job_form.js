/** A form for a new job: what to do, with what, under which name. */

import { sentenceOf } from "./api.js";
import { h } from "./dom.js";
import { labelled } from "./fields.js";
import { FIELDS, VERBS } from "./job_fields.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./fields.js").Field} Field */

/**
 * @param {App} app
 * @param {() => void} made
 * @returns {{element: HTMLElement, refresh: () => void}} `refresh` offers what there is now
 */
export function jobForm(app, made) {
  const verb = h("select", null,
    ...Object.entries(VERBS).map(([name, { title }]) => h("option", { value: name }, title)));
  const title = h("input", { type: "text", maxLength: 200, autocomplete: "off" });
  const box = h("div", { class: "fields" });
  const wrong = h("p", { class: "error", role: "alert", hidden: true });
  /** @type {Field[]} */
  let fields = [];
  let life = new AbortController();
  /** @type {Promise<import("./types.js").Uploads> | null} asked for once for all fields */
  let uploads = null;

  const refresh = () => {
    if (!details.open) return;
    uploads = null;
    for (const field of fields) field.refresh?.();
  };
  const lay = () => {
    life.abort();
    life = new AbortController();
    wrong.hidden = true;
    uploads = null;
    const asking = {
      app, verb: verb.value, dataset: "", refresh, until: life.signal,
      uploads: () => (uploads ??= app.api.get("/uploads")),
    };
    fields = VERBS[verb.value].fields.map((name) => FIELDS[name](asking));
    box.replaceChildren(...fields.map((field) => field.element));
  };
  const create = async (/** @type {Event} */ event) => {
    event.preventDefault();
    wrong.hidden = true;
    submit.disabled = true; // pressed twice, it makes one
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
      wrong.hidden = !wrong.textContent;
    }
    submit.disabled = false;
  };
  const submit = h("button", { type: "submit" }, "Create the job");
  const form = h("form", { onsubmit: create },
    labelled("What to do", verb), box, labelled("Title (optional)", title), wrong, submit);
  const details = h("details", { class: "job-form", hidden: true }, h("summary", null, "New job"), form);
  verb.addEventListener("change", lay);
  details.addEventListener("toggle", () => (fields.length ? refresh() : lay()));
  app.onDatasets(refresh);
  app.onCaller(() => {
    details.hidden = !app.may("run");
  });
  return { element: details, refresh };
}
