/** The maps of the scene as layers of tiles, the lowest first, one cut off by the swipe's line. */

import TileLayer from "ol/layer/Tile.js";
import { getRenderPixel } from "ol/render.js";
import ImageTile from "ol/source/ImageTile.js";
import { apply } from "ol/transform.js";
import { pathOf, ServiceError } from "./api.js";
import { CAP_M, PROJECTIONS } from "./projections.js";
import { swipeAt } from "./swipe.js";
import { MATRIX_SETS, tileGrid } from "./tile_grids.js";

/** @typedef {import("./link.js").MapShown} MapShown */
/** @typedef {import("./link.js").ViewName} ViewName */

/** Pixels of a tile's edge: twice as many for screens that have them. */
const TILE_PX = devicePixelRatio > 1.25 ? 512 : 256;

/** @param {MapShown} map */
export const keyOf = (map) => `${map.dataset}/${map.layer}`;

/**
 * What tiles and legends are asked with.
 *
 * @param {MapShown} map
 */
export function pictureQuery(map) {
  return {
    layer: map.layer,
    palette: map.palette,
    min: map.range?.[0],
    max: map.range?.[1],
  };
}

/**
 * Nearer than the finest level, pixels are squares, as they were measured; else they are blended.
 *
 * @param {TileLayer<ImageTile>} layer
 * @param {import("ol/render/Event.js").default} event
 */
function showPixels(layer, event) {
  const finest = layer.getSource()?.getTileGrid()?.getResolutions().at(-1) ?? 0;
  const resolution = event.frameState?.viewState.resolution ?? 1;
  const context = /** @type {CanvasRenderingContext2D} */ (event.context);
  context.imageSmoothingEnabled = resolution > finest * 0.75;
}

/**
 * A polar view ends at its parallel, though tiles are squares.
 *
 * @param {import("ol/render/Event.js").default} event
 */
function clipToCap(event) {
  const context = /** @type {CanvasRenderingContext2D} */ (event.context);
  const frame = /** @type {import("ol/Map.js").FrameState} */ (event.frameState);
  const [x, y] = getRenderPixel(event, apply(frame.coordinateToPixelTransform, [0, 0]));
  const edge = getRenderPixel(event, apply(frame.coordinateToPixelTransform, [CAP_M, 0]));
  context.beginPath();
  context.arc(x, y, Math.hypot(edge[0] - x, edge[1] - y), 0, 2 * Math.PI);
  context.clip();
}

export class DataLayers {
  /** @type {Map<string, TileLayer<ImageTile>>} */
  #layers = new Map();
  /** @type {Map<string, Promise<any>>} */
  #asked = new Map();

