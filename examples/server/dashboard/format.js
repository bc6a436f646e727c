import { language } from "./text.js";

// Making a formatter costs much more than using one.
const cache = new Map();

function formatter(kind, options) {
  const key = `${kind.name} ${language()} ${JSON.stringify(options)}`;
  if (!cache.has(key)) cache.set(key, new kind(language(), options));
  return cache.get(key);
}

/** What compares names as people sort them: whatever their case and accents, and 2 before 10. */
export function collator() {
  return formatter(Intl.Collator, { numeric: true, sensitivity: "base" });
}

// How amounts are shown, everywhere. The server counts in whole millionths and sends them exactly.
//
// - What stands in a sum, and every price, is shown exactly: nothing is rounded. It has two decimals, or as many as it
//   needs, six at most; all amounts of a table have as many as the one that needs most. So lines add up to their total.
// - A figure that stands alone (the balance in the head, what a pod has cost so far) is rounded to the cent, halves
//   away from zero. So are the balances of the account, which change by the second: their total is that of the rounded ones.
const MICROS = 1_000_000;
const MICROS_PER_CENT = 10_000;
const MOST_DECIMALS = 6;

let code = "EUR";

/** The currency of all amounts, as an ISO 4217 code. */
export function currency() {
  return code;
}

/** Shows all amounts in this currency from now on. */
export function setCurrency(chosen) {
  code = chosen;
}

/** An amount exactly, with at least `decimals` decimals. */
export function money(amount, decimals = 2) {
  if (amount === null || amount === undefined) return "–";
  if (!Number.isFinite(amount)) return "∞";
  return formatter(Intl.NumberFormat, {
    style: "currency",
    currency: code,
    minimumFractionDigits: decimals,
    maximumFractionDigits: MOST_DECIMALS,
  }).format(exact(amount));
}

/** An amount that stands alone, rounded to the cent, halves away from zero. */
export function cents(amount) {
  if (amount === null || amount === undefined || !Number.isFinite(amount)) return money(amount);
  return money(wholeCents(amount));
}

/** An amount rounded to the cent, halves away from zero, as a number. */
export function wholeCents(amount) {
  if (!Number.isFinite(amount)) return amount;
  const micros = Math.abs(Math.round(amount * MICROS));
  const rounded = Math.floor((micros + MICROS_PER_CENT / 2) / MICROS_PER_CENT) / 100;
  return amount < 0 && rounded > 0 ? -rounded : rounded;
}

/** How many decimals these amounts need, so that all of them can be shown exactly in one table. */
export function decimalsOf(amounts) {
  const needed = (amount) => {
    let micros = Number.isFinite(amount) ? Math.abs(Math.round(amount * MICROS)) : 0;
    let decimals = MOST_DECIMALS;
    for (; decimals > 2 && micros % 10 === 0; decimals -= 1) micros /= 10;
    return decimals;
  };
  return Math.max(2, ...amounts.map(needed));
}

/** A sum or product of amounts without what floating point adds to it: whole millionths. */
export function exact(amount) {
  const rounded = Math.round(amount * MICROS) / MICROS;
  // Not minus zero.
  return Number.isFinite(amount) ? rounded + 0 : amount;
}

/** A number, with at most this many decimals. */
export function number(value, decimals = 0) {
  return formatter(Intl.NumberFormat, { maximumFractionDigits: decimals }).format(value);
}

/** A percentage from 0 to 100; a dash when it is not known. */
export function percent(value) {
  if (value === null || value === undefined) return "–";
  return formatter(Intl.NumberFormat, { style: "percent", maximumFractionDigits: 0 }).format(value / 100);
}

/** A date and time. */
export function dateTime(time) {
  if (!time) return "–";
  return formatter(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/** A day of UTC, as in `2026-01-31`, which is the same day everywhere. */
export function utcDay(day) {
  return formatter(Intl.DateTimeFormat, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
}

/** A date. */
export function date(time) {
  if (!time) return "–";
  return formatter(Intl.DateTimeFormat, { dateStyle: "medium" }).format(new Date(time));
}

/** How long something takes or took, by its two biggest units. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || seconds < 0) return "–";
  const whole = Math.floor(seconds);
  const all = [
    ["day", Math.floor(whole / 86_400)],
    ["hour", Math.floor(whole / 3600) % 24],
    ["minute", Math.floor(whole / 60) % 60],
    ["second", whole % 60],
  ];
  const first = Math.max(
    0,
    all.findIndex(([, count]) => count > 0),
  );
  const parts = first === 0 && whole < 1 ? all.slice(-1) : all.slice(first, first + 2);
  return parts
    .filter(([, count], index) => count > 0 || index === 0)
    .map(([unit, count]) => formatter(Intl.NumberFormat, { style: "unit", unit, unitDisplay: "short" }).format(count))
    .join(" ");
}

/** How long ago, or in how long, in words. */
export function relative(time, now = Date.now()) {
  const seconds = Math.round((new Date(time) - now) / 1000);
  const [unit, size] = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ].find(([, size]) => Math.abs(seconds) >= size || size === 1);
  return formatter(Intl.RelativeTimeFormat, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}
