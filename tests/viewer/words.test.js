import assert from "node:assert/strict";
import { test } from "node:test";
import { limitInWords, numberInWords, sizeInWords, unitAfter } from "../../lunarscale/service/viewer/source/words.js";

test("oxides have two digits, pure numbers as many as their size needs", () => {
  assert.deepEqual([0.935, 17.256, 100.5].map((each) => numberInWords(each, "wt %")), ["0.94", "17.26", "100.50"]);
  assert.deepEqual([0.1234, 3.456, 1234.56].map((each) => numberInWords(each, "1")), ["0.123", "3.46", "1234.6"]);
});

test("nothing is less than nothing", () => {
  assert.equal(numberInWords(-0.001, "wt %"), "0.00");
  assert.equal(numberInWords(-0.01, "wt %"), "-0.01");
});

test("a unit keeps to its number, and a pure number has none", () => {
  assert.equal(unitAfter("wt %"), "\u00a0wt\u00a0%");
  assert.deepEqual(["1", "", null, undefined].map(unitAfter), ["", "", "", ""]);
});

test("a limit in words is never more than the limit, a size never less", () => {
  assert.deepEqual([16 * 2 ** 20, 100_000, 1_999].map(limitInWords), ["16.7 MB", "100 kB", "1 kB"]);
  assert.deepEqual([16 * 2 ** 20, 100_001].map(sizeInWords), ["16.8 MB", "101 kB"]);
});
