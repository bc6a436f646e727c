import assert from "node:assert/strict";
import { test } from "node:test";

import { balanceNumber, hourlyCost, hoursLeft, readAmount } from "../money.js";

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

test("an administrator's balance has no end", () => {
  assert.equal(balanceNumber("Infinity"), Infinity);
  assert.equal(balanceNumber(8.2), 8.2);
});

test("amounts are read with comma or point, and nothing else is one", () => {
  assert.equal(readAmount(" 12,50 "), 12.5);
  assert.equal(readAmount("12.5"), 12.5);
  assert.equal(readAmount("-3"), -3);
  for (const wrong of ["", "12.345", "1e3", "NaN", "Infinity", "1.000,00", "12 EUR", "0x10"]) {
    assert.equal(readAmount(wrong), null, wrong);
  }
});
