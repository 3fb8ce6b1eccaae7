import assert from "node:assert/strict";
import { test } from "node:test";
import { distanceKm } from "../../lunarscale/service/viewer/source/moon.js";
import { metresAPixel, scaleBar } from "../../lunarscale/service/viewer/source/scale.js";
import { fromPlane, toPlane } from "../../lunarscale/service/viewer/source/stereographic.js";

/** The length of a pixel by great circles, between the places of its ends. */
function measured(placeOf, [x, y], resolution) {
  const [from, to] = [placeOf(x - resolution / 2, y), placeOf(x + resolution / 2, y)];
  return 1000 * distanceKm(from, to);
}

test("a pixel of the cylindrical view is as long as great circles say, at every latitude", () => {
  for (const lat of [0, 30, -60, 85]) {
    const ours = metresAPixel("cylindrical", 0.01, [12, lat]);
    assert.ok(Math.abs(ours / measured((lon, at) => [lon, at], [12, lat], 0.01) - 1) < 1e-6);
  }
  assert.ok(Math.abs(metresAPixel("cylindrical", 1, [0, 0]) - 30_323.35) < 0.01);
  assert.ok(Math.abs(metresAPixel("cylindrical", 1, [0, 60]) - 15_161.68) < 0.01);
});

test("a pixel of the polar views is as long as great circles say", () => {
  for (const [view, pole] of [["north", 1], ["south", -1]]) {
    for (const lat of [60, 75, 89.9]) {
      const point = toPlane(33, pole * lat, pole);
      const ours = metresAPixel(view, 100, point);
      const theirs = measured((x, y) => fromPlane(x, y, pole), point, 100);
      assert.ok(Math.abs(ours / theirs - 1) < 1e-6, `${view} ${lat}: ${ours}, ${theirs}`);
    }
    assert.equal(metresAPixel(view, 100, [0, 0]), 100);
  }
});

test("the bar is the longest round length that fits", () => {
  assert.deepEqual(scaleBar(1000, 130), { metres: 100_000, pixels: 100, text: "100 km" });
  assert.deepEqual(scaleBar(100, 120), { metres: 10_000, pixels: 100, text: "10 km" });
  assert.deepEqual(scaleBar(30_323, 130).text, "2,000 km");
  assert.deepEqual(scaleBar(2, 130).text, "200 m");
  for (let metres = 1; metres < 1e5; metres *= 1.37) {
    const { pixels, metres: length } = scaleBar(metres, 130);
    assert.ok(pixels <= 130 && pixels > 130 / 2.51);
    assert.ok(Math.abs(length / metres - pixels) < 1e-9);
  }
  assert.equal(scaleBar(0, 130), null);
});
