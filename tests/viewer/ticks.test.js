import assert from "node:assert/strict";
import { test } from "node:test";
import { ticks } from "../../lunarscale/service/viewer/source/ticks.js";

test("ticks are round numbers within the axis", () => {
  assert.deepEqual(ticks(0, 20), [0, 5, 10, 15, 20]);
  assert.deepEqual(ticks(-0.31, 0.29, 4), [-0.2, 0, 0.2]);
  assert.deepEqual(ticks(3, 3), [3]);
});

test("there are some, and not many, on any axis", () => {
  for (let length = 1e-6; length < 1e6; length *= 3.3) {
    const found = ticks(1, 1 + length);
    assert.ok(found.length >= 2 && found.length <= 6, `${length}: ${found}`);
    assert.ok(found.every((value) => value >= 1 - 1e-9 && value <= 1 + length * (1 + 1e-9)));
  }
});
