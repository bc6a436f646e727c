import assert from "node:assert/strict";
import { test } from "node:test";

import { delayBefore, LONGEST_DELAY } from "../backoff.js";

test("the delay doubles up to its limit and stays there", () => {
  const longest = (attempt) => delayBefore(attempt, () => 1);
  assert.deepEqual([0, 1, 2, 3, 4].map(longest), [1000, 2000, 4000, 8000, 16_000]);
  for (const attempt of [5, 6, 50, 10_000]) assert.equal(longest(attempt), LONGEST_DELAY);
});

test("jitter takes at most half away, so that nobody comes back at once", () => {
  for (const attempt of [0, 3, 20]) {
    assert.equal(
      delayBefore(attempt, () => 0),
      delayBefore(attempt, () => 1) / 2,
    );
  }
});
