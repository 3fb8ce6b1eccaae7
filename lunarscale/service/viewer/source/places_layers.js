/** Named features, as labels by their size, and the landing sites, as marks to click on. */

import OlFeature from "ol/Feature.js";
import Point from "ol/geom/Point.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import CircleStyle from "ol/style/Circle.js";
import Fill from "ol/style/Fill.js";
import Stroke from "ol/style/Stroke.js";
import Style from "ol/style/Style.js";
import Text from "ol/style/Text.js";
import { NARROW, SEAS } from "./kinds.js";
import { shows, toView } from "./projections.js";

/** @typedef {import("./types.js").Feature} Feature */

/** A name is written where its feature is at least so wide on the screen. */
const LEAST_PX = 30;

/** The gazetteer gives some features no size: they show when one is close. */
const SMALL_KM = 2;

/** From so many metres a pixel on, a landing's stations are one mark. */
const STATIONS_M = 250;

const FAMILY = "Inter, system-ui, sans-serif";
const HALO = new Stroke({ color: "rgba(6, 8, 12, 0.8)", width: 3 });

/** The length of what is long and narrow is no measure of how much of the screen it takes. */
const NARROW_SHARE = 0.3;

/** @param {import("./app.js").App} app */
export function namesLayer(app) {
  const layer = new VectorLayer({
    zIndex: 110,
    declutter: true,
    renderOrder: (a, b) => b.get("feature").diameter_km - a.get("feature").diameter_km,
    style: (feature) => nameStyle(app, feature.get("feature")),
  });
  app.map.ol.addLayer(layer);
  layer.set("which", "names");
  app.scene.watch(["overlays"], ({ overlays }) => layer.setVisible(overlays.includes("names")));
  return layer;
}

/** @param {import("./app.js").App} app */
export function sitesLayer(app) {
  const layer = new VectorLayer({
    zIndex: 120,
    declutter: true,
    style: (feature) => siteStyle(app, feature.get("site")),
  });
  app.map.ol.addLayer(layer);
  layer.set("which", "sites");
  app.scene.watch(["overlays"], ({ overlays }) => layer.setVisible(overlays.includes("sites")));
  return layer;
}

/**
 * Puts places into a layer, those that the view shows.
 *
 * @template {{lon: number | null, lat: number | null}} Where
 * @param {import("./app.js").App} app
 * @param {VectorLayer} layer
 * @param {string} key what a mark's place is kept under
 * @param {Where[]} places
 */
export function fill(app, layer, key, places) {
  const view = app.map.name;
  const features = places.flatMap((each) => {
    if (each.lon === null || each.lat === null || !shows(view, each.lat)) return [];
    const geometry = new Point(toView(view, [each.lon, each.lat]));
    return [new OlFeature({ geometry, [key]: each })];
  });
  layer.setSource(new VectorSource({ features, wrapX: view === "cylindrical" }));
}

/**
 * @param {import("./app.js").App} app
 * @param {Feature} feature
 */
function nameStyle(app, feature) {
  const share = NARROW.includes(feature.kind) ? NARROW_SHARE : 1;
  const pixels = (Math.max(feature.diameter_km * share, SMALL_KM) * 1000) / app.map.metresAPixel;
  const [width, height] = app.map.ol.getSize() ?? [800, 600];
  if (pixels < LEAST_PX || pixels > 3 * Math.max(width, height)) return undefined;
  const isSea = SEAS.includes(feature.kind);
  const size = Math.round(Math.min(11 + pixels / 60, isSea ? 17 : 14));
  return new Style({
    text: new Text({
      text: feature.name,
      font: `${isSea ? "italic 500" : "500"} ${size}px ${FAMILY}`,
      fill: new Fill({ color: isSea ? "#d6e2ff" : "#f4f1ea" }),
      stroke: HALO,
      overflow: true,
    }),
  });
}

/**
 * From far away a landing is one mark; from near its stations are told apart.
 *
 * @param {import("./app.js").App} app
 * @param {import("./types.js").Site} site
 */
function siteStyle(app, site) {
  const isFar = app.map.metresAPixel > STATIONS_M;
  if (isFar && app.landings.get(site.site) !== site) return undefined;
  return new Style({
    image: new CircleStyle({
      radius: 5,
      fill: new Fill({ color: "#ffd37a" }),
      stroke: new Stroke({ color: "#0a0c11", width: 2 }),
      declutterMode: "none",
    }),
    text: new Text({
      text: isFar ? site.site : site.name,
      font: `600 12px ${FAMILY}`,
      offsetY: -14,
      fill: new Fill({ color: "#ffdf9e" }),
      stroke: HALO,
    }),
  });
}
