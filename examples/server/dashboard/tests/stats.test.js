import assert from "node:assert/strict";
import { test } from "node:test";

import { measured } from "../stats.js";

const stats = {
  cpuUsage: 0,
  memoryUsage: 41.5,
  gpuUsage: 0,
  known: { cpu: true, memory: true, gpu: false },
};

test("a figure that was measured is shown, also where it is zero", () => {
  assert.equal(measured(stats, "cpu"), 0);
  assert.equal(measured(stats, "memory"), 41.5);
});

test("a zero that nobody has measured is not shown as one", () => {
  assert.equal(measured(stats, "gpu"), null);
  assert.equal(measured(undefined, "cpu"), null);
  assert.equal(measured({ cpuUsage: 5 }, "cpu"), null);
});
