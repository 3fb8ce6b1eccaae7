/** What is on the screen, in one place: whoever changes it tells it, whoever shows it is told. */

import { FIRST_SCENE } from "./link.js";

/** @typedef {import("./link.js").Scene} Scene */

export class SceneKeeper {
  /** @type {Scene} */
  #scene = { ...FIRST_SCENE };
  /** @type {{keys: (keyof Scene)[], told: (scene: Scene) => void}[]} */
  #listeners = [];

  /** The scene as it is; a copy is made at every change, so it may be kept. */
  get now() {
    return this.#scene;
  }

  /**
   * Changes parts of the scene and tells who shows those.
   *
   * @param {Partial<Scene>} parts
   */
  change(parts) {
    const before = this.#scene;
    this.#scene = { ...before, ...parts };
    const changed = /** @type {(keyof Scene)[]} */ (Object.keys(parts)).filter(
      (key) => before[key] !== this.#scene[key],
    );
    for (const { keys, told } of this.#listeners) {
      if (keys.some((key) => changed.includes(key))) told(this.#scene);
    }
  }

  /**
   * Be told when one of these parts changes; and once at once.
   *
   * @param {(keyof Scene)[]} keys
   * @param {(scene: Scene) => void} told
   * @param {AbortSignal} [until] aborted when nobody wants to be told any more
   */
  watch(keys, told, until) {
    const listener = { keys, told };
    this.#listeners.push(listener);
    until?.addEventListener("abort", () => {
      this.#listeners = this.#listeners.filter((each) => each !== listener);
    });
    told(this.#scene);
  }

  /**
   * Changes one map of the stack.
   *
   * @param {number} index
   * @param {Partial<import("./link.js").MapShown>} parts
   */
  changeMap(index, parts) {
    this.change({
      maps: this.#scene.maps.map((map, at) => (at === index ? { ...map, ...parts } : map)),
    });
  }
}
