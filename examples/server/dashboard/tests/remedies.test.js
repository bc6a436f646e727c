import assert from "node:assert/strict";
import { test } from "node:test";

import { leadsTo } from "../remedies.js";
import { en } from "../text/en.js";

const name = (reason, now) => {
  const place = leadsTo(reason, now);
  return place ? (place.page ?? place.action) : null;
};

test("a remedy leads to the place where it can be done", () => {
  assert.equal(name({ remedyCode: "change_image" }), "deploy");
  assert.equal(name({ remedyCode: "choose_more_memory" }), "deploy");
  assert.equal(name({ remedyCode: "choose_another_size" }), "deploy");
  assert.equal(name({ remedyCode: "add_funds" }), "account");
  assert.equal(name({ remedyCode: "read_logs" }), "logs");
  assert.equal(name({ remedyCode: "start_again" }), "start");
});

test("what can't be done here, and what this page does not know, has no button", () => {
  for (const remedyCode of ["wait", "contact_support", "stop_another_pod", "of a later version", undefined]) {
    assert.equal(name({ remedyCode }), null, remedyCode);
  }
});

test("a start that is not possible yet has no button before its time", () => {
  const reason = { remedyCode: "start_later", startableAt: "2026-11-29T00:00:00Z" };
  assert.equal(name(reason, new Date("2026-11-28T23:59:59Z")), null);
  assert.equal(name(reason, new Date("2026-11-29T00:00:00Z")), "start");
});

test("each button has its text", () => {
  for (const button of ["deploy", "account", "logs", "start"]) assert.ok(en[`remedy.${button}`], button);
});
