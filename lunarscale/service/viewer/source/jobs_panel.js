/** Jobs: what runs, what ran, and a form for a new one. */

import { sentenceOf, ServiceError } from "./api.js";
import { h } from "./dom.js";
import { jobCard } from "./job_card.js";
import { jobForm } from "./job_form.js";
import { keepToken } from "./token.js";

/** @typedef {import("./app.js").App} App */

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function jobsPanel(app) {
  const list = h("ul", { class: "jobs", "aria-label": "Jobs, the newest first" });
  const words = h("p", { class: "note", role: "status" });
  /** @type {Map<string, ReturnType<typeof jobCard>>} */
  const cards = new Map();

  const load = async () => {
    try {
      const { jobs } = await app.api.get("/jobs");
      const ids = new Set(jobs.map((/** @type {any} */ job) => job.id));
      for (const [id, card] of cards) {
        if (ids.has(id)) continue;
        card.leave();
        cards.delete(id);
      }
      for (const job of jobs) {
        const card = cards.get(job.id);
        if (card) card.show(job);
        else cards.set(job.id, jobCard(app, job, load));
      }
      list.replaceChildren(...jobs.map((/** @type {any} */ job) => cards.get(job.id)?.element));
      words.textContent = jobs.length ? "" : "No job yet.";
      asked.hidden = true;
    } catch (error) {
      words.textContent = sentenceOf(error) ?? "";
      asked.hidden = !(error instanceof ServiceError && [401, 403].includes(error.status));
    }
  };
  const asked = tokenForm(app, load);
  let isOpen = false;
  app.scene.watch(["panel"], ({ panel }) => {
    if (panel === "jobs" && !isOpen) load();
    isOpen = panel === "jobs";
  });
  return [jobForm(app, load), words, asked, list];
}

/**
 * @param {App} app
 * @param {() => void} then
 */
function tokenForm(app, then) {
  const input = h("input", { type: "password", id: "token", autocomplete: "off" });
  const use = (/** @type {Event} */ event) => {
    event.preventDefault();
    app.api.token = input.value.trim() || null;
    keepToken(app.api.token);
    input.value = "";
    app.begin();
    then();
  };
  return h("form", { class: "token", hidden: true, onsubmit: use },
    h("label", { for: "token" }, "Token; it is kept for this tab only"), input,
    h("button", { type: "submit" }, "Use this token"));
}
