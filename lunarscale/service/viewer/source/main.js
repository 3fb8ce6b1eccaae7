/** Where the page begins. */

import { Api, sentenceOf, ServiceError } from "./api.js";
import { App, isEndOfInterval } from "./app.js";
import { DataLayers } from "./data_layers.js";
import { h } from "./dom.js";
import { GraticuleLayer } from "./graticule_layer.js";
import { FIRST_SCENE, hashOf, sceneOf } from "./link.js";
import { LunarMap } from "./lunar_map.js";
import { noDataLayer } from "./no_data_layer.js";
import { Notices } from "./notices.js";
import { PlacesShown } from "./places_shown.js";
import { SceneKeeper } from "./scene.js";
import { layPage } from "./page.js";
import { takeToken } from "./token.js";
import { watchService, watchToken } from "./watching.js";

/** The address is written so long after the last change, in milliseconds: browsers limit it. */
const ADDRESS_AFTER_MS = 300;

/** What is shown first where there is a choice. */
const FIRST_QUANTITIES = ["FeO", "TiO2", "OMAT", "reflectance"];

const token = takeToken();
const scene = new SceneKeeper();
scene.change(sceneOf(location.hash));

const target = h("div", {
  id: "map",
  class: "map",
  tabIndex: 0,
  role: "application",
  "aria-label":
    "Map of the Moon. Arrow keys move it, plus and minus zoom, Enter reads the values at the crosshair.",
});
document.body.append(h("main", null, target)); // its size is needed to know what the whole Moon is
const notices = new Notices();
const app = new App({
  api: new Api(token), scene, notices, map: new LunarMap(target, scene),
});
noDataLayer(app);
new DataLayers(app);
new GraticuleLayer(app);
layPage(app);
app.map.goTo(scene.now); // now that it is known what of the map is covered
const places = new PlacesShown(app);

app.onDatasets(() => app.complain(app.whatIsGone()));
app.begin = () => app.busy.during(begin());
watchService(app);
watchToken(app);
app.begin();
followAddress();

/** Asks for all that the page begins with; again when there is another token. */
async function begin() {
  try {
    await Promise.all([app.loadCaller(), app.loadDatasets()]);
    if (scene.now.maps.length === 0) chooseFirst();
    await places.load();
  } catch (error) {
    // there one is asked for a token
    if (error instanceof ServiceError && error.status === 401) scene.change({ panel: "jobs" });
    else app.complain(sentenceOf(error));
  }
}

/** The first map that there is, of the quantity that most come for. */
function chooseFirst() {
  const maps = app.datasets.filter((dataset) => dataset.kind === "maps");
  const [dataset] = [...maps, ...app.datasets];
  if (!dataset) return;
  const layers = dataset.layers.filter((layer) => !isEndOfInterval(layer));
  const wanted = FIRST_QUANTITIES.map((name) => layers.find((layer) => layer.quantity === name));
  const layer = wanted.find((each) => each !== undefined) ?? layers[0] ?? dataset.layers[0];
  scene.change({
    maps: [
      { dataset: dataset.name, layer: layer.name, opacity: 1, palette: null, range: null, hidden: false },
    ],
  });
}

/** The address says what is on the screen, and what it is changed to is shown. */
function followAddress() {
  let waiting = 0;
  const write = () => history.replaceState(null, "", `#${hashOf(scene.now)}`);
  scene.watch(/** @type {(keyof typeof FIRST_SCENE)[]} */ (Object.keys(FIRST_SCENE)), () => {
    clearTimeout(waiting);
    waiting = setTimeout(write, ADDRESS_AFTER_MS);
  });
  addEventListener("hashchange", () => {
    const fresh = takeToken();
    if (fresh !== app.api.token) {
      app.api.token = fresh;
      app.begin();
    }
    const given = sceneOf(location.hash);
    if (Object.keys(given).length === 0) return;
    const wanted = { ...scene.now, swipe: null, point: null, polygon: null, line: null, ...given };
    app.map.goTo(wanted);
    scene.change(wanted);
  });
}