  /**
   * @param {import("./app.js").App} app
   */
  constructor(app) {
    this.app = app;
    app.scene.watch(["maps", "view"], () => this.#follow());
    app.onDatasets(() => {
      for (const layer of this.#layers.values()) if (layer.get("failed")) layer.unset("shows");
      this.#follow();
    });
    app.scene.watch(["swipe", "maps"], () => app.map.ol.render());
  }

  #follow() {
    const { maps: asked, view } = this.app.scene.now;
    const maps = asked.filter((map) => this.app.layer(map)); // the list says which are not there
    const wanted = new Set(maps.map(keyOf));
    for (const [key, layer] of this.#layers) {
      if (wanted.has(key)) continue;
      this.app.map.ol.removeLayer(layer);
      this.#layers.delete(key);
    }
    maps.forEach((map, index) => {
      const layer = this.#layerOf(map);
      layer.setZIndex(index);
      layer.setOpacity(map.opacity);
      layer.setVisible(!map.hidden);
      const version = this.app.dataset(map.dataset)?.version;
      const source = JSON.stringify([view, pictureQuery(map), version]);
      if (layer.get("shows") === source) return;
      layer.set("shows", source);
      this.app.busy.during(this.#fill(layer, map, view, source));
    });
  }

  /** @param {MapShown} map */
  #layerOf(map) {
    const known = this.#layers.get(keyOf(map));
    if (known) return known;
    const layer = /** @type {TileLayer<ImageTile>} */ (new TileLayer({ preload: 1 }));
    layer.on("prerender", (event) => {
      this.#cut(map, event);
      showPixels(layer, event);
    });
    layer.on("postrender", (event) => {
      /** @type {CanvasRenderingContext2D} */ (event.context).restore();
    });
    this.#layers.set(keyOf(map), layer);
    this.app.map.ol.addLayer(layer);
    return layer;
  }

  /**
   * @param {TileLayer<ImageTile>} layer
   * @param {MapShown} map
   * @param {ViewName} view
   * @param {string} source what the layer shall show; it may have changed when the answer comes
   */
  async #fill(layer, map, view, source) {
    layer.unset("failed");
    // tiles of another view would be asked for and bent into this one, which without WebGL never ends
    if (layer.getSource()?.getProjection() !== PROJECTIONS[view]) layer.setSource(null);
    const path = `/datasets${pathOf(map.dataset)}/tiles${pathOf(MATRIX_SETS[view])}`;
    try {
      const [set, tiles] = await Promise.all([
        this.#once(`/tile-matrix-sets${pathOf(MATRIX_SETS[view])}`),
        this.app.api.get(`${path}/tilejson.json`, { layer: map.layer }),
      ]);
      if (layer.get("shows") !== source) return;
      const query = { ...pictureQuery(map), size: TILE_PX, v: this.app.dataset(map.dataset)?.version };
      const grid = tileGrid(set, view, tiles);
      // far out, a map without coarser levels would ask for all of its tiles at a time
      layer.setMaxResolution(tiles.minzoom ? 4 * grid.getResolution(tiles.minzoom) : Infinity);
      if (tiles.minzoom) this.#tellFarOut(map.dataset);
      layer.setSource(
        new ImageTile({
          projection: PROJECTIONS[view],
          tileGrid: grid,
          wrapX: view === "cylindrical",
          transition: 0,
          tileSize: TILE_PX,
          loader: (z, x, y, { signal }) =>
            this.app.api.picture(`${path}/${z}/${x}/${y}.png`, query, signal)
              .catch((error) => this.#report(layer, error)),
        }),
      );
    } catch (error) {
      layer.setSource(null);
      this.#note(layer, error);
    }
  }

  /**
   * @param {TileLayer<ImageTile>} layer
   * @param {unknown} error
   * @returns {never}
   */
  #report(layer, error) {
    if (!(error instanceof Error && error.name === "AbortError")) this.#note(layer, error);
    throw error;
  }

  /**
   * What failed is told once, however many tiles do, and tried again with the data sets.
   *
   * @param {TileLayer<ImageTile>} layer
   * @param {unknown} error
   */
  #note(layer, error) {
    layer.set("failed", !(error instanceof ServiceError && error.status === 404));
    this.app.mapFailed(error);
  }

  /** @param {string} dataset */
  #tellFarOut(dataset) {
    this.app.say(`${dataset} has no coarser levels, so it shows from nearer by only; a job makes them.`);
  }

  /** @param {string} path an answer that does not change */
  #once(path) {
    const asked = this.#asked.get(path) ?? this.app.api.get(path);
    this.#asked.set(path, asked);
    asked.catch(() => this.#asked.delete(path));
    return asked;
  }

  /**
   * Right of the swipe's line only: of the uppermost map that is seen.
   *
   * @param {MapShown} map
   * @param {import("ol/render/Event.js").default} event
   */
  #cut(map, event) {
    const context = /** @type {CanvasRenderingContext2D} */ (event.context);
    context.save();
    if (this.app.map.name !== "cylindrical") clipToCap(event);
    const { seen, scene } = this.app;
    const { swipe } = scene.now;
    if (swipe === null || seen.length < 2 || keyOf(seen[seen.length - 1]) !== keyOf(map)) return;
    const [width, height] = this.app.map.ol.getSize() ?? [0, 0];
    const at = swipeAt(this.app, swipe);
    const corners = [[at, 0], [width, 0], [width, height], [at, height]];
    context.beginPath();
    corners.forEach((corner, index) => {
      const [x, y] = getRenderPixel(event, corner);
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
    context.closePath();
    context.clip();
  }
}
