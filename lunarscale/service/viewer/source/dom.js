/** Small words for making the page's elements. */

/**
 * An element, its properties and what is in it. `on...` are listeners, `class` and `aria-...` and
 * `data-...` are attributes, all else are properties. Text goes in as text, never as markup.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...(Node | string | number | null | false | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) put(element, name, value);
  element.append(...wanted(children));
  return element;
}

/**
 * An element of SVG; its properties are attributes.
 *
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    element.setAttribute(name, String(value));
  }
  element.append(...wanted(children));
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {any} value null and false: leave it out
 */
function put(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name.includes("-") || name === "role" || name === "for") {
    element.setAttribute(name, String(value));
  } else /** @type {any} */ (element)[name] = value;
}

/** @param {unknown[]} children */
function wanted(children) {
  return /** @type {(Node | string)[]} */ (
    children
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => (typeof child === "number" ? String(child) : child))
  );
}

/**
 * A button that does something for good: it asks once whether it shall.
 *
 * @param {string} text
 * @param {string} label with what it is about
 * @param {() => void} action
 */
export function sureButton(text, label, action) {
  const ask = `${text} for good?`;
  const say = (/** @type {string} */ words, /** @type {string} */ name) => {
    button.textContent = words;
    button.setAttribute("aria-label", name);
  };
  const button = h("button", { type: "button", onblur: () => say(text, label), onclick: () => {
    if (button.textContent === ask) action();
    else say(ask, `${label} for good?`);
  } });
  say(text, label);
  return button;
}

/**
 * The name of a quantity with its numbers lowered, `TiO₂`, in signs that every font has.
 *
 * @param {string} text
 */
export function chemical(text) {
  return text.replace(
    /\b(TiO2|SiO2|Al2O3)(?=\b|_)/g,
    (formula) => formula.replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]),
  );
}

/** Whether the user asked for less motion. */
export function wantsStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Whether panels are sheets from below: a phone. As style.css has it. */
export function isNarrow() {
  return matchMedia("(max-width: 719px)").matches;
}

/**
 * Offers something to keep as a file.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function keepAs(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  // the browser reads it after the click; it needs no longer than a minute to begin
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
