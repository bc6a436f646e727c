import assert from "node:assert/strict";
import { test } from "node:test";

import { isWhole } from "../csv.js";

test("a file is whole when its last row says so", () => {
  const end = ",,end,,,,,entries=1 amountEur=10.00,\r\n";
  assert.ok(isWhole(`1,2026-01-01T00:00:00Z,deposit,,,10.00,0.00,,Deposit\r\n${end}`));
  assert.ok(isWhole(end));
  for (const broken of [
    "",
    "1,2026-01-01T00:00:00Z,deposit,,,10.00,0.00,,Deposit\r\n",
    end.slice(0, -1),
    `${end}1,`,
    // A note that only looks like it.
    '1,2026-01-01T00:00:00Z,deposit,,,10.00,0.00,",,end,",Deposit\r\n',
  ]) {
    assert.ok(!isWhole(broken), JSON.stringify(broken));
  }
});
