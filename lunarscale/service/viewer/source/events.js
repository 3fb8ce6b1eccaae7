/** Server-sent events, read from a stream of bytes (`EventSource` cannot send a bearer token). */

/**
 * @typedef {{event: string, data: string, id: string | null}} ServerEvent
 */

/**
 * The events of a stream, as the WHATWG's HTML standard parses them.
 *
 * @param {AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>} bytes
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* serverEvents(bytes) {
  /** @type {string[]} */
  let data = [];
  let event = "message";
  /** @type {string | null} */
  let id = null;
  for await (const line of lines(bytes)) {
    if (line === "") {
      if (data.length) yield { event, data: data.join("\n"), id };
      data = [];
      event = "message";
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
    else if (field === "id") id = value;
  }
}

/**
 * Lines that are whole: by LF, CR LF or CR. What an end cuts off is dropped, as the standard says.
 *
 * @param {AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>} bytes
 * @returns {AsyncGenerator<string>}
 */
async function* lines(bytes) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks(bytes)) {
    rest += decoder.decode(chunk, { stream: true });
    // a CR at the end may be half of a CR LF: it waits for what follows
    const parts = rest.split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/**
 * A stream's chunks; not every browser can walk a stream by itself.
 *
 * @param {AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>} bytes
 */
async function* chunks(bytes) {
  if (!("getReader" in bytes)) {
    yield* bytes;
    return;
  }
  const reader = bytes.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // a stream that broke cannot be cancelled either
  }
}
