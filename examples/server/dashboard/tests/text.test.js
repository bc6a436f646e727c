import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { en } from "../text/en.js";
import { es } from "../text/es.js";

const ROOT = new URL("..", import.meta.url);

function sources() {
  return readdirSync(ROOT, { recursive: true })
    .filter((path) => path.endsWith(".js") && !/^(tests|text)\b/.test(path))
    .map((path) => ({ path, text: readFileSync(new URL(path, ROOT), "utf8") }));
}

function places(entry) {
  // "There is a problem" needs no number.
  const texts =
    typeof entry === "string" ? [entry] : Object.keys(entry).flatMap((form) => (form === "one" ? [] : entry[form]));
  return texts.map((text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort().join(" "));
}

test("both languages have the same keys", () => {
  assert.deepEqual(Object.keys(es).sort(), Object.keys(en).sort());
});

test("the same values are filled into both languages", () => {
  for (const key of Object.keys(es)) {
    const all = new Set([...places(es[key]), ...places(en[key])]);
    assert.equal(all.size, 1, key);
  }
});

test("a text with plural forms has all that its language needs", () => {
  for (const [language, texts] of Object.entries({ es, en })) {
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const [key, entry] of Object.entries(texts)) {
      if (typeof entry !== "string") assert.deepEqual(Object.keys(entry).toSorted(), needed, `${language} ${key}`);
    }
  }
});

test("every key that a module names is there, and every text is used", () => {
  const used = new Set();
  for (const { path, text } of sources()) {
    for (const [, key] of text.matchAll(/"([a-zA-Z]+(?:\.[a-zA-Z_]+)*)"/g)) if (key in es) used.add(key);
    for (const [, key] of text.matchAll(/\b(?:t|known)\("([^"]+)"/g)) assert.ok(key in es, `${path}: ${key}`);
    for (const [, start] of text.matchAll(/\b(?:t|known)\(`([^$`]+)\$\{/g)) {
      const found = Object.keys(es).filter((key) => key.startsWith(start));
      assert.ok(found.length > 0, `${path}: ${start}`);
      found.forEach((key) => used.add(key));
    }
  }
  assert.deepEqual(
    Object.keys(es).filter((key) => !used.has(key)),
    [],
  );
});
