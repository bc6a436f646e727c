import assert from "node:assert/strict";
import { test } from "node:test";

// The language is chosen when the module is read, from what the person chose before.
globalThis.localStorage = { getItem: () => "es" };
const { cents, decimalsOf, duration, exact, money, percent, relative, utcDay, wholeCents } = await import("../format.js");

// Intl writes some spaces as no-break spaces.
const plain = (text) => text.replace(/\s/gu, " ");

test("balances that are rounded to the cent still add up", () => {
  const parts = [6.918333, 3.004999].map(wholeCents);
  assert.deepEqual(parts, [6.92, 3]);
  assert.equal(plain(money(parts[0] + parts[1])), "9,92 €");
  assert.deepEqual([-0.005, -0.004, Infinity].map(wholeCents), [-0.01, 0, Infinity]);
});

test("money is EUR exactly, with two decimals or as many as it needs", () => {
  assert.equal(plain(money(12.5)), "12,50 €");
  assert.equal(plain(money(6.991667)), "6,991667 €");
  assert.equal(plain(money(0.1 + 0.2)), "0,30 €");
  assert.equal(plain(money(1.5, 4)), "1,5000 €");
  assert.equal(plain(money(0.0123)), "0,0123 €");
  assert.equal(plain(money(-0.05)), "-0,05 €");
  assert.equal(plain(money(-0.000056)), "-0,000056 €");
  assert.equal(plain(money(0)), "0,00 €");
  assert.equal(money(Infinity), "∞");
  assert.equal(money(null), "–");
});

test("a figure that stands alone is rounded to the cent, halves away from zero", () => {
  for (const [amount, shown] of [
    [6.991667, "6,99 €"],
    [1.005, "1,01 €"],
    [1.004999, "1,00 €"],
    [-1.005, "-1,01 €"],
    [0.005, "0,01 €"],
    [-0.004999, "0,00 €"],
    [12, "12,00 €"],
  ]) {
    assert.equal(plain(cents(amount)), shown, String(amount));
  }
  assert.equal(cents(Infinity), "∞");
  assert.equal(cents(null), "–");
});

test("the lines of a table add up to the total that is shown", () => {
  // A deterministic choice of what minutes at odd prices come to.
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647);
  for (let round = 0; round < 200; round += 1) {
    const lines = Array.from({ length: 1 + (random() % 9) }, () => (random() % 5_000_000) / 1_000_000 - 2);
    const total = exact(lines.reduce((sum, line) => sum + line, 0));
    const decimals = decimalsOf([...lines, total]);
    const read = (text) => Math.round(Number(plain(text).replace(" €", "").replaceAll(".", "").replace(",", ".")) * 1e6);
    const shown = lines.reduce((sum, line) => sum + read(money(line, decimals)), 0);
    assert.equal(shown, read(money(total, decimals)), `${lines} = ${total}`);
    const lengths = new Set([...lines, total].map((amount) => plain(money(amount, decimals)).split(",")[1].length));
    assert.equal(lengths.size, 1, "all have the same number of decimals");
  }
  assert.equal(decimalsOf([]), 2);
  assert.equal(decimalsOf([1, 2.5, 0.25]), 2);
  assert.equal(decimalsOf([0.045, 0.008333]), 6);
  assert.equal(decimalsOf([0.1 + 0.2]), 2);
});

test("a day of UTC is that day in every time zone", () => {
  assert.equal(utcDay("2026-03-29"), "29 mar 2026");
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

test("a time is shown from now", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  assert.match(relative("2026-01-01T11:50:00Z", now), /10 minutos$/);
  assert.match(relative("2026-01-01T11:59:58Z", now), /2 segundos$/);
});
