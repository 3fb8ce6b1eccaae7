/** What befalls the whole page: the service goes away and comes back, or the token is good no more. */

import { AWAY } from "./api.js";
import { keepToken } from "./token.js";

/** @typedef {import("./app.js").App} App */

/** How long it is waited before the service is asked again, in milliseconds: at first, at most. */
const [FIRST_MS, MOST_MS] = [1000, 15_000];

/** After so long without a fault the next one is a first one again, in milliseconds. */
const CALM_MS = 60_000;

/**
 * Says that the service is gone, asks until it is there again, and then asks for all anew.
 *
 * @param {App} app
 */
export function watchService(app) {
  let isAway = false;
  let wait = FIRST_MS;
  let backAt = 0;
  app.api.whenAway = async () => {
    if (isAway) return;
    isAway = true;
    app.complain(AWAY);
    if (Date.now() - backAt > CALM_MS) wait = FIRST_MS;
    do {
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(2 * wait, MOST_MS);
    } while (!(await app.api.isThere()));
    isAway = false;
    backAt = Date.now();
    app.notices.take(AWAY);
    app.say("The service answers again.");
    app.begin();
  };
}

/**
 * Goes on without a token that is good no more: what all may see stays.
 *
 * @param {App} app
 */
export function watchToken(app) {
  app.api.whenTokenFails = (sentence) => {
    app.api.token = null;
    keepToken(null);
    app.complain(`Your token is put aside: ${sentence}.`);
    app.scene.change({ panel: "jobs" }); // there one gives another
    app.begin();
  };
}
