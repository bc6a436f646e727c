import * as api from "../api.js";
import { element } from "../dom.js";
import { button } from "../form.js";
import { dateTime, duration, money, number, utcDay } from "../format.js";
import { fill } from "../loading.js";
import { known, t } from "../text.js";

// A pod that runs for a day has 2,880 entries.
const AT_ONCE = 200;
// As many as the server sends at a time.
const OF_A_DAY = "1000";

/** The sums of a statement by pod and by kind. */
export function showSums({ pods, kinds, total }, decimals) {
  return element(
    "div",
    { class: "columns" },
    sums(
      t("statement.byPod"),
      pods.map((pod) => [podName(pod), pod.amount]),
      decimals,
    ),
    sums(
      t("statement.byKind"),
      kinds.map(({ kind, amount }) => [known(`kind.${kind}`, kind), amount]),
      decimals,
      total,
    ),
  );
}

/** The days of a statement, the newest first, each with its lines, and with its entries for who wants to see them. */
export function showDays(days, decimals, userId) {
  return element(
    "div",
    { class: "days" },
    days.toReversed().map((day) => showDay(day, decimals, userId)),
  );
}

function sums(title, rows, decimals, total) {
  const row = ([name, amount]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", { class: "number" }, money(amount, decimals)));
  const foot = total === undefined ? null : element("tfoot", {}, row([t("statement.total"), total]));
  const body = rows.length > 0 ? rows.map(row) : element("tr", {}, element("td", { class: "muted" }, "–"));
  return element(
    "div",
    { class: "frame" },
    element("table", {}, element("caption", {}, title), element("tbody", {}, body), foot),
  );
}

function showDay(day, decimals, userId) {
  const name = utcDay(day.date);
  const row = (title, text, amount) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, title, text ? element("span", { class: "sub" }, text) : null),
      element("td", { class: "number" }, money(amount, decimals)),
    );
  const body = day.lines.map((line) => row(lineTitle(line), lineText(line), line.amount));
  const foot = element("tfoot", {}, row(t("statement.dayTotal"), null, day.total));
  const table = element("table", {}, element("caption", {}, name), element("tbody", {}, body), foot);
  return element("section", { class: "frame day", "aria-label": name }, table, entriesOf(day, name, userId));
}

function lineTitle(line) {
  const kind = known(`kind.${line.kind}`, line.kind);
  return line.podId ? `${podName(line)} · ${kind}` : kind;
}

// How it came about: each price with the time that was used at it, and what was not charged.
function lineText({ usage, writtenOff, note }) {
  const parts = usage.map(({ perHour, seconds }) =>
    t("statement.used", { time: duration(seconds), price: money(perHour) }),
  );
  if (writtenOff > 0) parts.push(t("statement.writtenOff", { amount: money(writtenOff) }));
  if (note) parts.push(note);
  return parts.join(" · ");
}

function podName({ podName, podId }) {
  return podName ?? podId ?? "–";
}

function entriesOf(day, name, userId) {
  const content = element("div");
  const details = element("details", {}, element("summary", {}, t("statement.entries", { day: name })), content);
  const load = () => api.getStatement({ from: day.date, until: day.date, userId, entries: OF_A_DAY });
  details.addEventListener("toggle", () => {
    if (details.open && !content.hasChildNodes()) fill(content, load, (found) => entries(found, name));
  });
  return details;
}

function entries({ entries, omitted }, name) {
  const newest = entries.toReversed();
  const left = { count: omitted, shown: number(omitted) };
  return [
    entryTable(newest, name),
    omitted > 0 ? element("p", { class: "muted" }, t("statement.omitted", left)) : "",
  ];
}

function entryTable(entries, name) {
  const columns = ["at", "kind", "pod", "text", "amount", "held"];
  const head = columns.map((name) =>
    element("th", { scope: "col", role: "columnheader", class: cellClass(name) }, t(`entry.${name}`)),
  );
  const body = element("tbody", { role: "rowgroup" });
  const more = button(t("statement.more"), { onclick: () => add() });
  const add = () => {
    const from = body.childElementCount;
    body.append(...entries.slice(from, from + AT_ONCE).map((entry) => entryRow(entry)));
    more.hidden = body.childElementCount === entries.length;
  };
  add();
  const table = element(
    "table",
    { class: "cards", role: "table", "aria-label": t("statement.entries", { day: name }) },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
    body,
  );
  return element("div", {}, element("div", { class: "frame" }, table), more);
}

function cellClass(name) {
  if (name === "at") return "time";
  if (name === "text") return "sentence";
  return name === "amount" || name === "held" ? "number" : null;
}

function entryRow(entry) {
  const texts = {
    at: dateTime(entry.at),
    kind: known(`kind.${entry.kind}`, entry.kind),
    pod: podName(entry),
    text: entry.note ?? entry.text ?? "",
    amount: money(entry.amount),
    held: money(entry.held),
  };
  const cell = ([name, text]) =>
    element("td", { role: "cell", "data-label": t(`entry.${name}`), class: cellClass(name) }, text);
  return element("tr", { role: "row" }, Object.entries(texts).map(cell));
}
