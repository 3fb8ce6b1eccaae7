/** The page's signs, as paths on a square of 24. */

import { svg } from "./dom.js";

const PATHS = {
  moon: ["M14.5 3.2a9 9 0 1 0 6.3 11.9A7.3 7.3 0 0 1 14.5 3.2z"],
  maps: ["M12 3.5l9 4.8-9 4.8-9-4.8z", "M3.6 12.4l8.4 4.5 8.4-4.5", "M3.6 16.4l8.4 4.5 8.4-4.5"],
  places: ["M12 21s-6.5-6.2-6.5-11a6.5 6.5 0 0 1 13 0c0 4.8-6.5 11-6.5 11z", "M12 12.4a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8z"],
  measure: ["M4 20V9.5M9.3 20V4M14.7 20v-8M20 20V7", "M2.5 20.5h19"],
  jobs: ["M12 3.5v3M12 17.5v3M3.5 12h3M17.5 12h3M6 6l2.1 2.1M15.9 15.9L18 18M6 18l2.1-2.1M15.9 8.1L18 6"],
  share: ["M12 15V3.8M7.8 7.6L12 3.5l4.2 4.1", "M5 12.5v7.2h14v-7.2"],
  close: ["M6 6l12 12M18 6L6 18"],
  up: ["M6 14.5l6-6 6 6"],
  down: ["M6 9.5l6 6 6-6"],
  plus: ["M12 5v14M5 12h14"],
  minus: ["M5 12h14"],
  whole: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z"],
  seen: ["M2.5 12S6 5.8 12 5.8 21.5 12 21.5 12 18 18.2 12 18.2 2.5 12 2.5 12z", "M12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z"],
  unseen: ["M4 4l16 16", "M9.6 6.1A9.6 9.6 0 0 1 12 5.8c6 0 9.5 6.2 9.5 6.2a16 16 0 0 1-2.6 3.2M6 7.8A16 16 0 0 0 2.5 12S6 18.2 12 18.2a9.300 9.300 0 0 0 4-.9"],
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {IconName} name */
export function icon(name) {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" },
    ...PATHS[name].map((path) => svg("path", { d: path })),
  );
}
