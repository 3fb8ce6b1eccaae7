/** Round numbers along an axis. */

/**
 * Ticks at 1, 2 or 5 times a power of ten, within two values.
 *
 * @param {number} from
 * @param {number} to
 * @param {number} [most] at most so many, about
 * @returns {number[]}
 */
export function ticks(from, to, most = 5) {
  if (!(to > from)) return [from];
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((times) => times * power >= rough) ?? 10);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}
