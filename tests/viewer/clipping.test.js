import assert from "node:assert/strict";
import { test } from "node:test";
import { entersAt } from "../../lunarscale/service/viewer/source/clipping.js";

const FRAME = { left: 0, top: 0, right: 10, bottom: 10 };

test("a line is met where it comes into the frame", () => {
  assert.deepEqual(entersAt([[-5, 5], [20, 5]], FRAME), [0, 5]);
  assert.deepEqual(entersAt([[5, -9], [5, -1], [5, 3]], FRAME), [5, 0]);
  assert.deepEqual(entersAt([[3, 3], [99, 99]], FRAME), [3, 3]);
  assert.deepEqual(entersAt([[-5, 0], [5, 10]], FRAME), [0, 5]);
});

test("a line that stays outside is not met", () => {
  assert.equal(entersAt([[-5, -1], [20, -1]], FRAME), null);
  assert.equal(entersAt([[-5, 8], [3, 18]], FRAME), null);
  assert.equal(entersAt([], FRAME), null);
});
