import assert from "node:assert/strict";
import { test } from "node:test";
import { cylindricalLines, multiples, polarLines, stepDegrees } from "../../lunarscale/service/viewer/source/graticule.js";

const degreesOf = (lines, kind) => lines.filter((line) => line.kind === kind).map((line) => line.degrees);

test("lines are as far apart as is asked for, and no farther than 30 degrees", () => {
  assert.equal(stepDegrees(0.25), 30);
  assert.equal(stepDegrees(0.1), 15);
  assert.equal(stepDegrees(0.001), 0.2);
  assert.equal(stepDegrees(5), 30);
});

test("multiples have both ends and no tails of rounding", () => {
  assert.deepEqual(multiples(-0.3, 0.3, 0.1), [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3].map((each) => each + 0));
  assert.deepEqual(multiples(5, 4, 1), []);
});

test("a cylindrical view that goes over the seam has the seam's meridian", () => {
  const lines = cylindricalLines({ west: 150, south: -100, east: 215, north: 100 }, 30);
  assert.deepEqual(degreesOf(lines, "meridian"), [150, 180, 210]);
  assert.deepEqual(degreesOf(lines, "parallel"), [-90, -60, -30, 0, 30, 60, 90]);
  for (const line of lines) assert.ok(line.points.every(([, lat]) => Math.abs(lat) <= 90));
});

test("a polar view has its parallels from the edge, and every 30th meridian meets the pole", () => {
  const whole = { outer: 60, inner: 90, middle: 90 };
  for (const pole of [1, -1]) {
    const lines = polarLines(pole, whole, 10);
    assert.deepEqual(degreesOf(lines, "parallel"), [60, 70, 80].map((lat) => pole * lat));
    const meridians = lines.filter((line) => line.kind === "meridian");
    assert.equal(meridians.length, 12);
    assert.ok(meridians.every((line) => line.points[1][1] === pole * 90));
  }
});

test("a parallel goes all the way round and meets itself", () => {
  const [line] = polarLines(1, { outer: 70, inner: 70, middle: 70 }, 10).filter(({ kind }) => kind === "parallel");
  const [first, last] = [line.points[0], line.points.at(-1)];
  assert.equal(last[0] - first[0], 360);
  assert.equal(line.points.length, 361);
});

test("close to a place near the pole lines are few, however close", () => {
  const lines = polarLines(-1, { outer: 84.99, inner: 85.01, middle: 85 }, 0.01);
  assert.deepEqual(degreesOf(lines, "parallel"), [-84.99, -85, -85.01]);
  assert.ok(lines.length < 4000);
});
