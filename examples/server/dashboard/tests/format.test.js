import assert from "node:assert/strict";
import { test } from "node:test";

// The language is chosen when the module is read, from what the person chose before.
globalThis.localStorage = { getItem: () => "es" };
const { duration, money, percent, relative } = await import("../format.js");

// Intl writes some spaces as no-break spaces.
const plain = (text) => text.replace(/\s/gu, " ");

test("money is EUR with two decimals, small amounts with what they need", () => {
  assert.equal(plain(money(12.5)), "12,50 €");
  assert.equal(plain(money(0.0123)), "0,0123 €");
  assert.equal(plain(money(-0.05)), "-0,05 €");
  assert.equal(plain(money(-0.000056)), "-0,000056 €");
  assert.equal(plain(money(0)), "0,00 €");
  assert.equal(money(Infinity), "∞");
  assert.equal(money(null), "–");
});

test("what is not known is a dash, never zero", () => {
  assert.equal(percent(null), "–");
  assert.equal(percent(undefined), "–");
  assert.equal(plain(percent(0)), "0 %");
  assert.equal(duration(null), "–");
});

test("a duration has its two biggest units", () => {
  assert.equal(plain(duration(0)), "0 s");
  assert.equal(plain(duration(59.9)), "59 s");
  assert.equal(plain(duration(8000)), "2 h 13 min");
  assert.equal(plain(duration(3600)), "1 h");
  assert.equal(plain(duration(90_000)), "1 d 1 h");
});

test("a time is told from now", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  assert.match(relative("2026-01-01T11:50:00Z", now), /10 minutos$/);
  assert.match(relative("2026-01-01T11:59:58Z", now), /2 segundos$/);
});
