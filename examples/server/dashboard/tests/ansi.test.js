import assert from "node:assert/strict";
import { test } from "node:test";

import { plainLine } from "../ansi.js";

const ESC = "\u001b";

test("colours, titles and character sets vanish", () => {
  const cases = [
    [`${ESC}[32m[I 12:00 ServerApp]${ESC}[0m http://x/?token=ab`, "[I 12:00 ServerApp] http://x/?token=ab"],
    [`${ESC}[1;38;2;10;20;30mbold${ESC}[m`, "bold"],
    [`${ESC}]0;title\u0007text`, "text"],
    [`${ESC}]8;;http://x${ESC}\\link${ESC}]8;;${ESC}\\`, "link"],
    [`${ESC}(Bplain${ESC}=`, "plain"],
    [`${ESC}[?25lhidden${ESC}[2K`, "hidden"],
    [`${ESC}P1$r0m${ESC}\\after`, "after"],
  ];
  for (const [raw, plain] of cases) assert.equal(plainLine(raw), plain);
});

test("a sequence that the end cuts off vanishes too", () => {
  for (const rest of [ESC, `${ESC}[`, `${ESC}[3`, `${ESC}[38;2`, `${ESC}]0;tit`, `${ESC}(`]) {
    assert.equal(plainLine(`text${rest}`), "text", JSON.stringify(rest));
  }
});

test("a progress bar shows its last state", () => {
  assert.equal(plainLine("10%|#   |\r50%|##  |\r100%|####|"), "100%|####|");
  assert.equal(plainLine("a line of Windows\r"), "a line of Windows");
  assert.equal(plainLine("half\r\r"), "half");
});

test("control characters vanish, tabs and letters of every script stay", () => {
  assert.equal(plainLine("a\tb\u0000\u0007\u0008\u009bc"), "a\tbc");
  assert.equal(plainLine("ñandú 日本語 🚀"), "ñandú 日本語 🚀");
  assert.equal(plainLine("<script>alert(1)</script>"), "<script>alert(1)</script>");
});

test("a long line of garbage takes no time", () => {
  const start = performance.now();
  plainLine(`${ESC}[`.repeat(100_000));
  plainLine(`${ESC}]`.repeat(100_000));
  assert.ok(performance.now() - start < 2_000);
});
