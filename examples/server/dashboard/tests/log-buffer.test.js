import assert from "node:assert/strict";
import { test } from "node:test";

import { LogBuffer, LONGEST_LINE, MOST_LINES, MOST_TEXT } from "../log-buffer.js";

test("lines come whole, wherever the chunks are cut", () => {
  const whole = "one\n\u001b[31mtwo\u001b[0m\nthree";
  for (let cut = 0; cut <= whole.length; cut++) {
    const buffer = new LogBuffer();
    buffer.push(whole.slice(0, cut));
    buffer.push(whole.slice(cut));
    assert.deepEqual(buffer.lines, ["one", "two"], `cut at ${cut}`);
    assert.equal(buffer.openLine, "three");
    assert.equal(buffer.text(), "one\ntwo\nthree\n");
  }
});

test("what is said to be added and dropped is what changes", () => {
  const buffer = new LogBuffer();
  const numbers = (from, until) => Array.from({ length: until - from }, (_, index) => `${from + index}`);
  assert.deepEqual(buffer.push("a\nb\nc"), { added: ["a", "b"], dropped: 0 });
  buffer.push("\n");
  const { added, dropped } = buffer.push(numbers(0, MOST_LINES).join("\n") + "\n");
  assert.equal(added.length, MOST_LINES);
  assert.equal(dropped, 3);
  assert.equal(buffer.lines.length, MOST_LINES);
  assert.equal(buffer.lines[0], "0");
  assert.equal(buffer.lines.at(-1), `${MOST_LINES - 1}`);
});

test("ten megabytes without a line break are cut and bounded", () => {
  const buffer = new LogBuffer();
  for (let count = 0; count < 160; count++) buffer.push("x".repeat(65_536));
  assert.ok(buffer.lines.every((line) => line.length <= LONGEST_LINE));
  assert.ok(buffer.openLine.length <= LONGEST_LINE);
  assert.ok(buffer.text().length <= MOST_TEXT + 2 * LONGEST_LINE + MOST_LINES);
});

test("a progress bar is one line until it is done", () => {
  const buffer = new LogBuffer();
  buffer.push("10%");
  buffer.push("\r20%");
  assert.equal(buffer.openLine, "20%");
  buffer.push("\r100%\ndone\n");
  assert.deepEqual(buffer.lines, ["100%", "done"]);
});
