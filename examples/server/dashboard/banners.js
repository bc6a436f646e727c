import { balance } from "./balance.js";
import { element, setText } from "./dom.js";
import { button } from "./form.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { levelOf } from "./money.js";
import { t } from "./text.js";

// A connection that comes back at once is nobody's business.
const PATIENCE = 2_000;

/**
 * What concerns the whole page: that the cluster is simulated, that the page is offline, that the account is suspended,
 * and that money runs out.
 */
export function showBanners(config, signal) {
  return element(
    "aside",
    { "aria-label": t("banners") },
    config.simulated ? simulated() : null,
    offline(signal),
    suspended(signal),
    lowBalance(signal),
  );
}

/** The notice that nothing real runs here. It can't be closed, because people who come later need it too. */
export function simulated() {
  return element("p", { class: "banner info" }, t("simulated"));
}

function offline(signal) {
  const said = element("p", { role: "status" });
  // Apart from the region that is read out: nobody wants to hear every second.
  const countdown = element("span", { class: "muted" });
  const again = button(t("live.now"), { onclick: () => live.retryNow() });
  const banner = element("div", { class: "banner warn", hidden: true }, icon("warning"), said, countdown, again);
  let lostAt = null;
  const update = () => {
    if (live.state === "online") lostAt = null;
    else lostAt ??= Date.now();
    const show = lostAt !== null && Date.now() - lostAt > PATIENCE;
    banner.hidden = !show;
    // What is hidden with its banner must be set after it is shown, to be read out.
    setText(said, show ? t("live.offline") : "");
    const seconds = Math.max(0, Math.ceil(((live.retryAt ?? 0) - Date.now()) / 1000));
    setText(countdown, live.retryAt ? t("live.retry", { count: seconds }) : t("live.connecting"));
    again.hidden = live.retryAt === null;
  };
  live.addEventListener("state", update, { signal });
  const timer = setInterval(update, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  return banner;
}

// That the account is suspended: said as long as it is.
function suspended(signal) {
  const said = element("p", {});
  const banner = element("div", { class: "banner bad", role: "alert" }, icon("warning"), said);
  const update = () => {
    banner.hidden = balance.current?.suspended !== true;
    setText(said, banner.hidden ? "" : t("account.suspended"));
  };
  balance.addEventListener("change", update, { signal });
  update();
  return banner;
}

// The warning of a low balance. It is shown again at each threshold, until it is closed or no longer applies; in between
// the minutes count down without being read out.
function lowBalance(signal) {
  const region = element("div", { role: "alert" });
  const said = element("p", { "aria-live": "off" });
  let shown = null;
  let closed = null;
  const close = button(t("dismiss"), {
    onclick: () => {
      closed = shown;
      update();
    },
  });
  const account = element("a", { href: "#/account" }, t("nav.account"));
  const banner = element("div", { class: "banner bad" }, icon("warning"), said, account, close);
  const update = () => {
    const low = balance.current?.low ?? null;
    const level = low && levelOf(low);
    if (level === null) closed = null;
    const show = level !== null && level !== closed;
    if (show) setText(said, low.message);
    if (show && level !== shown) region.replaceChildren(banner);
    if (!show) region.replaceChildren();
    shown = level;
  };
  balance.addEventListener("change", update, { signal });
  update();
  return region;
}
