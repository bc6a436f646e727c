import assert from "node:assert/strict";
import { test } from "node:test";

import { firstGpu } from "../gpu.js";

const gpu = (id, price, more) => [id, { id, price, available: true, free: 3, gpuCount: 1, ...more }];
const storage = { containerDisk: { price: 0.01 }, volumeDisk: { price: 0.01 } };
const cpu = gpu("cpu", 0.3, { free: null, gpuCount: 0 });
const first = (all, available = 10) =>
  firstGpu({ gpus: Object.fromEntries(all), storage }, available, { container: 10, volume: 10 });

test("the cheapest GPU that is free and can be paid", () => {
  assert.equal(first([cpu, gpu("big", 2.5), gpu("small", 0.5), gpu("middle", 1)]), "small");
  assert.equal(first([cpu, gpu("small", 0.5, { free: 0 }), gpu("middle", 1)]), "middle");
  assert.equal(first([cpu, gpu("small", 0.5, { free: null }), gpu("middle", 1)]), "small");
  assert.equal(first([cpu, gpu("small", 0.5, { available: false }), gpu("middle", 1)]), "middle");
  assert.equal(first([gpu("small", 0.5), gpu("middle", 1)], null), "small");
  assert.equal(first([gpu("small", 0.5), gpu("middle", 1)], Infinity), "small");
});

test("what can be paid has its disks with it", () => {
  assert.equal(first([gpu("gone", 0.5, { free: 0 }), gpu("middle", 1)], 1.19), "middle");
  assert.equal(first([gpu("small", 0.5), gpu("middle", 1)], 0.1), "small");
});

test("where no GPU is free the cheapest is chosen all the same, and where there is none what there is", () => {
  assert.equal(first([cpu, gpu("big", 2.5, { free: 0 }), gpu("small", 0.5, { free: 0 })]), "small");
  assert.equal(first([cpu]), "cpu");
  assert.equal(first([gpu("small", 0.5, { available: false })]), undefined);
});
