/** Sentences that come and go at the page's foot; read out by screen readers. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const NEWS_MS = 6000;
const MOST = 3;

export class Notices {
  constructor() {
    this.box = h("div", { class: "notices", role: "log", "aria-live": "polite", "aria-label": "Messages" });
  }

  /**
   * @param {string} sentence the same one twice is shown once
   * @param {"error" | "news"} kind an error stays until it is closed
   */
  show(sentence, kind) {
    const shown = /** @type {HTMLElement[]} */ ([...this.box.children]);
    if (shown.some((notice) => notice.dataset.sentence === sentence)) return;
    const notice = h("div", { class: `notice ${kind}` }, h("p", null, sentence));
    notice.dataset.sentence = sentence;
    notice.append(
      h("button", { class: "quiet", "aria-label": "Close this message", onclick: () => notice.remove() },
        icon("close")),
    );
    this.box.append(notice);
    while (this.box.children.length > MOST) this.box.firstChild?.remove();
    if (kind === "news") setTimeout(() => notice.remove(), NEWS_MS);
  }

  /** @param {string} sentence that holds no more */
  take(sentence) {
    const shown = /** @type {HTMLElement[]} */ ([...this.box.children]);
    shown.find((notice) => notice.dataset.sentence === sentence)?.remove();
  }

  /** Closes the last one; false where there is none. */
  close() {
    const last = this.box.lastElementChild;
    last?.remove();
    return Boolean(last);
  }
}
