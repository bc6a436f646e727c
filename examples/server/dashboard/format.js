import { language } from "./text.js";

// Making a formatter costs much more than using one.
const cache = new Map();

function formatter(kind, options) {
  const key = `${kind.name} ${language()} ${JSON.stringify(options)}`;
  if (!cache.has(key)) cache.set(key, new kind(language(), options));
  return cache.get(key);
}

/** An amount of EUR; small ones with as many decimals as they need. */
export function money(amount) {
  if (amount === null || amount === undefined) return "–";
  if (!Number.isFinite(amount)) return "∞";
  const size = Math.abs(amount);
  return formatter(Intl.NumberFormat, {
    style: "currency",
    currency: "EUR",
    minimumFractionDigits: 2,
    maximumFractionDigits: size === 0 || size >= 0.1 ? 2 : size >= 0.001 ? 4 : 6,
  }).format(amount);
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
