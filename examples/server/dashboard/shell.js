import * as api from "./api.js";
import { balance } from "./balance.js";
import { showBanners } from "./banners.js";
import { element, setText } from "./dom.js";
import { explain } from "./errors.js";
import { button } from "./form.js";
import { cents, money } from "./format.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { notifyError } from "./notices.js";
import { startRouter } from "./router.js";
import * as session from "./session.js";
import { t } from "./text.js";
import { languageButton, themeButton } from "./tools.js";

/** Shows the platform to who is signed in. Returns a function that removes it. */
export function showShell(app, config, changeLanguage) {
  const stopped = new AbortController();
  const { signal } = stopped;
  const main = element("main", { id: "main", tabindex: "-1" });
  const views = session.isAdmin()
    ? ["pods", "deploy", "account", "all-pods", "inventory", "users", "templates", "prices", "audit"]
    : ["pods", "deploy", "account"];
  const links = views.map((name) =>
    element("a", { href: `#/${name}` }, icon(name), element("span", {}, t(`nav.${name}`))),
  );
  const panel = element(
    "div",
    { id: "panel", class: "panel" },
    element("nav", { "aria-label": t("nav") }, links),
    account(changeLanguage),
    element("p", { class: "version muted" }, `Neuropod ${config.version}`),
  );
  const side = element("header", { class: "side" }, brand(), balanceLink(signal), menuButton(panel), panel);
  const skip = element("a", { class: "skip", href: "#main" }, t("skip"));
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  app.replaceChildren(skip, side, element("div", { class: "page" }, showBanners(config, signal), main));

  if (session.isAdmin()) live.addEventListener("message", notifyAdministrator, { signal });
  live.start(config.wsPath);
  balance.start();
  const stopRouter = startRouter(main, (name) => {
    panel.classList.remove("open");
    for (const link of links) {
      if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  });
  return () => {
    stopRouter();
    stopped.abort();
  };
}

function brand() {
  return element(
    "a",
    { class: "brand", href: "#/pods" },
    element("img", { src: "/icon.svg", alt: "", width: 24, height: 24 }),
    "Neuropod",
  );
}

function balanceLink(signal) {
  const amount = element("strong", {});
  const hourly = element("span", { class: "hourly" });
  const link = element(
    "a",
    { class: "balance", href: "#/account", hidden: true },
    element("span", {}, t("balance")),
    amount,
    hourly,
  );
  const update = () => {
    link.hidden = balance.current === null;
    setText(amount, cents(balance.available));
    if (balance.current !== null) setText(hourly, hourlyText(balance.current));
  };
  balance.addEventListener("change", update, { signal });
  update();
  return link;
}

// What is charged now, and what would be if all pods ran, where that is more.
function hourlyText({ perHour, perHourIfAllRan }) {
  const now = t("balance.now", { amount: money(perHour) });
  if (perHourIfAllRan <= perHour) return perHour > 0 ? now : "";
  return `${now} · ${t("balance.ifAllRan", { amount: money(perHourIfAllRan) })}`;
}

function menuButton(panel) {
  const menu = element(
    "button",
    {
      type: "button",
      class: "icon-button menu",
      "aria-label": t("menu"),
      "aria-expanded": "false",
      "aria-controls": "panel",
    },
    icon("menu"),
  );
  const set = (open) => {
    panel.classList.toggle("open", open);
    menu.setAttribute("aria-expanded", open);
  };
  menu.addEventListener("click", () => set(!panel.classList.contains("open")));
  panel.addEventListener("click", (event) => event.target.closest("a") && set(false));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel.classList.contains("open")) return;
    set(false);
    menu.focus();
  });
  return menu;
}

function account(changeLanguage) {
  const user = session.user();
  const signOut = button(t("signOut"), { icon: "leave", kind: "quiet", onclick: leave });
  return element(
    "div",
    { class: "who" },
    element("p", { class: "name" }, user.name),
    element("p", { class: "muted" }, user.email),
    element("div", { class: "tools" }, languageButton(changeLanguage), themeButton(), signOut),
  );
}

function notifyAdministrator({ detail }) {
  if (detail.type === "adminNotification") notifyError(`${detail.podName ?? detail.podId}: ${detail.message}`);
}

async function leave() {
  try {
    await api.signOut();
  } catch (error) {
    // The token may still be good: say so rather than pretend.
    if (error.status !== 401) return notifyError(explain(error));
  }
  session.end("left");
}
