import { es } from "./text/es.js";
import { en } from "./text/en.js";

const TEXTS = { es, en };
const KEY = "neuropod.language";

let current = initial();

function initial() {
  const saved = globalThis.localStorage?.getItem(KEY);
  if (saved in TEXTS) return saved;
  const wanted = (globalThis.navigator?.languages ?? []).map((tag) => tag.slice(0, 2));
  return wanted.find((tag) => tag in TEXTS) ?? "es";
}

/** The language of the page: `es` or `en`. */
export function language() {
  return current;
}

/** Chooses the language of the page and keeps the choice. */
export function setLanguage(chosen) {
  current = chosen;
  localStorage.setItem(KEY, chosen);
}

/** The text for a key, with its `{places}` filled; the key's plural form goes by `count`. */
export function t(key, values = {}) {
  const entry = TEXTS[current][key];
  if (entry === undefined) throw new Error(`no text for ${key}`);
  const text =
    typeof entry === "string" ? entry : (entry[new Intl.PluralRules(current).select(values.count)] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** The text for a key that comes from the server; `fallback` when this page does not know it. */
export function known(key, fallback) {
  return key in TEXTS[current] ? t(key) : fallback;
}
