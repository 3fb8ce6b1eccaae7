import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Api, AWAY, pathOf, queryOf, sentenceOf } from "../../lunarscale/service/viewer/source/api.js";

const usual = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = usual;
});

/** An Api whose requests are answered so, and what it told of. */
function answered(answer, token = null) {
  const told = [];
  globalThis.fetch = async () => answer();
  const api = new Api(token);
  api.whenAway = () => told.push("away");
  api.whenTokenFails = (sentence) => {
    told.push(sentence);
    api.token = null;
  };
  return { api, told };
}

const problem = (status, detail) => () =>
  new Response(JSON.stringify({ detail }), { status, headers: { "Content-Type": "application/problem+json" } });

test("nothing that answers, and a proxy that answers in its stead, are the service being away", async () => {
  const silent = () => Promise.reject(new TypeError("Failed to fetch"));
  const gateway = () => new Response("<h1>Bad gateway</h1>", { status: 502, headers: { "Content-Type": "text/html" } });
  for (const answer of [silent, gateway]) {
    const { api, told } = answered(answer);
    await assert.rejects(api.get("/datasets"), { message: AWAY, status: 0 });
    assert.deepEqual(told, ["away"]);
    assert.equal(await api.isThere(), false);
  }
});

test("the service's own 503 is its own sentence, and it is there", async () => {
  const { api, told } = answered(problem(503, "too many wait; ask again"));
  await assert.rejects(api.get("/datasets"), { message: "too many wait; ask again", status: 503 });
  assert.equal(await api.isThere(), true);
  assert.deepEqual(told, []);
});

test("of requests that a token fails for, one tells and all are given up", async () => {
  const { api, told } = answered(problem(401, "the token expired"), "old");
  const errors = await Promise.all(["/a", "/b"].map((path) => api.get(path).catch((error) => error)));
  assert.deepEqual(errors.map(sentenceOf), [null, null]);
  assert.deepEqual(told, ["the token expired"]);
  await assert.rejects(api.get("/c"), { status: 401 }); // without any it is the request's own fault
});

test("names of any signs become parts of a path, and what is not said is left out", () => {
  assert.equal(pathOf("a b.zarr", "../x?y"), "/a%20b.zarr/..%2Fx%3Fy");
  assert.equal(queryOf({ name: "a&b", camera: null, size: 0 }), "?name=a%26b&size=0");
});
