/** The card beside the map: what is at a point, or at a landing site. One at a time. */

import { h, isNarrow } from "./dom.js";
import { icon } from "./icons.js";

export class Cards {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.box = h("aside", { class: "card", "aria-live": "polite", hidden: true });
    /** @type {() => void} */
    this.whenClosed = () => {};
  }

  /**
   * Shows a card in place of the one before.
   *
   * @param {object} card
   * @param {string} card.title
   * @param {string | HTMLElement | null} [card.below] a second line of the title
   * @param {Node[]} card.body
   * @param {() => void} [card.whenClosed]
   */
  show({ title, below, body, whenClosed = () => {} }) {
    this.whenClosed = whenClosed;
    this.box.setAttribute("aria-label", title);
    this.box.replaceChildren(
      h("header", null,
        h("div", null, h("h2", null, title), below && h("p", { class: "below" }, below)),
        h("button", { class: "quiet", "aria-label": "Close this card", onclick: () => this.close() },
          icon("close"))),
      h("div", { class: "card-body" }, ...body),
    );
    this.box.hidden = false;
    if (isNarrow()) this.app.scene.change({ panel: null }); // one sheet at a time
  }

  /** Closes it; false where none is open. */
  close() {
    if (this.box.hidden) return false;
    const hadFocus = this.box.contains(document.activeElement);
    this.box.hidden = true;
    this.box.replaceChildren();
    this.whenClosed();
    if (hadFocus) this.app.map.target.focus();
    return true;
  }
}
