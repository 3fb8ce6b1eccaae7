/** Jobs: what runs, what ran, and a form for a new one. */

import { sentenceOf, ServiceError } from "./api.js";
import { h } from "./dom.js";
import { jobCard } from "./job_card.js";
import { jobForm } from "./job_form.js";
import { keepToken } from "./token.js";
import { uploadsBox } from "./uploads_box.js";

/** @typedef {import("./app.js").App} App */

const NEEDS_TOKEN = "Jobs need a token of the role run; who runs the service makes one.";

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function jobsPanel(app) {
  const list = h("ul", { class: "jobs", "aria-label": "Jobs, the newest first" });
  const words = h("p", { class: "note", role: "status" });
  /** @type {Map<string, ReturnType<typeof jobCard>>} */
  const cards = new Map();

  const leaveAllBut = (/** @type {string[]} */ ids) => {
    for (const [id, card] of cards) {
      if (ids.includes(id)) continue;
      card.leave();
      cards.delete(id);
    }
  };
  const load = async () => {
    try {
      const { jobs } = await app.api.get("/jobs");
      leaveAllBut(jobs.map((/** @type {any} */ job) => job.id));
      for (const job of jobs) {
        const card = cards.get(job.id);
        if (card) card.show(job);
        else cards.set(job.id, jobCard(app, job, load));
      }
      list.replaceChildren(...jobs.map((/** @type {any} */ job) => cards.get(job.id)?.element));
      words.textContent = jobs.length ? "" : "No job yet.";
      asked.hidden = true;
    } catch (error) {
      const status = error instanceof ServiceError ? error.status : null;
      words.textContent = status === 401 ? NEEDS_TOKEN : (sentenceOf(error) ?? "");
      asked.hidden = status !== 401 && status !== 403;
      if (asked.hidden) return;
      leaveAllBut([]);
      list.replaceChildren();
    }
  };
  const asked = tokenForm(app);
  let isOpen = false;
  app.scene.watch(["panel"], ({ panel }) => {
    if (panel === "jobs" && !isOpen) load();
    isOpen = panel === "jobs";
  });
  app.onCaller(() => isOpen && load());
  const form = jobForm(app, load);
  return [form.element, uploadsBox(app, form.refresh), words, asked, list];
}

/** @param {App} app */
function tokenForm(app) {
  const input = h("input", { type: "password", id: "token", autocomplete: "off" });
  const use = (/** @type {Event} */ event) => {
    event.preventDefault();
    app.api.token = input.value.trim() || null;
    keepToken(app.api.token);
    input.value = "";
    app.begin();
  };
  return h("form", { class: "token", hidden: true, onsubmit: use },
    h("label", { for: "token" }, "Token; it is kept for this tab only"), input,
    h("button", { type: "submit" }, "Use this token"));
}
