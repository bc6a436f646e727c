import { element } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./text.js";

const STAYS = 6_000;
// Most notices of a kind at once.
const MOST = 3;

// In the page from the start: a region that comes together with its text is not read out.
const polite = element("div", { class: "notices", role: "status" });
const urgent = element("div", { class: "notices", role: "alert" });
document.body.append(element("div", { class: "notices-corner" }, polite, urgent));

/** Says that something worked; goes away by itself. */
export function notify(text) {
  const notice = show(polite, "ok", text);
  setTimeout(() => notice.remove(), STAYS);
}

/** Says that something failed; stays until it is dismissed. */
export function notifyError(text) {
  // The same failure twice is one notice.
  for (const old of urgent.children) if (old.dataset.text === text) old.remove();
  show(urgent, "bad", text);
}

/** Takes all notices away. */
export function clearNotices() {
  polite.replaceChildren();
  urgent.replaceChildren();
}

function show(region, kind, text) {
  const dismiss = element("button", { type: "button", class: "quiet", "aria-label": t("close") }, icon("close"));
  const notice = element(
    "div",
    { class: `notice ${kind}` },
    icon(kind === "ok" ? "check" : "warning"),
    element("p", {}, text),
    dismiss,
  );
  notice.dataset.text = text;
  dismiss.addEventListener("click", () => notice.remove());
  region.append(notice);
  if (region.childElementCount > MOST) region.firstElementChild.remove();
  return notice;
}
