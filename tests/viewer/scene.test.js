import assert from "node:assert/strict";
import { test } from "node:test";
import { SceneKeeper, uppermost } from "../../lunarscale/service/viewer/source/scene.js";

const map = (layer, hidden = false) => ({ dataset: "m", layer, opacity: 1, palette: null, range: null, hidden });

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

test("the uppermost map is the last that is seen", () => {
  const scene = new SceneKeeper();
  scene.change({ maps: [map("FeO"), map("TiO2"), map("OMAT", true)] });
  assert.equal(uppermost(scene.now).layer, "TiO2");
  scene.changeMap(1, { hidden: true });
  assert.equal(uppermost(scene.now).layer, "FeO");
  scene.change({ maps: [] });
  assert.equal(uppermost(scene.now), null);
});
