import * as api from "../api.js";
import { balance } from "../balance.js";
import { toCsv } from "../csv.js";
import { download, element, heading } from "../dom.js";
import { button, field } from "../form.js";
import { dateTime, money, number } from "../format.js";
import { fill } from "../loading.js";
import { known, t } from "../text.js";

// A pod that runs for a month has 43,000 entries.
const AT_ONCE = 200;

/** Balance and statement of who is signed in, or the statement of `owner` (for administrators). */
export function showAccount(main, owner = null) {
  const stopped = new AbortController();
  const title = owner ? t("account.of", { name: owner.name || owner.email }) : t("nav.account");
  const statement = element("div");
  main.append(
    element("div", { class: "title" }, heading(title)),
    owner ? "" : balanceCards(stopped.signal),
    element("h2", {}, t("statement")),
    range((from, until) => {
      const query = { from: from.toISOString(), until: until.toISOString(), userId: owner?.id };
      fill(statement, () => api.getStatement(query), show);
    }),
    statement,
  );
  return () => stopped.abort();
}

function balanceCards(signal) {
  const cards = element("dl", { class: "figures" });
  const show = () => {
    if (balance.current === null) return;
    const figure = (label, amount) => element("div", {}, element("dt", {}, label), element("dd", {}, money(amount)));
    const held = balance.current.held > 0 ? figure(t("balance.held"), balance.current.held) : "";
    cards.replaceChildren(figure(t("balance"), balance.available), held);
  };
  balance.addEventListener("change", show, { signal });
  balance.refresh();
  show();
  return cards;
}

// The range in whole days of the reader's own time zone, at first the month so far.
function range(chosen) {
  const today = new Date();
  const from = element("input", {
    type: "date",
    value: day(new Date(today.getFullYear(), today.getMonth(), 1)),
    required: true,
  });
  const until = element("input", { type: "date", value: day(today), required: true });
  const form = element(
    "form",
    { class: "range" },
    field("from", t("statement.from"), from),
    field("until", t("statement.until"), until),
    button(t("statement.show"), { type: "submit" }),
  );
  const choose = () => {
    const end = midnight(until.value);
    end.setDate(end.getDate() + 1);
    chosen(midnight(from.value), end);
  };
  const check = () => until.setCustomValidity(until.value < from.value ? t("statement.order") : "");
  form.addEventListener("input", check);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    choose();
  });
  queueMicrotask(choose);
  return form;
}

function day(time) {
  const two = (value) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

function midnight(text) {
  const [year, month, date] = text.split("-").map(Number);
  return new Date(year, month - 1, date);
}

function show(statement) {
  const entries = statement.entries.toSorted((one, other) => other.number - one.number);
  const save = () => download("neuropod.csv", csv(entries), "text/csv");
  if (entries.length === 0) return element("p", { class: "muted" }, t("statement.none"));
  return [
    element(
      "div",
      { class: "columns" },
      sums(
        t("statement.byPod"),
        statement.pods.map((pod) => [pod.podName ?? pod.podId, pod.amount]),
      ),
      sums(
        t("statement.byKind"),
        statement.kinds.map(({ kind, amount }) => [known(`kind.${kind}`, kind), amount]),
        statement.total,
      ),
    ),
    element(
      "div",
      { class: "title" },
      element("h3", {}, t("statement.entries")),
      button(t("statement.csv"), { icon: "download", onclick: save }),
    ),
    entryTable(entries),
    statement.omitted > 0
      ? element("p", { class: "muted" }, t("statement.omitted", { count: statement.omitted, shown: number(statement.omitted) }))
      : null,
  ].filter(Boolean);
}

function sums(title, rows, total) {
  const row = ([name, amount]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", { class: "number" }, money(amount)));
  const foot = total === undefined ? null : element("tfoot", {}, row([t("statement.total"), total]));
  const body = rows.length > 0 ? rows.map(row) : element("tr", {}, element("td", { class: "muted" }, "–"));
  return element(
    "div",
    { class: "frame" },
    element("table", {}, element("caption", {}, title), element("tbody", {}, body), foot),
  );
}

function entryTable(entries) {
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
    { class: "cards", role: "table", "aria-label": t("statement.entries") },
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
    pod: entry.podName ?? entry.podId ?? "–",
    text: entry.note ?? entry.text ?? "",
    amount: money(entry.amount),
    held: money(entry.held),
  };
  const cell = ([name, text]) =>
    element("td", { role: "cell", "data-label": t(`entry.${name}`), class: cellClass(name) }, text);
  return element("tr", { role: "row" }, Object.entries(texts).map(cell));
}

// Names and numbers as the server has them: the file is for other programs.
function csv(entries) {
  const head = ["number", "at", "kind", "podId", "podName", "amountEur", "heldEur", "note", "text"];
  const rows = entries.map((entry) => [
    entry.number,
    entry.at,
    entry.kind,
    entry.podId,
    entry.podName,
    entry.amount,
    entry.held,
    entry.note,
    entry.text,
  ]);
  return toCsv([head, ...rows]);
}
