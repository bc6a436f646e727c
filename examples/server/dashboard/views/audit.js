import * as api from "../api.js";
import { element, heading } from "../dom.js";
import { explain } from "../errors.js";
import { button, field } from "../form.js";
import { dateTime } from "../format.js";
import { fill } from "../loading.js";
import { notifyError } from "../notices.js";
import { known, t } from "../text.js";
import { ACTIONS } from "./audit-actions.js";

const COLUMNS = ["at", "who", "what", "whom", "outcome"];

/** Who did what, for administrators: the newest first. */
export function showAudit(main) {
  const content = element("div");
  const form = filters((query) =>
    fill(
      content,
      () => api.getAudit(query),
      (page) => table(page, query),
    ),
  );
  main.append(
    element("div", { class: "title" }, heading(t("nav.audit"))),
    element("p", { class: "muted" }, t("audit.intro")),
    form,
    content,
  );
  form.requestSubmit();
}

function filters(show) {
  const text = () => element("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const day = () => element("input", { type: "date" });
  const what = element(
    "select",
    {},
    element("option", { value: "" }, t("audit.all")),
    ACTIONS.map((action) => element("option", { value: action }, t(`did.${action}`))),
  );
  const form = element(
    "form",
    { class: "range" },
    field("who", t("audit.who"), text()),
    field("what", t("audit.what"), what),
    field("whom", t("audit.whom"), text()),
    field("from", t("statement.from"), day()),
    field("until", t("statement.until"), day()),
    button(t("statement.show"), { type: "submit" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const [from, until] = [data.get("from"), data.get("until")];
    show({
      who: data.get("who").trim(),
      what: data.get("what"),
      whom: data.get("whom").trim(),
      // Days of the reader's own time zone.
      from: from ? new Date(`${from}T00:00`).toISOString() : "",
      until: until ? after(until).toISOString() : "",
    });
  });
  return form;
}

function after(day) {
  const next = new Date(`${day}T00:00`);
  next.setDate(next.getDate() + 1);
  return next;
}

function table(first, query) {
  if (first.entries.length === 0) return element("p", { class: "muted" }, t("audit.none"));
  const head = COLUMNS.map((name) => element("th", { scope: "col", role: "columnheader" }, t(`audit.${name}`)));
  const body = element("tbody", { role: "rowgroup" });
  let { next } = first;
  const more = button(t("statement.more"), {
    onclick: async () => {
      more.ariaDisabled = "true";
      try {
        const page = await api.getAudit({ ...query, after: next });
        add(page);
      } catch (error) {
        notifyError(explain(error));
      } finally {
        more.ariaDisabled = "false";
      }
    },
  });
  const add = (page) => {
    body.append(...page.entries.map(row));
    next = page.next;
    more.hidden = !next;
  };
  add(first);
  const list = element(
    "table",
    { class: "cards", role: "table", "aria-label": t("nav.audit") },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
    body,
  );
  return [element("div", { class: "frame" }, list), more];
}

function row(entry) {
  const cell = (name, ...content) =>
    element("td", { role: "cell", "data-label": t(`audit.${name}`), class: name === "at" ? "time" : null }, content);
  const sub = (text) => (text ? element("span", { class: "sub" }, text) : null);
  return element(
    "tr",
    { role: "row" },
    cell("at", dateTime(entry.at)),
    cell("who", entry.who.email ?? entry.who.id, sub(entry.address)),
    cell("what", known(`did.${entry.what}`, entry.what), sub(change(entry))),
    cell("whom", ...target(entry.whom, sub)),
    cell(
      "outcome",
      element("span", { class: `badge ${entry.outcome}` }, known(`outcome.${entry.outcome}`, entry.outcome)),
      sub(entry.code),
    ),
  );
}

function change({ before, after: now }) {
  if (before === null && now === null) return "";
  if (before === null) return now;
  return `${before} → ${now ?? "–"}`;
}

function target({ kind, id, name, owner }, sub) {
  if (kind === "pod") return [name, sub(owner.email ?? owner.id)];
  if (kind === "platform") return ["–"];
  if (kind === "prices") return [t("nav.prices")];
  return [name ?? id ?? "–"];
}
