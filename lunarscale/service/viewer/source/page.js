/** The page around the map: a rail of panels, the views, zoom, scale, legend and cards. */

import { h, isNarrow } from "./dom.js";
import { icon } from "./icons.js";
import { jobsPanel } from "./jobs_panel.js";
import { legendBox } from "./legend.js";
import { mapsPanel } from "./maps_panel.js";
import { measurePanel } from "./measure_panel.js";
import { placesPanel } from "./places_panel.js";
import { Cards } from "./cards.js";
import { readPoints } from "./point_card.js";
import { scaleBarBox } from "./scale_bar.js";
import { sharePanel } from "./share_panel.js";
import { swipeLine } from "./swipe.js";

/** @typedef {import("./link.js").PanelName} PanelName */
/** @typedef {import("./app.js").App} App */

/** Free pixels between the map's edge and what is written on it. */
const MARGIN = 18;

/** Pixels between an edge and what stands beside it; as style.css has it. */
const EDGE = 16;

/** Pixels that a message takes at least, where a card and a panel leave it none. */
const LEAST_FREE = 280;

/** How much of a phone's height a sheet may take; as style.css has it. */
const SHEET_SHARE = 0.56;

/** @type {{name: PanelName, title: string, make: (app: App) => Node[]}[]} */
const PANELS = [
  { name: "maps", title: "Maps", make: mapsPanel },
  { name: "places", title: "Places", make: placesPanel },
  { name: "measure", title: "Measure", make: measurePanel },
  { name: "jobs", title: "Jobs", make: jobsPanel },
  { name: "share", title: "Share", make: sharePanel },
];

/** @type {{name: import("./link.js").ViewName, title: string, short: string}[]} */
const VIEWS = [
  { name: "cylindrical", title: "Whole Moon", short: "Moon" },
  { name: "north", title: "North pole", short: "North" },
  { name: "south", title: "South pole", short: "South" },
];

/**
 * Puts everything around the map.
 *
 * @param {App} app
 */
export function layPage(app) {
  const cards = new Cards(app);
  const panels = panelsOf(app);
  const foot = h("div", { class: "foot" }, scaleBarBox(app), legendBox(app));
  const tools = h("div", { class: "tools" }, viewButtons(app), simulatedBadge(app));
  const zoom = zoomButtons(app);
  const crosshair = h("div", { class: "crosshair", "aria-hidden": "true" });
  app.map.target.closest("main")?.before(rail(app), ...panels);
  app.map.target.after(
    swipeLine(app), crosshair, tools, zoom, foot, cards.box, app.notices.box,
  );
  readPoints(app, cards);
  app.escapes.push(() => cards.close(), () => closePanel(app), () => app.notices.close());
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (app.escapes.some((escape) => escape())) event.preventDefault();
  });
  app.map.ol.on("loadstart", () => app.busy.set("map", true));
  app.map.ol.on("loadend", () => app.busy.set("map", false));
  watchRoom(app, { panels, crosshair, card: cards.box, zoom, foot, others: [tools, foot, zoom, cards.box] });
}

/** @param {App} app */
function rail(app) {
  const buttons = PANELS.map(({ name, title }) => {
    const button = h(
      "button",
      { class: "rail-button", id: `open-${name}`, "aria-controls": `panel-${name}`,
        onclick: () => toggle(app, name) },
      icon(name), h("span", null, title),
    );
    app.scene.watch(["panel"], ({ panel }) =>
      button.setAttribute("aria-expanded", String(panel === name)));
    return button;
  });
  const mark = h("div", { class: "brand", "aria-hidden": "true" }, icon("moon"));
  const name = h("h1", { class: "unseen" }, "The Moon");
  return h("nav", { class: "rail", "aria-label": "Panels" }, name, mark, ...buttons);
}

/**
 * @param {App} app
 * @param {PanelName} name
 */
function toggle(app, name) {
  const isOpen = app.scene.now.panel === name;
  app.scene.change({ panel: isOpen ? null : name });
  if (!isOpen) document.getElementById(`title-${name}`)?.focus();
}

/** @param {App} app */
function closePanel(app) {
  const { panel } = app.scene.now;
  if (!panel) return false;
  app.scene.change({ panel: null });
  document.getElementById(`open-${panel}`)?.focus();
  return true;
}

/** @param {App} app */
function panelsOf(app) {
  return PANELS.map(({ name, title, make }) => {
    const heading = h("h2", { id: `title-${name}`, tabIndex: -1 }, title);
    const close = h(
      "button",
      { class: "quiet", "aria-label": `Close ${title}`, onclick: () => closePanel(app) },
      icon("close"),
    );
    const panel = h(
      "section",
      { class: "panel", id: `panel-${name}`, "aria-labelledby": `title-${name}`, hidden: true },
      h("header", null, heading, close),
      h("div", { class: "panel-body" }, ...make(app)),
    );
    app.scene.watch(["panel"], (scene) => {
      panel.hidden = scene.panel !== name;
    });
    return panel;
  });
}

