import assert from "node:assert/strict";
import { test } from "node:test";

import { searcher } from "../search.js";

test("every place is found, whatever its case", () => {
  assert.deepEqual(searcher("error")("Error: an error, ERROR"), [
    [0, 5],
    [10, 15],
    [17, 22],
  ]);
  assert.deepEqual(searcher("aa")("aaaa"), [
    [0, 2],
    [2, 4],
  ]);
});

test("nothing is a pattern", () => {
  const signs = String.raw`.*+?^$(){}[]|\/-&~`;
  assert.deepEqual(searcher(signs)(`<${signs}>`), [[1, 1 + signs.length]]);
  assert.deepEqual(searcher(".")("abc"), []);
  assert.deepEqual(searcher("[I ")("[I 12:00 ServerApp]"), [[0, 3]]);
});

test("places fit the text even where lower case is longer", () => {
  const text = "İİİ token=1";
  const [[from, until]] = searcher("TOKEN")(text);
  assert.equal(text.slice(from, until), "token");
});

test("an empty question finds nothing", () => {
  assert.deepEqual(searcher("")("abc"), []);
});
