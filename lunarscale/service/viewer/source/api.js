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

/** What is said while the service, or the way to it, is gone. */
export const AWAY = "The service does not answer; the page goes on when it is there again.";

/** What a proxy answers in its stead. */
const OF_PROXIES = [502, 503, 504];

const BROKE_OFF = "The upload broke off: the way to the service was cut. Send it again.";

export class Api {
  /** @param {string | null} token */
  constructor(token) {
    this.token = token;
    /** Told when nothing answers. */
    this.whenAway = () => {};
    /** @type {(sentence: string) => void} told when the token is good no more, and why */
    this.whenTokenFails = () => {};
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
   * Sends a file, or a form with files, and tells how far it is, as `fetch` does not.
   *
   * @param {string} path
   * @param {object} what
   * @param {Query} what.query
   * @param {Blob | FormData} what.body
   * @param {AbortSignal} what.signal
   * @param {(share: number) => void} what.told 1: all was sent, and is being read
   * @returns {Promise<any>} JSON
   */
  upload(path, { query, body, signal, told }) {
    const { token } = this;
    const asked = new XMLHttpRequest();
    asked.open("POST", `/api${path}${queryOf(query)}`);
    for (const [name, value] of headersOf(token, "application/json")) asked.setRequestHeader(name, value);
    asked.upload.addEventListener("progress", ({ loaded, total }) => told(loaded / total));
    signal.addEventListener("abort", () => asked.abort());
    return new Promise((resolve, reject) => {
      const fail = (/** @type {ServiceError} */ error) => reject(this.#told(error, token));
      asked.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")));
      asked.addEventListener("error", () => fail(new ServiceError(BROKE_OFF, 0)));
      asked.addEventListener("load", () => {
        const { status, statusText, responseText } = asked;
        const headers = { "Content-Type": asked.getResponseHeader("Content-Type") ?? "" };
        const answer = new Response(responseText, { status, statusText, headers });
        if (answer.ok) resolve(answer.json());
        else errorOf(answer).then(fail);
      });
      asked.send(body);
    });
  }

  /** Whether the service answers, whatever it says. */
  async isThere() {
    const error = await this.get("").catch((problem) => problem);
    return !(error instanceof ServiceError && error.status === 0);
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
    const { token } = this;
    const headers = headersOf(token, accept);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    try {
      const answer = await fetch(`/api${path}${queryOf(query)}`, {
        method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
      }).catch(() => {
        // whoever gives a request up may give any reason for it
        if (signal?.aborted) throw new DOMException("given up", "AbortError");
        throw new ServiceError(AWAY, 0);
      });
      if (!answer.ok) throw await errorOf(answer);
      return answer;
    } catch (error) {
      throw this.#told(error, token);
    }
  }

  /**
   * Tells what concerns all of the page; returns what is left to be said of the request itself.
   *
   * @param {unknown} error
   * @param {string | null} token that was sent
   */
  #told(error, token) {
    if (!(error instanceof ServiceError)) return error;
    if (error.status === 0) this.whenAway();
    if (error.status !== 401 || !token) return error;
    // of several requests that it fails for, the first is told; all is asked anew without it
    if (token === this.token) this.whenTokenFails(error.message);
    return new DOMException("given up", "AbortError");
  }
}

/**
 * @param {string | null} token
 * @param {string} accept
 */
function headersOf(token, accept) {
  const headers = new Headers({ Accept: accept });
  if (token) headers.set("Authorization", `Bearer ${token}`);
  return headers;
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
  if (!isProblem && OF_PROXIES.includes(answer.status)) return new ServiceError(AWAY, 0);
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
