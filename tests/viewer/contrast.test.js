import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const STYLE = readFileSync(new URL("../../lunarscale/service/viewer/source/style.css", import.meta.url), "utf8");

/** The value of a custom property as red, green and blue; what shines through is left out. */
function colour(name) {
  const value = new RegExp(`--${name}: ([^;]+);`).exec(STYLE)[1];
  const hex = /^#([0-9a-f]{6})$/.exec(value);
  return hex ? [0, 2, 4].map((at) => parseInt(hex[1].slice(at, at + 2), 16)) : value.match(/\d+/g).slice(0, 3).map(Number);
}

/** Relative luminance (WCAG 2.2). */
function luminance(rgb) {
  const [r, g, b] = rgb.map((each) => each / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [light, dark] = [luminance(colour(one)), luminance(colour(other))].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

test("all text stands out from what it is written on (AA: 4.5 to 1)", () => {
  for (const ground of ["sky", "panel", "raised"]) {
    for (const ink of ["ink", "faint", "moon", "amber", "bad", "good"]) {
      assert.ok(contrast(ink, ground) >= 4.5, `${ink} on ${ground}: ${contrast(ink, ground).toFixed(2)}`);
    }
  }
});

test("the edges of controls stand out from panels (AA: 3 to 1)", () => {
  assert.ok(contrast("edge", "panel") >= 3, contrast("edge", "panel").toFixed(2));
});
