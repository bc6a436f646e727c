import assert from "node:assert/strict";
import { test } from "node:test";

import { toCsv } from "../csv.js";

test("quotes, commas and line breaks stay within their cell", () => {
  assert.equal(toCsv([["a,b", 'say "no"', "two\nlines"]]), '"a,b","say ""no""","two\nlines"\r\n');
});

test("a name can't be a formula, and a negative amount stays a number", () => {
  assert.equal(toCsv([["=HYPERLINK(1)", "@x", "+1", "-x", -0.05]]), "'=HYPERLINK(1),'@x,'+1,'-x,-0.05\r\n");
});

test("what is not known is empty", () => {
  assert.equal(toCsv([[null, undefined, 0, ""]]), ",,0,\r\n");
});
