import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST_SCENE, hashOf, placesOf, sceneOf } from "../../lunarscale/service/viewer/source/link.js";

const SCENE = {
  view: "south",
  centre: [-11.3612, -43.2996],
  kmpx: 0.25,
  maps: [
    { dataset: "maps.zarr", layer: "FeO_qiu_2025", opacity: 1, palette: null, range: null, hidden: false },
    { dataset: "the other (1)+", layer: "TiO2", opacity: 0.35, palette: "vik", range: [-1.5, 12], hidden: true },
  ],
  swipe: 0.5,
  overlays: ["names"],
  panel: "measure",
  point: [12.5, -3],
  polygon: [[170, 1], [-170, 1], [-175, 9.25]],
  line: [[0, 0], [10, 10]],
};

test("a link gives back the scene that it was made of", () => {
  assert.deepEqual(sceneOf(`#${hashOf(SCENE)}`), SCENE);
});

test("the first scene's link says nothing that it does not have", () => {
  const { view, centre, overlays } = FIRST_SCENE;
  assert.deepEqual(sceneOf(hashOf(FIRST_SCENE)), { view, centre, overlays });
});

test("a link that shows nothing on top says so", () => {
  assert.deepEqual(sceneOf(hashOf({ ...SCENE, overlays: [] })).overlays, []);
});

test("a link is one that an address takes as it is", () => {
  const address = new URL(`http://x/#${hashOf(SCENE)}`);
  assert.deepEqual(sceneOf(address.hash), SCENE);
});

test("what cannot be is left out", () => {
  for (const bad of [
    "view=mars", "lon=12&lat=91", "lon=a&lat=1", "kmpx=-1", "kmpx=1e9", "map=../secret/FeO",
    "map=a/b/c", "map=only", "swipe=2", "panel=admin", "point=1", "polygon=1,2;3,4", "line=1,2",
    "polygon=1,2;3,4;5,99", "point=%3Cb%3E,1", "map=%3Cimg%3E/FeO", "lon=Infinity&lat=0",
  ]) {
    assert.deepEqual(sceneOf(bad), {}, bad);
  }
});

test("a range that is upside down is the layer's own, an opacity too large is full", () => {
  const [map] = sceneOf("map=a.zarr/FeO,7,vik,5,1").maps;
  assert.deepEqual([map.range, map.opacity, map.palette], [null, 1, "vik"]);
});

test("places may be typed by commas, blanks, lines and semicolons", () => {
  const wanted = [[-14, -40], [-8, -40.5], [10, 0]];
  assert.deepEqual(placesOf("-14, -40\n-8 -40.5 ;10,0\n\n", 3), wanted);
  assert.equal(placesOf("1,2\n3,4", 3), null);
  assert.equal(placesOf("1,2\nx,4\n5,6", 3), null);
  assert.equal(placesOf(Array(201).fill("1,2").join(";"), 3), null);
});
