import assert from "node:assert/strict";
import { test } from "node:test";

import { EVERYTHING, canStop, isFiltered, readQuery, selectPods, stateOf, writeQuery } from "../list/query.js";
import { Selection } from "../list/selection.js";

const GPUS = { cpu: "CPU", "rtx-4050": "NVIDIA RTX 4050" };
const gpuName = (id) => GPUS[id] ?? id;
const pod = (podName, more) => ({
  podId: podName,
  podName,
  dockerImage: "quay.io/jupyter/base-notebook",
  gpu: "cpu",
  status: "running",
  createdAt: "2026-11-28T10:00:00Z",
  costPerHour: 0.3,
  costStopped: 0.1,
  ...more,
});
const names = (pods, query) => selectPods(pods, { ...EVERYTHING, ...query }, gpuName).map((each) => each.podName);

test("a search is kept in the address, and only what differs from everything", () => {
  assert.equal(writeQuery(EVERYTHING), "");
  const query = { text: "a&b = ñ?", status: "error", gpu: "rtx-4050", order: "cost" };
  assert.deepEqual(readQuery(writeQuery(query)), query);
  assert.deepEqual(readQuery(""), EVERYTHING);
});

test("what makes no sense in an address is left out", () => {
  assert.deepEqual(readQuery("status=flying&order=__proto__&other=1&gpu=gone"), { ...EVERYTHING, gpu: "gone" });
});

test("every word of a search is somewhere in what is shown, whatever its case and accents", () => {
  const pods = [
    pod("Camión"),
    pod("Training 2", { gpu: "rtx-4050", dockerImage: "pytorch/pytorch:2" }),
    pod("Other", { userEmail: "ana@example.com" }),
  ];
  assert.deepEqual(names(pods, { text: "camion" }), ["Camión"]);
  assert.deepEqual(names(pods, { text: " PYTORCH  4050 " }), ["Training 2"]);
  assert.deepEqual(names(pods, { text: "ana@" }), ["Other"]);
  assert.deepEqual(names(pods, { text: "notebook", gpu: "cpu" }).length, 2);
  assert.deepEqual(names(pods, { text: "nothing.*" }), []);
});

test("a state is the one that is shown: on its way to another a pod is in none of the four", () => {
  const pods = [
    pod("running"),
    pod("leaving", { desired: "deleted" }),
    pod("stopping", { step: "stopping", desired: "stopped" }),
    pod("stopped", { status: "stopped", desired: "stopped" }),
  ];
  assert.deepEqual(pods.map(stateOf), ["running", "deleting", "stopping", "stopped"]);
  for (const status of pods.map(stateOf)) assert.equal(names(pods, { status }).length, 1, status);
  assert.deepEqual(pods.filter(canStop).map((each) => each.podName), ["running"]);
});

test("each order, and the newest first among equals", () => {
  const pods = [
    pod("pod 10", { createdAt: "2026-11-28T10:00:00.5Z", status: "stopped", desired: "stopped" }),
    pod("Pod 9", { createdAt: "2026-11-28T11:00:00Z", costPerHour: 2 }),
    pod("ábaco", { createdAt: "2026-11-28T12:00:00Z", status: "error" }),
    pod("Zed", { createdAt: "2026-11-28T13:00:00Z" }),
  ];
  assert.deepEqual(names(pods, {}), ["Zed", "ábaco", "Pod 9", "pod 10"]);
  assert.deepEqual(names(pods, { order: "name" }), ["ábaco", "Pod 9", "pod 10", "Zed"]);
  assert.deepEqual(names(pods, { order: "cost" }), ["Pod 9", "Zed", "ábaco", "pod 10"]);
  assert.deepEqual(names(pods, { order: "status" }), ["ábaco", "Zed", "Pod 9", "pod 10"]);
});

test("among pods of one price comes first what has cost more by now, not when the server last said so", () => {
  const minutesAgo = (minutes) => Date.now() - minutes * 60_000;
  const pods = [
    pod("just said", { totalCost: 1, billedPerHour: 0.3, costKnownAt: minutesAgo(0) }),
    pod("said long ago", { totalCost: 0.9, billedPerHour: 0.3, costKnownAt: minutesAgo(40) }),
    pod("a fraction more", { totalCost: 1.001, billedPerHour: 0.3, costKnownAt: minutesAgo(0) }),
  ];
  assert.deepEqual(names(pods, { order: "cost" }), ["said long ago", "a fraction more", "just said"]);
});

test("an order leaves nothing out", () => {
  assert.equal(isFiltered({ ...EVERYTHING, order: "cost", text: " " }), false);
  for (const part of [{ text: "a" }, { status: "error" }, { gpu: "cpu" }])
    assert.equal(isFiltered({ ...EVERYTHING, ...part }), true);
});

test("a selection reports what differs, and keeps nothing that is not shown", () => {
  const selection = new Selection();
  let reported = 0;
  selection.addEventListener("change", () => (reported += 1));
  selection.set(["a", "b", "c"], true);
  selection.set(["a"], true);
  assert.equal(reported, 1);
  assert.deepEqual(["all", "some", "none"], [selection.among(["a", "b"]), selection.among(["a", "d"]), selection.among([])]);
  selection.keep(["b", "d"]);
  assert.deepEqual(selection.keys, ["b"]);
  assert.equal(reported, 2);
});
