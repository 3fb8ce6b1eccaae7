/** Every request to the service goes through here: its token, its errors, its pictures. */

import { serverEvents } from "./events.js";

/** What the service, or the way to it, said was wrong: a finished sentence to show as it is. */
export class ServiceError extends Error {
  /**
   * @param {string} sentence
   * @param {number} status of HTTP; 0 where nothing answered
   */
  constructor(sentence, status) {
    super(sentence);
    this.name = "ServiceError";
    this.status = status;
  }
}

/** @typedef {Record<string, string | number | null | undefined>} Query */

export class Api {
  /** @param {string | null} token */
  constructor(token) {
    this.token = token;
  }

  /**
   * JSON of a GET.
   *
   * @param {string} path below `/api`, its parts encoded (`pathOf`)
   * @param {Query} [query]
   * @param {AbortSignal} [signal]
   */
  async get(path, query, signal) {
    return (await this.#ask("GET", path, { query, signal })).json();
  }

  /**
   * JSON of a request that changes or computes something; null where nothing comes back.
   *
   * @param {"POST" | "PATCH" | "DELETE"} method
   * @param {string} path
   * @param {{query?: Query, body?: unknown, signal?: AbortSignal}} [what]
   */
  async send(method, path, what = {}) {
    const answer = await this.#ask(method, path, what);
    const text = await answer.text();
    return text ? JSON.parse(text) : null;
  }

  /**
   * A picture, ready to be drawn.
   *
   * @param {string} path
   * @param {Query} query
   * @param {AbortSignal} [signal]
   */
  async picture(path, query, signal) {
    const answer = await this.#ask("GET", path, { query, signal, accept: "image/png" });
    return createImageBitmap(await answer.blob());
  }

  /**
   * A file as it is, for the user to keep.
   *
   * @param {string} path
   */
  async file(path) {
    const answer = await this.#ask("GET", path, { accept: "*/*" });
    return answer.blob();
  }

  /**
   * The events of a stream, until it ends or is given up.
   *
   * @param {string} path
   * @param {AbortSignal} signal
   */
  async *events(path, signal) {
    const answer = await this.#ask("GET", path, { signal, accept: "text/event-stream" });
    if (answer.body) yield* serverEvents(answer.body);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{query?: Query, body?: unknown, signal?: AbortSignal, accept?: string}} what
   */
  async #ask(method, path, { query = {}, body, signal, accept = "application/json" }) {
    const headers = new Headers({ Accept: accept });
    if (this.token) headers.set("Authorization", `Bearer ${this.token}`);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    const answer = await fetch(`/api${path}${queryOf(query)}`, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
    }).catch(() => {
      // whoever gives a request up may give any reason for it
      if (signal?.aborted) throw new DOMException("given up", "AbortError");
      throw new ServiceError("The service does not answer; is it still running?", 0);
    });
    if (!answer.ok) throw await errorOf(answer);
    return answer;
  }
}

/**
 * A path of parts that may hold any sign.
 *
 * @param {...string} parts
 */
export function pathOf(...parts) {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join("");
}

/** @param {Query} query */
export function queryOf(query) {
  const said = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const words = new URLSearchParams(said.map(([key, value]) => [key, String(value)]));
  return said.length ? `?${words}` : "";
}

/**
 * The service's own sentence (problem+json), or the plain fact where it has none.
 *
 * @param {Response} answer
 */
async function errorOf(answer) {
  const isProblem = /json/.test(answer.headers.get("Content-Type") ?? "");
  const problem = isProblem ? await answer.json().catch(() => ({})) : {};
  const sentence = problem.detail ?? problem.title;
  const plain = `The service answered ${answer.status} ${answer.statusText}`.trim();
  return new ServiceError(typeof sentence === "string" ? sentence : plain, answer.status);
}

/**
 * What went wrong, as a sentence; null where it was only given up.
 *
 * @param {unknown} error
 */
export function sentenceOf(error) {
  if (error instanceof Error && error.name === "AbortError") return null;
  return error instanceof Error ? error.message : String(error);
}
