/** One job: how far it is, what it said, what it made, and what one can do with it. */

import { pathOf, sentenceOf, ServiceError } from "./api.js";
import { h, keepAs, sureButton } from "./dom.js";
import { addMap } from "./maps_panel.js";
import { sizeInWords } from "./words.js";

/** @typedef {import("./app.js").App} App */

/** What a stream that broke is followed by, in milliseconds. */
const AGAIN_MS = 2000;
const MOST_LOGS = 200;
const BUSY = ["queued", "running"];

/**
 * @param {App} app
 * @param {any} job
 * @param {() => void} reload the list
 */
export function jobCard(app, job, reload) {
  const path = `/jobs${pathOf(job.id)}`;
  let now = job;
  const life = new AbortController();
  let isFollowed = false;
  const status = h("span", { class: "status" });
  const bar = h("progress", { "aria-label": `Progress of ${job.title || job.verb}` });
  const words = h("p", { class: "note" });
  const more = h("div", { class: "more" });
  const act = (/** @type {() => Promise<unknown>} */ action) => async () => {
    try {
      await action();
      show(await app.api.get(path));
    } catch (error) {
      app.complain(sentenceOf(error));
    }
  };
  const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", onclick }, text);
  const buttons = {
    start: button("Start", act(() => app.api.send("POST", `${path}/results`))),
    cancel: button("Cancel", act(() => app.api.send("DELETE", `${path}/results`))),
    results: button("Results", act(async () => more.replaceChildren(...(await results(app, path))))),
    logs: button("Logs", act(async () => more.replaceChildren(...(await logs(app, path))))),
    remove: sureButton("Delete", `Delete ${job.title || job.verb}, with what it never finished,`, async () => {
      try {
        await app.api.send("DELETE", path);
        reload();
      } catch (error) {
        app.complain(sentenceOf(error));
      }
    }),
  };
  const element = h("li", { class: "job" },
    h("div", { class: "job-head" }, h("b", null, job.title || job.verb), status),
    h("p", { class: "below" }, [job.verb, job.dataset ?? job.parameters?.dataset].filter(Boolean).join(" · ")), bar, words,
    h("div", { class: "buttons" }, ...Object.values(buttons)), more);

  const show = (/** @type {any} */ fresh) => {
    const before = now.status;
    now = { ...now, ...fresh };
    const isBusy = BUSY.includes(now.status);
    status.textContent = now.status;
    status.dataset.status = now.status;
    bar.hidden = !isBusy && now.status !== "finished";
    if (now.status === "finished") bar.value = bar.max;
    else if (now.todo > 0) [bar.max, bar.value] = [now.todo, now.done ?? 0];
    else bar.removeAttribute("value");
    words.textContent = progressInWords(now);
    buttons.start.hidden = isBusy || now.status === "finished";
    buttons.cancel.hidden = !isBusy;
    buttons.results.hidden = now.status !== "finished";
    buttons.remove.hidden = isBusy;
    if (isBusy && !isFollowed) follow();
    if (now.status === "created" && before !== "created") estimate();
    if (before !== now.status && now.status === "finished") {
      app.loadDatasets().catch((error) => app.complain(sentenceOf(error)));
      app.say(`${now.title || now.verb} is finished.`);
    }
  };

  /** Shows what the stream of events tells, until the job is at its end. */
  const follow = async () => {
    if (isFollowed || life.signal.aborted) return;
    isFollowed = true;
    let isGone = false;
    try {
      for await (const { data } of app.api.events(`${path}/events`, life.signal)) {
        if (data) show(JSON.parse(data));
      }
      show(await app.api.get(path));
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence) words.textContent = sentence;
      isGone = error instanceof ServiceError && error.status === 404;
    }
    isFollowed = false;
    if (isGone) reload();
    else if (BUSY.includes(now.status)) setTimeout(follow, AGAIN_MS);
  };
  /** Says what it would take, before it is begun. */
  const estimate = async () => {
    try {
      const told = await app.api.get(`${path}/estimate`);
      if (now.status === "created") words.textContent = estimateInWords(told);
    } catch (error) {
      words.textContent = sentenceOf(error) ?? "";
    }
  };
  show(job);
  if (job.status === "created") estimate();
  return { element, show, leave: () => life.abort() };
}

/** @param {{pixels: number, seconds: number | null, basis: string, refusal: string | null}} told */
function estimateInWords({ pixels, seconds, basis, refusal }) {
  if (refusal) return refusal;
  const work = `${pixels.toLocaleString("en")} pixels`;
  if (seconds === null) return `${work}; ${basis}`;
  return `${work}, about ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`}`;
}

/** @param {any} job */
function progressInWords({ status, done, todo, mpx_s: rate, message, error }) {
  if (status === "error") return message ?? error?.message ?? error ?? "It failed; its logs tell why.";
  if (!["queued", "running"].includes(status)) return message ?? "";
  const parts = [
    todo > 0 && `${done ?? 0} of ${todo}`,
    rate > 0 && `${Number(rate.toPrecision(3))} Mpx/s`,
    message,
  ];
  return parts.filter(Boolean).join(" · ");
}

/**
 * @param {App} app
 * @param {string} path
 */
async function results(app, path) {
  const { assets, dataset } = await app.api.get(`${path}/results`);
  const names = Object.keys(assets);
  const layer = app.dataset(dataset)?.layers[0];
  const show = () => {
    if (layer) addMap(app, dataset, layer.name);
    app.scene.change({ panel: "maps" });
  };
  const made = layer ? [h("button", { type: "button", onclick: show }, `Show ${dataset} on the map`)] : [];
  return [...made, h("ul", { class: "results", "aria-label": "Results" }, ...names.map((name) =>
    h("li", null, h("button", { type: "button", onclick: async () => {
      try {
        keepAs(await app.api.file(`${path}/results${pathOf(name)}`), name);
      } catch (error) {
        app.complain(sentenceOf(error));
      }
    } }, h("b", null, name), h("span", { class: "below" }, `${assets[name].title}, ${sizeInWords(assets[name].bytes)}`)))))];
}

/**
 * @param {App} app
 * @param {string} path
 */
async function logs(app, path) {
  const { logs: entries } = await app.api.get(`${path}/logs`, { limit: MOST_LOGS });
  if (entries.length === 0) return [h("p", { class: "empty" }, "Nothing was logged yet.")];
  return [h("ol", { class: "log", tabIndex: 0, "aria-label": "Logs" }, ...entries.map((/** @type {any} */ entry) =>
    h("li", { class: entry.level }, h("time", null, timeOf(entry.time)), " ", entry.message)))];
}

/** @param {string | undefined} time ISO 8601 */
function timeOf(time) {
  return time ? new Date(time).toLocaleTimeString("en-GB") : "";
}
