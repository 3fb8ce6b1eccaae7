import assert from "node:assert/strict";
import { test } from "node:test";
import { boxAround } from "../../lunarscale/service/viewer/source/boxes.js";

test("a box holds what was drawn, rounded outwards", () => {
  const drawn = [[-14.00005, -40], [-8, -45.99999], [-11, -39.12341]];
  assert.deepEqual(boxAround(drawn), [-14.0001, -46, -8, -39.1234]);
});

test("what goes over the seam has its west east of its east", () => {
  assert.deepEqual(boxAround([[170, 0], [-170, 0], [-175, 9]]), [170, 0, -170, 9]);
  assert.deepEqual(boxAround([[-170, 0], [170, 5]]), [170, 0, -170, 5]);
});

test("what ends at the seam does not go round the Moon", () => {
  assert.deepEqual(boxAround([[150, 0], [180, 0], [180, 9]]), [150, 0, 180, 9]);
  assert.deepEqual(boxAround([[-180, 0], [-150, 9]]), [-180, 0, -150, 9]);
});

test("a polygon round a pole has it, and all longitudes", () => {
  const lons = [0, 90, 180, -90];
  assert.deepEqual(boxAround(lons.map((lon) => [lon, -70])), [-180, -90, 180, -70]);
  assert.deepEqual(boxAround(lons.map((lon) => [lon, 75])), [-180, 75, 180, 90]);
});