/** @param {App} app */
function viewButtons(app) {
  const buttons = VIEWS.map(({ name, title, short }) => {
    const button = h(
      "button",
      { "aria-label": title, onclick: () => app.map.switchTo(name) },
      h("span", { class: "long" }, title), h("span", { class: "short" }, short),
    );
    app.scene.watch(["view"], ({ view }) =>
      button.setAttribute("aria-pressed", String(view === name)));
    return button;
  });
  return h("div", { class: "views", role: "group", "aria-label": "View" }, ...buttons);
}

/** @param {App} app */
function zoomButtons(app) {
  return h(
    "div",
    { class: "zoom", role: "group", "aria-label": "Zoom" },
    h("button", { "aria-label": "Zoom in", onclick: () => app.map.zoomBy(1) }, icon("plus")),
    h("button", { "aria-label": "Zoom out", onclick: () => app.map.zoomBy(-1) }, icon("minus")),
    h("button", { "aria-label": "Show all", onclick: () => app.map.showAll() }, icon("whole")),
  );
}

/** @param {App} app */
function simulatedBadge(app) {
  const badge = h("p", { class: "simulated", role: "status" });
  const show = () => {
    badge.textContent = app.isSimulated ? "SIMULATED DATA" : "";
    badge.hidden = !app.isSimulated;
  };
  app.scene.watch(["maps"], show);
  app.onDatasets(show);
  return badge;
}

/**
 * Keeps what part of the map nothing covers.
 *
 * @param {App} app
 * @param {object} parts
 * @param {HTMLElement[]} parts.panels
 * @param {HTMLElement[]} parts.others what else covers the map
 * @param {HTMLElement} parts.card what is free for these does not count what lies under it
 * @param {HTMLElement} parts.crosshair
 * @param {HTMLElement} parts.zoom
 * @param {HTMLElement} parts.foot
 */
function watchRoom(app, { panels, others, card, crosshair, zoom, foot }) {
  /** @type {DOMRect[]} */
  let covers = [];
  const measure = () => {
    const open = panels.find((panel) => !panel.hidden);
    const railBox = document.querySelector(".rail")?.getBoundingClientRect();
    const { innerWidth: width, innerHeight: height } = window;
    const rest = { left: 0, top: 0, right: 0, bottom: 0 };
    app.map.padding = isNarrow()
      ? { ...rest, bottom: open ? Math.round(height * SHEET_SHARE) : (railBox?.height ?? 0) }
      : { ...rest, left: open?.getBoundingClientRect().right ?? railBox?.right ?? 0 };
    const { left, top, width: freeWidth, height: freeHeight } = app.map.free;
    // a sheet is as tall as what is in it
    const bottom = isNarrow() && open ? open.getBoundingClientRect().top : top + freeHeight;
    app.room = () => ({
      left: left + MARGIN, top: top + MARGIN, right: width - MARGIN, bottom: bottom - MARGIN,
    });
    const beside = card.hidden || isNarrow() ? width : card.getBoundingClientRect().left;
    const { style } = document.body;
    style.setProperty("--middle", `${(left + beside) / 2}px`);
    style.setProperty("--free", `${Math.max(beside - left - 2 * EDGE, LEAST_FREE)}px`);
    app.map.target.style.setProperty("--covered", `${left}px`);
    zoom.style.left = isNarrow() ? "" : `${left + EDGE}px`;
    foot.style.maxWidth = isNarrow() ? "" : `${width - left - 2 * EDGE}px`;
    // where there is little room, one stands above the other
    const { left: footLeft, top: footTop } = foot.getBoundingClientRect();
    const isTight = !isNarrow() && footLeft < zoom.getBoundingClientRect().right;
    zoom.style.bottom = isTight ? `${height - footTop + 8}px` : "";
    crosshair.style.left = `${left + freeWidth / 2}px`;
    crosshair.style.top = `${top + freeHeight / 2}px`;
    covers = others.filter((each) => !each.hidden).map((each) => each.getBoundingClientRect());
    app.map.ol.render();
  };
  app.isCovered = ([x, y]) => covers.some((box) =>
    x > box.left - MARGIN && x < box.right + MARGIN && y > box.top - 8 && y < box.bottom + 8);
  const observer = new ResizeObserver(measure);
  for (const element of [app.map.target, ...panels, ...others]) observer.observe(element);
  app.scene.watch(["panel"], measure);
}
