/** Files that were uploaded for jobs: those there are, and a form for one more. */

import { pathOf, sentenceOf } from "./api.js";
import { h, sureButton } from "./dom.js";
import { uploadForm } from "./upload_form.js";
import { KINDS } from "./upload_kinds.js";
import { sizeInWords } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types.js").Upload} Upload */
/** @typedef {import("./upload_kinds.js").Kind} Kind */

/**
 * @param {App} app
 * @param {() => void} changed there are others now
 * @returns {HTMLElement}
 */
export function uploadsBox(app, changed) {
  const list = h("ul", { class: "jobs", "aria-label": "Uploads" });
  const wrong = h("p", { class: "error", role: "alert", hidden: true });
  const load = async () => {
    try {
      const found = await app.api.get("/uploads");
      const rows = /** @type {Kind[]} */ (Object.keys(KINDS)).flatMap((kind) =>
        found[kind].map((/** @type {Upload} */ each) => row(app, kind, each, anew)));
      list.replaceChildren(...rows);
      wrong.hidden = true;
    } catch (error) {
      wrong.textContent = sentenceOf(error);
      wrong.hidden = !wrong.textContent;
    }
  };
  const anew = () => {
    load();
    changed();
  };
  const details = h("details", { class: "job-form", hidden: true, ontoggle: () => details.open && load() },
    h("summary", null, "Uploads"), wrong, list, uploadForm(app, anew));
  app.onCaller(() => {
    details.hidden = !app.may("run");
    if (details.open && !details.hidden) load();
  });
  return details;
}

/**
 * @param {App} app
 * @param {Kind} kind
 * @param {Upload} upload
 * @param {() => void} removed
 */
function row(app, kind, { name, bytes, by, holds }, removed) {
  const { title, role } = KINDS[kind];
  const isMine = role === "run" && by === app.caller.name;
  const remove = sureButton("Delete", `Delete ${name}`, async () => {
    try {
      await app.api.send("DELETE", `/${kind}${pathOf(name)}`);
      removed();
    } catch (error) {
      app.complain(sentenceOf(error));
    }
  });
  return h("li", { class: "job" },
    h("div", { class: "job-head" }, h("b", null, name), h("span", { class: "status" }, title)),
    h("p", { class: "below" }, `${KINDS[kind].holds(holds)}. ${sizeInWords(bytes)}, by ${by}.`),
    (isMine || app.may("admin")) && h("div", { class: "buttons" }, remove));
}
