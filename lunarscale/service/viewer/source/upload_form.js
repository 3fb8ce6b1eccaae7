/** A form for a file to upload: its kind, the file, its name; and how far it is. */

import { sentenceOf, ServiceError } from "./api.js";
import { h } from "./dom.js";
import { labelled, offer } from "./fields.js";
import { geojsonPolygon } from "./paths.js";
import { KINDS, nameFrom, NAME_PATTERN, NAME_RULE } from "./upload_kinds.js";
import { limitInWords, sizeInWords } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./upload_kinds.js").Kind} Kind */

const CAMERAS = [["clementine-uvvis", "Clementine UVVIS"], ["kaguya-mi", "Kaguya MI"]];

/**
 * @param {App} app
 * @param {() => void} made
 * @returns {HTMLElement}
 */
export function uploadForm(app, made) {
  const kind = h("select", { onchange: () => lay() });
  const file = h("input", { type: "file", required: true, onchange: () => look() });
  const card = h("input", { type: "file", accept: ".yaml,.yml", onchange: () => look() });
  const camera = h("select", null, ...CAMERAS.map(([value, words]) => h("option", { value }, words)));
  const name = h("input", {
    type: "text", required: true, pattern: NAME_PATTERN, title: NAME_RULE, autocomplete: "off", spellcheck: false,
  });
  const note = h("p", { class: "note" });
  const [wrongFile, wrongName] = [0, 1].map(() => h("p", { class: "error", role: "alert", hidden: true }));
  const drawn = h("button", { type: "button", onclick: () => take() }, "Take the polygon that I drew");
  const kindField = labelled("Kind", kind);
  const cardField = labelled("Its card (YAML), if it is not inside", card);
  const cameraField = labelled("For the camera", camera);
  const way = progressOf();
  let proposed = "";
  const chosen = () => /** @type {Kind} */ (kind.value);

  const lay = () => {
    const kinds = Object.entries(KINDS).filter(([, { role }]) => app.may(role));
    offer(kind, kinds.map(([value, { title }]) => h("option", { value }, title)));
    if (kinds.length === 0) return;
    const { accept, limit, note: words } = KINDS[chosen()];
    const { limits } = app.caller;
    kindField.hidden = kinds.length === 1;
    file.accept = accept;
    note.textContent = words(limitInWords(limits[limit]), limits);
    cardField.hidden = chosen() !== "models";
    cameraField.hidden = chosen() !== "tables";
    drawn.hidden = chosen() !== "polygons" || !app.scene.now.polygon;
    look();
  };
  /** Says what is wrong with the file before it is sent, and proposes a name. */
  const look = () => {
    const [first] = file.files ?? [];
    const sentence = tooLarge(app, chosen(), first);
    file.setCustomValidity(sentence);
    tell(wrongFile, sentence);
    const proposal = nameFrom(first?.name ?? "");
    if (!name.value || name.value === proposed) name.value = proposal;
    proposed = proposal;
  };
  const take = () => {
    const { polygon } = app.scene.now;
    if (!polygon) return;
    const feature = { type: "Feature", properties: { name: "drawn" }, geometry: geojsonPolygon(polygon) };
    const files = new DataTransfer();
    files.items.add(new File([JSON.stringify(feature)], "drawn.geojson"));
    file.files = files.files;
    look();
  };
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const [first] = file.files ?? [];
    if (!first || way.isOn) return;
    tell(wrongFile, "");
    tell(wrongName, "");
    const { type } = KINDS[chosen()];
    const query = { name: name.value, camera: chosen() === "tables" ? camera.value : null };
    const body = type ? first.slice(0, first.size, type) : formOf(first, card.files?.[0]);
    try {
      const kept = await app.api.upload(`/${chosen()}`, { query, body, signal: way.begin(), told: way.tell });
      app.say(`${kept.name} is uploaded.`);
      form.reset();
      lay();
      made();
    } catch (error) {
      const isName = error instanceof ServiceError && error.status === 409;
      tell(isName ? wrongName : wrongFile, sentenceOf(error) ?? "");
    }
    way.end();
  };
  const form = h("form", { onsubmit: send },
    kindField,
    h("div", { class: "field" }, labelled("File", file, note, wrongFile), drawn),
    cardField, cameraField,
    labelled("Name, by which jobs call it", name, wrongName),
    way.element,
    h("button", { type: "submit" }, "Upload"));
  app.onCaller(lay);
  app.scene.watch(["polygon"], lay);
  return form;
}

/**
 * Why a file cannot be sent; empty where it can.
 *
 * @param {App} app
 * @param {Kind} kind
 * @param {File | undefined} file
 */
function tooLarge(app, kind, file) {
  const most = app.caller.limits[KINDS[kind]?.limit];
  if (!file || !(file.size > most)) return "";
  return `${file.name} has ${sizeInWords(file.size)} but ${KINDS[kind].one} may have ${limitInWords(most)} at most.`;
}

/**
 * @param {HTMLElement} place
 * @param {string} sentence
 */
function tell(place, sentence) {
  place.textContent = sentence;
  place.hidden = !sentence;
}

/**
 * @param {File} file
 * @param {File | undefined} card
 */
function formOf(file, card) {
  const form = new FormData();
  form.set("file", file);
  if (card) form.set("card", card);
  return form;
}

/** How far an upload is, and a way to give it up. */
function progressOf() {
  /** @type {AbortController | null} */
  let sending = null;
  const bar = h("progress", { "aria-label": "Progress of the upload" });
  const words = h("p", { class: "note", role: "status" });
  const cancel = h("button", { type: "button", onclick: () => sending?.abort() }, "Cancel");
  const element = h("div", { class: "field", hidden: true }, bar, words, cancel);
  return {
    element,
    get isOn() {
      return sending !== null;
    },
    begin() {
      sending = new AbortController();
      element.hidden = false;
      this.tell(0);
      return sending.signal;
    },
    tell(/** @type {number} */ share) {
      if (share < 1) bar.value = share;
      else bar.removeAttribute("value");
      words.textContent = share < 1 ? `${Math.floor(100 * share)} % is sent` : "The service reads it …";
    },
    end() {
      sending = null;
      element.hidden = true;
    },
  };
}
