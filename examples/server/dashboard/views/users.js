import * as api from "../api.js";
import { openForm } from "../dialog.js";
import { debounced, element, heading } from "../dom.js";
import { field, iconButton } from "../form.js";
import { cents, currency, date } from "../format.js";
import { icon } from "../icons.js";
import { fill } from "../loading.js";
import { balanceNumber, readAmount } from "../money.js";
import { notify } from "../notices.js";
import { randomKey } from "../random.js";
import { known, t } from "../text.js";
import { showAccount } from "./account.js";
import { showPods } from "./pods.js";

const COLUMNS = ["name", "role", "status", "balance", "pods", "since", "actions"];

/** All users, for administrators. */
export function showUsers(main) {
  const search = element("input", { type: "search", placeholder: t("users.search"), "aria-label": t("users.search") });
  const content = element("div");
  const load = () =>
    fill(
      content,
      () => api.listUsers(search.value.trim()),
      (users) => table(users, load),
    );
  search.addEventListener("input", debounced(load, 250));
  main.append(
    element(
      "div",
      { class: "title" },
      heading(t("nav.users")),
      element("div", { class: "search", role: "search" }, icon("search"), search),
    ),
    content,
  );
  load();
}

/** The pods of one user. */
export function showUserPods(main, id) {
  return ofUser(main, id, showPods);
}

/** The statement of one user. */
export function showUserAccount(main, id) {
  return ofUser(main, id, showAccount);
}

// Pods are asked for by e-mail address and heard of by id: who it is must be known first.
function ofUser(main, id, view) {
  let stop = () => {};
  let stopped = false;
  const placeholder = heading(t("nav.users"));
  const content = element("div");
  main.append(placeholder, content);
  const find = async () => (await api.listUsers()).find((user) => user.id === id);
  fill(content, find, (user) => {
    if (stopped) return [];
    if (!user) return element("p", {}, t("users.unknown"));
    placeholder.remove();
    queueMicrotask(() => {
      if (stopped) return;
      stop = view(main, user);
      main.querySelector("h1").focus();
    });
    return element("p", {}, element("a", { href: "#/users" }, t("users.back")));
  });
  return () => {
    stopped = true;
    stop();
  };
}

function table(users, load) {
  if (users.length === 0) return element("p", { class: "muted" }, t("users.none"));
  const head = COLUMNS.map((name) => element("th", { scope: "col", role: "columnheader" }, t(`user.${name}`)));
  const list = element(
    "table",
    { class: "cards", role: "table", "aria-label": t("nav.users") },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
    element(
      "tbody",
      { role: "rowgroup" },
      users.map((user) => row(user, load)),
    ),
  );
  return [
    element("p", { class: "facts" }, t("users.count", { count: users.length })),
    element("div", { class: "frame" }, list),
  ];
}

function row(user, load) {
  const cell = (name, ...content) => element("td", { role: "cell", "data-label": t(`user.${name}`) }, content);
  const status = user.suspended ? "suspended" : user.status;
  return element(
    "tr",
    { role: "row" },
    element(
      "th",
      { scope: "row", role: "rowheader" },
      element("strong", {}, user.name),
      element("span", { class: "sub", title: user.issuer ? t("users.issuer", { issuer: user.issuer }) : null }, user.email),
      user.issuer && !user.emailVerified && element("span", { class: "sub" }, t("users.unverified")),
    ),
    cell("role", known(`role.${user.role}`, user.role)),
    cell("status", element("span", { class: `badge ${status}` }, known(`userStatus.${status}`, status))),
    cell("balance", cents(balanceNumber(user.balance))),
    cell("pods", t("users.pods", { active: user.activePods, total: user.totalPods })),
    cell("since", date(user.registeredAt)),
    element("td", { role: "cell", class: "row-actions" }, actions(user, load)),
  );
}

