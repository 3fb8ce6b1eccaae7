import assert from "node:assert/strict";
import { test } from "node:test";
import { splitToken } from "../../lunarscale/service/viewer/source/token.js";

test("a token is taken out of the address and the rest is left", () => {
  assert.deepEqual(splitToken("#token=a-b_c&view=south"), { token: "a-b_c", rest: "view=south" });
  assert.deepEqual(splitToken("#view=south&token=x%2By"), { token: "x+y", rest: "view=south" });
  assert.deepEqual(splitToken("token=a+b"), { token: "a+b", rest: "" });
  assert.deepEqual(splitToken("#lon=1&lat=2"), { token: null, rest: "lon=1&lat=2" });
  assert.deepEqual(splitToken("#token="), { token: null, rest: "" });
  assert.deepEqual(splitToken(""), { token: null, rest: "" });
});

test("a token that is no right escape breaks nothing", () => {
  assert.equal(splitToken("#token=%zz").token, "%zz");
});
