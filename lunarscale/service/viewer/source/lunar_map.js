/** The map itself: three views of one Moon, how one moves in them and from one to another. */

import OlMap from "ol/Map.js";
import View from "ol/View.js";
import { defaults as usualInteractions } from "ol/interaction/defaults.js";
import { wantsStillness } from "./dom.js";
import { normalised } from "./moon.js";
import { fromView, PROJECTIONS, shows, toView } from "./projections.js";
import { metresAPixel } from "./scale.js";

/** @typedef {import("./link.js").ViewName} ViewName */
/** @typedef {import("./link.js").Place} Place */
/** @typedef {import("./clipping.js").Frame} Padding pixels that something covers, by side */

/** Nobody needs to see a pixel of the finest maps larger than some centimetres of the screen. */
const FINEST_M = 2;

/** Share of the screen's height that the whole Moon takes at least. */
const LEAST_HEIGHT = 0.5;

/** A place is seen that is so many pixels away from what covers the map. */
const UNCOVERED_PX = 28;

/** How long a move takes, in milliseconds. */
const MOVE_MS = 450;

export class LunarMap {
  /** @type {Map<ViewName, View>} */
  #views = new Map();
  /** @type {Padding} */
  #padding = { left: 0, top: 0, right: 0, bottom: 0 };

