import assert from "node:assert/strict";
import { test } from "node:test";

import { isUnderWay, progress, STEPS } from "../steps.js";

const states = (pod) => progress(pod).map(({ state }) => state);

test("a pod on its way has one current step", () => {
  const pod = { status: "creating", step: "pulling_image", reason: null };
  assert.deepEqual(states(pod), ["done", "done", "done", "current", "todo", "todo"]);
  assert.ok(isUnderWay(pod));
});

test("a pod that hangs or failed is stuck where it is", () => {
  const waiting = { status: "creating", step: "scheduling", reason: { code: "no_gpu_free" } };
  assert.deepEqual(states(waiting), ["done", "stuck", "todo", "todo", "todo", "todo"]);
  const failed = { status: "error", step: "starting", reason: null, desired: "running" };
  assert.equal(states(failed)[4], "stuck");
  assert.ok(isUnderWay(failed));
});

test("a pod that runs is done, and shows no progress", () => {
  const pod = { status: "running", step: "ready", reason: null };
  assert.deepEqual(new Set(states(pod)), new Set(["done"]));
  assert.ok(!isUnderWay(pod));
});

test("a pod that was stopped or has an unknown step shows none as done", () => {
  assert.ok(!isUnderWay({ status: "stopped", step: "stopped", desired: "stopped" }));
  assert.deepEqual(
    states({ status: "creating", step: "something new" }),
    STEPS.map(() => "todo"),
  );
});
