import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.localStorage = { getItem: () => "es" };
const { balanceNumber, costNow, hourlyCost, hourlySums, hoursLeft, levelOf, readAmount } = await import("../money.js");

test("hours left are those of all that is paid together", () => {
  assert.equal(hoursLeft(10, 2, 0.5), 4);
  assert.equal(hoursLeft(0, 2), 0);
  assert.equal(hoursLeft(-1, 2), 0);
  assert.equal(hoursLeft(10, 0, 0), null);
  assert.equal(hoursLeft(Infinity, 2), Infinity);
});

test("a stopped pod costs its volume", () => {
  const pod = { status: "running", costPerHour: 3, costStopped: 0.3 };
  assert.equal(hourlyCost(pod), 3);
  assert.equal(hourlyCost({ ...pod, status: "stopped" }), 0.3);
  assert.equal(hourlyCost({ ...pod, status: "error", desired: "stopped" }), 0.3);
  assert.equal(hourlyCost({ status: "creating" }), 0);
});

test("what a pod has cost grows with its time", () => {
  const pod = { totalCost: 1.5, billedPerHour: 3.6 };
  assert.ok(Math.abs(costNow(pod, Date.now() - 600_000) - 2.1) < 0.001);
  assert.equal(costNow(pod, Date.now() + 5000), 1.5, "the page's clock is behind");
  assert.equal(costNow({ totalCost: 1.5, billedPerHour: 0 }, 0), 1.5);
});

test("what is charged now is apart from what would be if all ran", () => {
  const pods = [
    { billedPerHour: 3, costPerHour: 3, costStopped: 0.3 },
    { billedPerHour: 0.3, costPerHour: 0.1, costStopped: 0.3 },
    // On its way, or in error: reserved, and not charged.
    { billedPerHour: 0, costPerHour: 0.2, costStopped: 0.3 },
  ];
  assert.deepEqual(hourlySums(pods), { now: 3.3, ifAllRan: 3.3 });
  assert.deepEqual(hourlySums([]), { now: 0, ifAllRan: 0 });
});

test("an administrator's balance has no end", () => {
  assert.equal(balanceNumber("Infinity"), Infinity);
  assert.equal(balanceNumber(8.2), 8.2);
});

test("a low balance is shown again at each threshold", () => {
  const levels = (kind, seconds) => seconds.map((secondsLeft) => levelOf({ kind, secondsLeft }));
  assert.equal(new Set(levels("balance", [3599, 1800, 901, 900])).size, 1);
  assert.equal(new Set(levels("balance", [3599, 899, 299])).size, 3);
  assert.equal(new Set(levels("volume", [170_000, 86_400, 86_000])).size, 2);
  assert.notEqual(levels("balance", [100])[0], levels("dailyCap", [100])[0]);
});

test("amounts are read with comma or point, and nothing else is one", () => {
  assert.equal(readAmount(" 12,50 "), 12.5);
  assert.equal(readAmount("12.5"), 12.5);
  assert.equal(readAmount("-3"), -3);
  for (const wrong of ["", "12.345", "1e3", "NaN", "Infinity", "1.000,00", "12 EUR", "0x10"]) {
    assert.equal(readAmount(wrong), null, wrong);
  }
});