function actions(user, load) {
  const link = (name, part, key) =>
    element(
      "a",
      {
        class: "icon-button",
        href: `#/users/${encodeURIComponent(user.id)}/${part}`,
        title: t(key),
        "aria-label": `${t(key)}: ${user.name}`,
      },
      icon(name),
    );
  const act = (name, key, action, attributes) => {
    const made = iconButton(name, t(key), action, attributes);
    made.ariaLabel = `${t(key)}: ${user.name}`;
    return made;
  };
  const isClient = user.role === "client";
  return element(
    "div",
    { class: "button-row" },
    link("pods", "pods", "users.showPods"),
    link("account", "account", "users.showAccount"),
    isClient ? act("credit", "users.addCredit", () => askForCredit(user, load)) : null,
    isClient ? act("edit", "users.setBalance", () => askForBalance(user, load)) : null,
    isClient ? act("limit", "users.setCap", () => askForCap(user, load)) : null,
    // Administrators are not managed by each other; one who was suspended before is let in again.
    isClient || user.suspended ? suspendButton(act, user, load) : null,
    isClient ? act("delete", "users.delete", () => askToDelete(user, load), { class: "icon-button danger" }) : null,
  );
}

function suspendButton(act, user, load) {
  if (user.suspended) return act("start", "users.resume", () => suspend(user, false, load));
  return act("suspend", "users.suspend", () =>
    openForm({
      title: t("suspend.title", { name: user.name }),
      content: element("p", {}, t("suspend.text")),
      label: t("users.suspend"),
      danger: true,
      action: () => suspend(user, true, load),
    }),
  );
}

async function suspend(user, suspended, load) {
  await api.suspendUser(user.id, suspended);
  notify(t(suspended ? "done.suspend" : "done.resume", { name: user.name }));
  load();
}

function askForBalance(user, load) {
  const input = element("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    value: balanceNumber(user.balance).toFixed(2),
  });
  openForm({
    title: t("balance.title", { name: user.name }),
    content: field("balance", t("balance.new", { currency: currency() }), input, t("balance.hint")),
    label: t("save"),
    action: async (data) => {
      const amount = readAmount(data.get("balance"));
      if (amount === null) throw api.wrongField("balance", t("balance.wrong"));
      await api.setBalance(user.id, amount);
      notify(t("done.balance", { name: user.name }));
      load();
    },
  });
}

function askForCredit(user, load) {
  // One dialog is one credit, however often its button is pressed.
  const key = randomKey();
  const amount = element("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
  const note = element("input", { type: "text", autocomplete: "off", maxlength: 200 });
  openForm({
    title: t("credit.title", { name: user.name }),
    content: [
      field("amount", t("credit.amount", { currency: currency() }), amount, t("credit.amountHint")),
      field("note", t("credit.note"), note, t("credit.noteHint")),
    ],
    label: t("credit.add"),
    action: async (data) => {
      const sum = readAmount(data.get("amount"));
      if (sum === null || sum <= 0) throw api.wrongField("amount", t("credit.wrong"));
      await api.addCredit(user.id, sum, data.get("note"), key);
      notify(t("done.credit", { name: user.name, amount: cents(sum) }));
      load();
    },
  });
}

function askForCap(user, load) {
  const value = user.dailyCap?.toFixed(2);
  const input = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", value });
  openForm({
    title: t("cap.title", { name: user.name }),
    content: field("dailyCap", t("cap.new", { currency: currency() }), input, t("cap.hint")),
    label: t("save"),
    action: async (data) => {
      const text = data.get("dailyCap").trim();
      const amount = readAmount(text);
      if (text && amount === null) throw api.wrongField("dailyCap", t("balance.wrong"));
      await api.setDailyCap(user.id, amount);
      notify(t("done.cap", { name: user.name }));
      load();
    },
  });
}

function askToDelete(user, load) {
  openForm({
    title: t("deleteUser.title", { name: user.name }),
    content: [
      element("p", {}, t("deleteUser.text", { count: user.totalPods })),
      element("p", {}, element("strong", {}, user.email)),
    ],
    label: t("users.delete"),
    danger: true,
    action: async () => {
      await api.deleteUser(user.id);
      notify(t("done.deleteUser", { name: user.name }));
      load();
    },
  });
}
