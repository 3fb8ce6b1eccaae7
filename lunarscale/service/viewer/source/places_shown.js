/** Named features and landing sites: asked for once, put on whichever view is shown. */

import { fill, namesLayer, sitesLayer } from "./places_layers.js";
import { sentenceOf } from "./api.js";

/** All of the gazetteer's features that lunarscale knows, some two thousand. */
const ALL = 5000;

export class PlacesShown {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.names = namesLayer(app);
    this.sites = sitesLayer(app);
    app.scene.watch(["view"], () => this.#fill());
  }

  /** Asks for both; what fails is told and left out. */
  async load() {
    const [features, sites] = await Promise.allSettled([
      this.app.api.get("/features", { limit: ALL }),
      this.app.api.get("/sites"),
    ]);
    if (features.status === "fulfilled") {
      this.app.features = [...features.value.features].sort(
        (a, b) => b.diameter_km - a.diameter_km,
      );
    } else this.app.complain(sentenceOf(features.reason));
    if (sites.status === "fulfilled") this.app.setSites(sites.value.sites);
    else this.app.complain(sentenceOf(sites.reason));
    this.#fill();
  }

  #fill() {
    fill(this.app, this.names, "feature", this.app.features);
    fill(this.app, this.sites, "site", this.app.sites);
  }
}
