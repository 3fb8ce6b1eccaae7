/** The caller's token: taken out of the address at once, kept for this tab alone. */

const KEY = "lunarscale-token";

/**
 * Splits `#token=...` off the words after the `#`.
 *
 * @param {string} hash with or without the `#`
 * @returns {{token: string | null, rest: string}}
 */
export function splitToken(hash) {
  const words = hash.replace(/^#/, "").split("&").filter(Boolean);
  const isToken = (/** @type {string} */ word) => word.startsWith("token=");
  const found = words.find(isToken);
  const rest = words.filter((word) => !isToken(word)).join("&");
  const value = new URLSearchParams(found?.replaceAll("+", "%2B")).get("token");
  return { token: value || null, rest };
}

/**
 * The token that this tab came with, now or before; the address no longer shows it.
 *
 * @returns {string | null}
 */
export function takeToken() {
  const { token, rest } = splitToken(location.hash);
  if (token !== null || location.hash.includes("token=")) {
    history.replaceState(null, "", rest ? `#${rest}` : location.pathname + location.search);
  }
  if (token !== null) keepToken(token);
  return sessionStorage.getItem(KEY);
}

/** @param {string | null} token null: forget it */
export function keepToken(token) {
  if (token === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}
