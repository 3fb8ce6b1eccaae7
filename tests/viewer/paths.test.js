import assert from "node:assert/strict";
import { test } from "node:test";
import { distanceKm } from "../../lunarscale/service/viewer/source/moon.js";
import { circleAround, densePath, geojsonPolygon, greatCircles, placesAlong, unrolled } from "../../lunarscale/service/viewer/source/paths.js";
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

test("a circle's places are all at its radius, over the seam and at a pole too", () => {
  for (const centre of [[12, 40], [179, -10], [30, -88]]) {
    const circle = circleAround(centre, 100);
    assert.equal(circle.length, 121);
    for (const place of circle) assert.ok(Math.abs(distanceKm(centre, place) - 100) < 1e-6);
    for (let index = 1; index < circle.length; index++) {
      assert.ok(Math.abs(circle[index][0] - circle[index - 1][0]) <= 180);
    }
  }
});

test("a polygon's longitudes go on past the seam and come back", () => {
  const [ring] = geojsonPolygon([[170, 0], [-150, 0], [-160, 10]]).coordinates;
  assert.deepEqual(ring, [[170, 0], [210, 0], [200, 10], [170, 0]]);
});

test("a polygon round a pole is cut at the seam and closed, no edge longer than half a turn", () => {
  for (const corners of [
    [[0, 80], [100, 75], [-130, 70]],
    [[0, 80], [-130, 70], [100, 75]],
    [[170, -80], [50, -80], [-70, -70], [-179, -85]],
  ]) {
    const [ring] = geojsonPolygon(corners).coordinates;
    assert.deepEqual(ring[0], ring.at(-1));
    for (let index = 1; index < ring.length; index++) {
      const step = Math.abs(ring[index][0] - ring[index - 1][0]);
      assert.ok(step <= 180 || (step > 350 && step < 360), `${step}`);
    }
    assert.equal(ring.length, corners.length + 3);
  }
});

test("a profile's line is a great circle: its places lie in one plane, at even distances", () => {
  const ends = [[150, 50], [-120, 20]];
  const path = greatCircles(ends);
  const whole = distanceKm(...ends);
  const steps = path.slice(1).map((place, index) => distanceKm(path[index], place));
  assert.ok(Math.abs(steps.reduce((sum, each) => sum + each) - whole) < 1e-6);
  assert.ok(Math.max(...steps) - Math.min(...steps) < 1e-6);
  assert.deepEqual(path[0], ends[0]);
  assert.ok(Math.abs(path.at(-1)[0] - 240) < 1e-9);
});
