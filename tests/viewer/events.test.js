import assert from "node:assert/strict";
import { test } from "node:test";
import { serverEvents } from "../../lunarscale/service/viewer/source/events.js";

const TEXT =
  ": hello\n\nevent: progress\ndata: {\"done\": 1}\nid: 7\n\r\ndata: one\r\ndata: two °\r\n\r\nretry: 5\n\n" +
  "data:tight\r\rdata: cut off";

const WANTED = [
  { event: "progress", data: '{"done": 1}', id: "7" },
  { event: "message", data: "one\ntwo °", id: "7" },
  { event: "message", data: "tight", id: "7" },
];

async function* inPieces(bytes, size) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

test("events are the same however the stream is cut, letters and line ends too", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (const size of [1, 2, 3, 5, 8, 1000]) {
    const found = [];
    for await (const event of serverEvents(inPieces(bytes, size))) found.push(event);
    assert.deepEqual(found, WANTED, `pieces of ${size}`);
  }
});

test("a stream of the browser's kind is read, and let go when nobody wants more", async () => {
  let isCancelled = false;
  const stream = new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode("data: x\n\n"));
    },
    cancel() {
      isCancelled = true;
    },
  });
  for await (const { data } of serverEvents(stream)) {
    assert.equal(data, "x");
    break;
  }
  assert.ok(isCancelled);
});
