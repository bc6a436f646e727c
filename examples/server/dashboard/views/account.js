import * as api from "../api.js";
import { balance } from "../balance.js";
import { isWhole } from "../csv.js";
import { download, element, heading } from "../dom.js";
import { explain } from "../errors.js";
import { button, field } from "../form.js";
import { cents, decimalsOf, money, wholeCents } from "../format.js";
import { fill } from "../loading.js";
import { notifyError } from "../notices.js";
import { t } from "../text.js";
import { showDays, showSums } from "./statement.js";

/** Balance and statement of who is signed in, or the statement of `owner` (for administrators). */
export function showAccount(main, owner = null) {
  const stopped = new AbortController();
  const title = owner ? t("account.of", { name: owner.name || owner.email }) : t("nav.account");
  const statement = element("div", { class: "statement" });
  let range = {};
  const save = button(t("statement.csv"), { icon: "download", onclick: () => saveCsv(save, range, stopped.signal) });
  main.append(
    element("div", { class: "title" }, heading(title)),
    owner ? "" : balanceCards(stopped.signal),
    element("div", { class: "title" }, element("h2", {}, t("statement")), save),
    rangeForm((from, until) => {
      range = { from, until, userId: owner?.id };
      // Single entries are loaded where somebody wants to see them.
      fill(
        statement,
        () => api.getStatement({ ...range, entries: "0" }),
        (found) => show(found, owner?.id),
      );
    }),
    element("p", { class: "muted" }, t("statement.exact")),
    statement,
  );
  return () => stopped.abort();
}

// The balances are rounded to the cent, as they change by the second, and their total is that of what is shown.
function balanceCards(signal) {
  const cards = element("dl", { class: "figures" });
  const show = () => {
    const standing = balance.current;
    if (standing === null) return;
    const [available, held] = [balance.available, standing.held].map(wholeCents);
    const hourly = decimalsOf([standing.perHour, standing.perHourIfAllRan]);
    const figure = (label, text) => element("div", {}, element("dt", {}, label), element("dd", {}, text));
    const cap = standing.dailyCap;
    cards.replaceChildren(
      figure(t("balance.available"), money(available)),
      figure(t("balance.held"), money(held)),
      figure(t("balance.total"), money(available + held)),
      figure(t("balance.accrued"), cents(standing.accrued)),
      figure(t("balance.hourly"), money(standing.perHour, hourly)),
      figure(t("balance.hourlyIfAllRan"), money(standing.perHourIfAllRan, hourly)),
      figure(
        cap === null ? t("balance.spentToday") : t("balance.spentTodayOf", { cap: money(cap) }),
        cents(standing.spentToday),
      ),
    );
  };
  balance.addEventListener("change", show, { signal });
  balance.refresh();
  show();
  return cards;
}

// The range in whole days of UTC, at first the month so far.
function rangeForm(chosen) {
  const today = new Date().toISOString().slice(0, 10);
  const from = element("input", { type: "date", value: `${today.slice(0, 8)}01`, required: true });
  const until = element("input", { type: "date", value: today, required: true });
  const form = element(
    "form",
    { class: "range" },
    field("from", t("statement.from"), from),
    field("until", t("statement.until"), until),
    button(t("statement.show"), { type: "submit" }),
  );
  const check = () => until.setCustomValidity(until.value < from.value ? t("statement.order") : "");
  form.addEventListener("input", check);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    chosen(from.value, until.value);
  });
  queueMicrotask(() => chosen(from.value, until.value));
  return form;
}

function show(statement, userId) {
  if (statement.days.length === 0) return element("p", { class: "muted" }, t("statement.none"));
  const { days, pods, kinds, total } = statement;
  const amounts = [total, ...[days, pods, kinds].flatMap((sums) => sums.map((sum) => sum.total ?? sum.amount))];
  const lines = days.flatMap((day) => day.lines.map((line) => line.amount));
  const decimals = decimalsOf([...amounts, ...lines]);
  return [showSums(statement, decimals), element("h3", {}, t("statement.byDay")), showDays(days, decimals, userId)];
}

async function saveCsv(save, range, signal) {
  if (save.ariaDisabled === "true") return;
  save.ariaDisabled = "true";
  try {
    const file = await api.getStatementCsv(range, signal);
    // A file that is not whole looks like one that is.
    if (!isWhole(await file.slice(-1000).text())) throw new api.ApiError(t("statement.broken"));
    download(`neuropod-${range.from}-${range.until}.csv`, file, "text/csv");
  } catch (error) {
    if (error.name !== "AbortError") notifyError(explain(error));
  } finally {
    save.ariaDisabled = "false";
  }
}

