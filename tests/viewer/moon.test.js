import assert from "node:assert/strict";
import { test } from "node:test";
import { distanceKm, normalised, placeInWords } from "../../lunarscale/service/viewer/source/moon.js";

test("a longitude is within -180 and 180, whichever turn it was in", () => {
  for (const [given, wanted] of [[0, 0], [180, -180], [-180, -180], [181, -179], [540, -180], [-190, 170], [719.5, -0.5]]) {
    assert.equal(normalised(given), wanted);
  }
});

test("a quarter of a great circle is a quarter of the circumference", () => {
  const quarter = (Math.PI / 2) * 1737.4;
  assert.ok(Math.abs(distanceKm([0, 0], [90, 0]) - quarter) < 1e-9);
  assert.ok(Math.abs(distanceKm([13, 0], [-50, 90]) - quarter) < 1e-9);
  assert.ok(distanceKm([179.9, 0], [-179.9, 0]) < 6.1);
});

test("a place is written with its sides, and without one where both meet", () => {
  assert.equal(placeInWords([-11.22, -43.3]), "43.30° S  11.22° W");
  assert.equal(placeInWords([0, 0], 0), "0°  0°");
  assert.equal(placeInWords([180, 90], 0), "90° N  180°");
  assert.equal(placeInWords([190, 0.004]), "0.00°  170.00° W");
});