  /**
   * @param {HTMLElement} target
   * @param {import("./scene.js").SceneKeeper} scene
   */
  constructor(target, scene) {
    this.scene = scene;
    this.target = target;
    this.ol = new OlMap({
      target,
      controls: [],
      interactions: usualInteractions({
        altShiftDragRotate: false,
        pinchRotate: false,
        zoomDuration: wantsStillness() ? 0 : 250,
      }),
      keyboardEventTarget: target,
    });
    this.goTo(scene.now);
    this.ol.on("moveend", () => this.#tell());
    // not every browser shows the focus where the first key comes after a click
    target.addEventListener("pointerdown", () => target.classList.remove("has-keys"));
    target.addEventListener("keydown", (event) => {
      target.classList.add("has-keys");
      // the key of plus, where plus itself needs Shift
      if (event.target === target && event.key === "=") this.zoomBy(1);
    });
  }

  /** @returns {ViewName} */
  get name() {
    return this.scene.now.view;
  }

  /** The place at the middle of the screen. */
  get centre() {
    return this.placeOf(this.#view(this.name).getCenter() ?? [0, 0]);
  }

  /**
   * A place of a point in the view's plane, its longitude within ±180°.
   *
   * @param {number[]} point
   * @returns {Place}
   */
  placeOf(point) {
    const [lon, lat] = fromView(this.name, point);
    return [normalised(lon), lat];
  }

  /** Metres on the ground of a pixel at the middle of the screen, along its horizontal. */
  get metresAPixel() {
    return this.metresAPixelAt(this.#view(this.name).getCenter() ?? [0, 0]);
  }

  /**
   * The same at a point of the view's plane.
   *
   * @param {number[]} point
   */
  metresAPixelAt([x, y]) {
    return metresAPixel(this.name, this.#view(this.name).getResolution() ?? 1, [x, y]);
  }

  /**
   * The middle of the screen is the middle of what nothing covers; the picture stays where it is.
   *
   * @param {Padding} padding
   */
  set padding(padding) {
    // OpenLayers ends a move that is under way when it is told, also when it is told the same
    if (String(sides(padding)) === String(sides(this.#padding))) return;
    this.#padding = padding;
    for (const view of this.#views.values()) view.padding = sides(padding);
  }

  /** The part of the map, in pixels, that nothing covers. */
  get free() {
    const [width, height] = this.ol.getSize() ?? [innerWidth, innerHeight];
    const { left, top, right, bottom } = this.#padding;
    return {
      left, top,
      width: Math.max(width - left - right, 80), height: Math.max(height - top - bottom, 80),
    };
  }

  /**
   * Shows a scene's view at once.
   *
   * @param {{view: ViewName, centre: Place, kmpx: number | null}} scene
   */
  goTo({ view: name, centre, kmpx }) {
    const view = this.#view(name);
    if (kmpx === null) {
      view.setCenter(shows(name, centre[1]) ? toView(name, centre) : [0, 0]);
      view.setResolution(this.#whole(name));
    } else {
      view.setCenter(toView(name, centre));
      view.setResolution((kmpx * 1000) / metresAUnit(name));
    }
    this.scene.change({ view: name });
    if (this.ol.getView() !== view) this.ol.setView(view);
  }

  /**
   * Changes to another view: to the same place where that shows it, else to the whole of it.
   *
   * @param {ViewName} name
   */
  switchTo(name) {
    if (name === this.name) return;
    const centre = this.centre;
    const kmpx = this.kmpx;
    const polar = this.name === "cylindrical" ? name : this.name;
    const isNear = shows(name, centre[1]) && shows(polar, centre[1]);
    this.goTo({ view: name, centre: isNear ? centre : [0, 0], kmpx: isNear ? kmpx : null });
  }

  /** Nominal kilometres a pixel, which a link keeps. */
  get kmpx() {
    return ((this.#view(this.name).getResolution() ?? 1) * metresAUnit(this.name)) / 1000;
  }

  /**
   * Moves to a place so that something of a diameter fills a good part of the screen.
   *
   * @param {Place} place
   * @param {number} diameterKm
   */
  flyTo(place, diameterKm) {
    if (!shows(this.name, place[1])) this.switchTo("cylindrical");
    if (this.name === "cylindrical" && Math.abs(place[1]) > 80) {
      this.switchTo(place[1] > 0 ? "north" : "south");
    }
    const view = this.#view(this.name);
    const { width, height } = this.free;
    const kmAPixel = Math.max(diameterKm, 20) / (0.35 * Math.min(width, height));
    const resolution = (kmAPixel * 1000) / metresAUnit(this.name);
    const [x, y] = toView(this.name, place);
    const duration = wantsStillness() ? 0 : MOVE_MS;
    view.cancelAnimations();
    view.animate({ center: [this.#nearestTurn(x), y], resolution, duration });
  }

  /**
   * Moves as far as it must for a place to come out from under something.
   *
   * @param {Place} place
   * @param {DOMRect} box that covers it
   * @param {boolean} isBelow whether the box lies below what is free, not right of it
   */
  uncover([lon, lat], box, isBelow) {
    const view = this.#view(this.name);
    const [x, y] = toView(this.name, [lon, lat]);
    const pixel = this.ol.getPixelFromCoordinate([this.#nearestTurn(x), y]);
    const centre = view.getCenter();
    if (!pixel || !centre) return;
    const under = isBelow ? pixel[1] - box.top + UNCOVERED_PX : pixel[0] - box.left + UNCOVERED_PX;
    const isAside = !isBelow && pixel[1] > box.bottom + UNCOVERED_PX;
    if (under <= 0 || isAside) return;
    const away = under * (view.getResolution() ?? 1);
    const moved = isBelow ? [centre[0], centre[1] - away] : [centre[0] + away, centre[1]];
    view.animate({ center: moved, duration: wantsStillness() ? 0 : MOVE_MS });
  }

  /** @param {number} levels how far in; negative: out */
  zoomBy(levels) {
    const view = this.#view(this.name);
    const zoom = (view.getZoom() ?? 0) + levels;
    view.animate({ zoom, duration: wantsStillness() ? 0 : 200 });
  }

  /** The whole of the view. */
  showAll() {
    this.goTo({ view: this.name, centre: [0, this.name === "cylindrical" ? 0 : 90], kmpx: null });
  }

  /**
   * The same meridian in the turn that the view is in, so that no move goes the long way round.
   *
   * @param {number} x
   */
  #nearestTurn(x) {
    if (this.name !== "cylindrical") return x;
    const at = this.#view(this.name).getCenter()?.[0] ?? 0;
    return at + normalised(x - at);
  }

  #tell() {
    const centre = this.centre;
    const held = this.scene.now.centre;
    const isSame = Math.hypot(centre[0] - held[0], centre[1] - held[1]) < 1e-7;
    this.scene.change({ centre: isSame ? held : centre, kmpx: this.kmpx });
  }

  /**
   * @param {ViewName} name
   * @returns {View}
   */
  #view(name) {
    const known = this.#views.get(name);
    if (known) return known;
    const [west, south, east, north] = PROJECTIONS[name].getExtent();
    const made = new View({
      projection: PROJECTIONS[name],
      center: [0, 0],
      resolution: this.#whole(name),
      maxResolution: this.#whole(name) * 1.4,
      minResolution: FINEST_M / metresAUnit(name),
      extent: name === "cylindrical" ? [-Infinity, south, Infinity, north] : [west, south, east, north],
      constrainOnlyCenter: true,
      multiWorld: true,
      enableRotation: false,
      showFullExtent: true,
    });
    made.padding = sides(this.#padding);
    this.#views.set(name, made);
    return made;
  }

  /**
   * The resolution at which a view shows all of the Moon that it can.
   *
   * @param {ViewName} name
   */
  #whole(name) {
    const { width, height } = this.free;
    const [west, south, east, north] = PROJECTIONS[name].getExtent();
    if (name === "cylindrical") {
      const all = Math.max((east - west) / width, (north - south) / height);
      return Math.min(all, (north - south) / (LEAST_HEIGHT * height)); // a phone is tall
    }
    return (east - west) / (0.86 * Math.min(width, height));
  }
}

/**
 * Padding in the order of CSS.
 *
 * @param {Padding} padding
 */
function sides({ left, top, right, bottom }) {
  return [top, right, bottom, left];
}

/** @param {ViewName} name */
function metresAUnit(name) {
  return PROJECTIONS[name].getMetersPerUnit() ?? 1;
}

