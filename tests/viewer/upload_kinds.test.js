import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS, nameFrom, NAME_PATTERN } from "../../lunarscale/service/viewer/source/upload_kinds.js";

test("a file's name becomes one that the service takes", () => {
  const files = {
    "maria.geojson": "maria", "Mare Imbrium (v2).json": "Mare-Imbrium-v2", "..\\x.onnx": "x",
    "_private.csv": "private", "<img src=x>.csv": "img-src-x", [`${"a".repeat(90)}.csv`]: "a".repeat(63),
    "月.csv": "",
  };
  for (const [file, name] of Object.entries(files)) {
    assert.equal(nameFrom(file), name, file);
    if (name) assert.match(name, new RegExp(`^(?:${NAME_PATTERN})$`, "v"));
  }
});

test("what an upload holds is told in words", () => {
  const { polygons, models, tables } = KINDS;
  assert.equal(polygons.holds({ regions: 1, names: ["drawn"] }), "1 region: drawn");
  assert.equal(polygons.holds({ regions: 5, names: ["a", "b", "c", "d"] }), "5 regions: a, b, c, …");
  assert.equal(models.holds({ quantities: ["FeO", "TiO2"], camera: "kaguya-mi" }), "FeO, TiO₂ of kaguya-mi");
  assert.equal(
    tables.holds({ stations: 3, camera: "kaguya-mi", warnings: ["one is odd"] }),
    "3 stations for kaguya-mi; one is odd",
  );
});
