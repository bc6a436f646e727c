import { balance } from "./balance.js";
import { element, setText } from "./dom.js";
import { button } from "./form.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { isStopped } from "./steps.js";
import { t } from "./text.js";

// A connection that comes back at once is nobody's business.
const PATIENCE = 2_000;

/** What concerns the whole page: that it is offline, and that money runs out. */
export function showBanners(signal) {
  return element("aside", { "aria-label": t("banners") }, offline(signal), lowBalance(signal));
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

function lowBalance(signal) {
  const region = element("div", { role: "alert" });
  const banners = new Map();
  const remove = (podId) => {
    banners.get(podId)?.remove();
    banners.delete(podId);
  };
  const show = ({ podId, message }) => {
    remove(podId);
    const close = button(t("dismiss"), { onclick: () => remove(podId) });
    const banner = element(
      "div",
      { class: "banner bad" },
      icon("warning"),
      element("p", {}, message),
      element("a", { href: "#/account" }, t("nav.account")),
      close,
    );
    banners.set(podId, banner);
    region.append(banner);
  };
  live.addEventListener(
    "message",
    ({ detail }) => {
      if (detail.type === "lowBalanceAlert") show(detail);
      else if (detail.type === "podDeleted" || (detail.type === "podUpdate" && hasStopped(detail)))
        remove(detail.podId);
    },
    { signal },
  );
  // Somebody paid in.
  let before = balance.available;
  balance.addEventListener(
    "change",
    () => {
      if (before !== null && balance.available > before) [...banners.keys()].forEach(remove);
      before = balance.available;
    },
    { signal },
  );
  return region;
}

// What threatens the volume of a stopped pod is said of a stopped pod.
function hasStopped({ pod }) {
  return pod && isStopped(pod) && !pod.volumeDeletedAt;
}
