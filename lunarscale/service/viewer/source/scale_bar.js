/** The scale bar: right for the middle of the screen, along its horizontal. */

import { h } from "./dom.js";
import { placeInWords } from "./moon.js";
import { scaleBar } from "./scale.js";

const LONGEST_PX = 130;

/**
 * @param {import("./app.js").App} app
 * @returns {HTMLElement}
 */
export function scaleBarBox(app) {
  const bar = h("div", { class: "length-bar" });
  const text = h("span", { class: "length" });
  const where = h("span", { class: "where", hidden: true });
  const show = () => {
    const found = scaleBar(app.map.metresAPixel, LONGEST_PX);
    bar.hidden = found === null;
    if (found) bar.style.width = `${found.pixels}px`;
    text.textContent = found?.text ?? "";
  };
  app.map.ol.on("postrender", show);
  app.map.ol.on("pointermove", (event) => {
    const place = app.map.placeOf(event.coordinate);
    where.textContent = Math.abs(place[1]) <= 90 ? placeInWords(place) : "";
    where.hidden = where.textContent === "";
  });
  return h("div", { class: "scale" },
    where, h("div", { class: "scale-bar", role: "img", "aria-label": "Scale at the map's middle" }, text, bar));
}
