import assert from "node:assert/strict";
import { test } from "node:test";
import { fromPlane, groundMetres, toPlane } from "../../lunarscale/service/viewer/source/stereographic.js";

const close = (a, b, within) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

test("there and back again is the same place", () => {
  for (const pole of [1, -1]) {
    for (let lon = -179; lon <= 180; lon += 13) {
      for (const lat of [60, 71.5, 89.999]) {
        const [x, y] = toPlane(lon, pole * lat, pole);
        const back = fromPlane(x, y, pole);
        close(back[0], lon, 1e-9);
        close(back[1], pole * lat, 1e-9);
      }
    }
    assert.deepEqual(fromPlane(0, 0, pole), [0, pole * 90]);
  }
});

test("the near side lies below the north pole and above the south pole", () => {
  assert.ok(toPlane(0, 80, 1)[1] < 0);
  assert.ok(toPlane(0, -80, -1)[1] > 0);
  assert.ok(toPlane(90, 80, 1)[0] > 0);
  assert.ok(toPlane(90, -80, -1)[0] > 0);
});

test("the plane is stretched by as much as neighbours in it lie farther apart", () => {
  for (const pole of [1, -1]) {
    for (const lat of [60, 75, 89]) {
      const step = 1e-6;
      const [a, b] = [toPlane(40, pole * lat, pole), toPlane(40, pole * (lat + step), pole)];
      const ground = (step * Math.PI * 1_737_400) / 180;
      close(ground / Math.hypot(a[0] - b[0], a[1] - b[1]), groundMetres(pole * lat, pole), 1e-7);
    }
  }
});
