import assert from "node:assert/strict";
import { test } from "node:test";
import { densePath, geojsonPolygon, placesAlong, unrolled } from "../../lunarscale/service/viewer/source/paths.js";
import { fromPlane, toPlane } from "../../lunarscale/service/viewer/source/stereographic.js";

test("a path goes the short way over the seam", () => {
  assert.deepEqual(unrolled([[170, 0], [-170, 5], [-160, 0], [175, 0]]), [[170, 0], [190, 5], [200, 0], [175, 0]]);
});

test("a dense path keeps its places and has one a degree between them", () => {
  const dense = densePath([[0, 0], [10, 20], [10, 30]]);
  assert.equal(dense.length, 12);
  assert.deepEqual(dense[5], [5, 10]);
  assert.deepEqual(dense.at(-1), [10, 30]);
});

test("what is drawn straight in degrees needs no more places than its corners", () => {
  const points = [[-20, 0], [30, 10], [200, -5]];
  const places = placesAlong(points, (point) => [point[0], point[1]], (place) => place);
  assert.deepEqual(places, [[-20, 0], [30, 10], [-160, -5]]);
});

test("what is drawn straight at a pole is followed there within a hundredth of its length", () => {
  const points = [[-400_000, -90_000], [420_000, -60_000]];
  const places = placesAlong(points, ([x, y]) => fromPlane(x, y, -1), ([lon, lat]) => toPlane(lon, lat, -1));
  assert.ok(places.length > 8 && places.length < 70);
  const [[x0, y0], [x1, y1]] = points;
  for (const [lon, lat] of densePath(unrolled(places))) {
    const [x, y] = toPlane(lon, lat, -1);
    const off = Math.abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / Math.hypot(x1 - x0, y1 - y0);
    assert.ok(off < 8_200, `${off} m`);
  }
});

test("a polygon's ring is closed and its longitudes are within 180", () => {
  assert.deepEqual(geojsonPolygon([[170, 0], [190, 0], [180, 10]]), {
    type: "Polygon", coordinates: [[[170, 0], [-170, 0], [-180, 10], [170, 0]]],
  });
});
