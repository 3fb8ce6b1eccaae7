import assert from "node:assert/strict";
import { test } from "node:test";
import { SceneKeeper } from "../../lunarscale/service/viewer/source/scene.js";

const map = (layer) => ({ dataset: "m", layer, opacity: 1, palette: null, range: null, hidden: false });

test("who watches a part is told at once, and when it changes, and no more when it is over", () => {
  const scene = new SceneKeeper();
  const life = new AbortController();
  const seen = [];
  scene.watch(["swipe"], ({ swipe }) => seen.push(swipe), life.signal);
  scene.change({ panel: "maps" });
  scene.change({ swipe: 0.5 });
  scene.change({ swipe: 0.5 });
  life.abort();
  scene.change({ swipe: 0.7 });
  assert.deepEqual(seen, [null, 0.5]);
});

test("one map of the pile is changed, and the others are left as they were", () => {
  const scene = new SceneKeeper();
  const maps = [map("FeO"), map("TiO2")];
  scene.change({ maps });
  scene.changeMap(1, { hidden: true });
  assert.deepEqual(scene.now.maps, [maps[0], { ...maps[1], hidden: true }]);
  assert.equal(maps[1].hidden, false);
});
