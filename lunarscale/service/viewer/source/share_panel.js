/** A link that gives the view back, and a picture of it. */

import { sentenceOf } from "./api.js";
import { h, keepAs } from "./dom.js";
import { hashOf } from "./link.js";
import { paintPicture } from "./picture.js";

/**
 * @param {import("./app.js").App} app
 * @returns {Node[]}
 */
export function sharePanel(app) {
  const link = h("input", {
    type: "text", readOnly: true, id: "link", onfocus: () => link.select(),
  });
  app.scene.watch(
    ["view", "centre", "kmpx", "maps", "swipe", "overlays", "panel", "point", "polygon", "line"],
    (scene) => {
      link.value = `${location.origin}${location.pathname}#${hashOf(scene)}`;
    },
  );
  const copy = h("button", { type: "button", onclick: async () => {
    try {
      await navigator.clipboard.writeText(link.value);
      app.say("The link is in the clipboard.");
    } catch {
      link.focus(); // a page that is not served by https may not write there: the user copies it
      app.say("The link is marked: copy it from there.");
    }
  } }, "Copy the link");
  const save = h("button", { type: "button", onclick: async () => {
    save.disabled = true;
    try {
      keepAs(await paintPicture(app), "moon.png");
    } catch (error) {
      app.complain(sentenceOf(error));
    }
    save.disabled = false;
  } }, "Save the picture (PNG)");
  return [
    h("section", null,
      h("label", { for: "link" }, "This link shows the same view, without your token"),
      link, copy),
    h("section", null,
      h("h3", null, "Picture"),
      h("p", { class: "note" }, "The map as it is now, with its scale bar, legend and sources."),
      save),
    h("section", { class: "about" },
      h("h3", null, "Keys"),
      h("dl", null,
        ...[
          ["Arrows", "move the map"],
          ["+ and −", "zoom"],
          ["Enter", "read the values at the crosshair"],
          ["Esc", "end drawing, close a card or a panel"],
        ].flatMap(([key, words]) => [h("dt", null, key), h("dd", null, words)])),
      h("p", { class: "note" }, "Names: IAU Gazetteer of Planetary Nomenclature. Longitudes are planetocentric, east positive; the Moon is a sphere of radius 1737.4 km. ",
        h("a", { href: "/viewer/LICENSES.txt" }, "Licences of what this page is made of"), ".")),
  ];
}
