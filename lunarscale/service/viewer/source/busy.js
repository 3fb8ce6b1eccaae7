/** Whether anything is under way: then a line runs along the map's upper edge. */

export class Busy {
  /** @type {Set<unknown>} */
  #underWay = new Set();

  /**
   * @param {unknown} what
   * @param {boolean} isUnderWay
   */
  set(what, isUnderWay) {
    if (isUnderWay) this.#underWay.add(what);
    else this.#underWay.delete(what);
    document.body.classList.toggle("loading", this.#underWay.size > 0);
  }

  /**
   * @template Result
   * @param {Promise<Result>} work
   */
  async during(work) {
    this.set(work, true);
    try {
      return await work;
    } finally {
      this.set(work, false);
    }
  }
}
