import { element, setAttribute, setHidden, setText } from "../dom.js";
import { button } from "../form.js";
import { dateTime, relative } from "../format.js";
import { leadsTo } from "../remedies.js";
import { isUnderWay, progress, STEPS } from "../steps.js";
import { t } from "../text.js";

/**
 * How far a pod is on its way, and what keeps it. `actions` has what a button for a remedy does: `logs`, `start`. `update`
 * returns whether there is anything to show.
 */
export function progressPanel(actions = {}) {
  const items = STEPS.map((step) => ({
    mark: element("span", { class: "unseen" }),
    item: element("li", {}, element("span", {}, t(`step.${step}`))),
  }));
  for (const { mark, item } of items) item.append(mark);
  const steps = element(
    "ol",
    { class: "steps", "aria-label": t("progress") },
    items.map(({ item }) => item),
  );
  const reason = reasonPanel(actions);
  const lastEnd = element("p", { class: "volume-note" });
  const volume = element("p", { class: "volume-note" });
  const update = (pod) => {
    setHidden(steps, !isUnderWay(pod));
    progress(pod).forEach(({ state }, index) => {
      setAttribute(items[index].item, "class", state);
      setAttribute(items[index].item, "aria-current", state === "current" || state === "stuck" ? "step" : null);
      setText(items[index].mark, state === "todo" ? "" : ` (${t(`progress.${state}`)})`);
    });
    reason.update(pod);
    setHidden(volume, !pod.volumeDeletedAt);
    setText(volume, pod.volumeDeletedAt ? t("volume.deletedAt", { time: dateTime(pod.volumeDeletedAt) }) : "");
    // A container that was killed and runs again looks as if nothing had been.
    setHidden(lastEnd, !pod.lastEnd || Boolean(pod.reason));
    if (pod.lastEnd) {
      const { message, since, detail } = pod.lastEnd;
      setText(lastEnd, t("lastEnd", { time: dateTime(since), message, detail }));
    }
    return !steps.hidden || Boolean(pod.reason) || !volume.hidden || !lastEnd.hidden;
  };
  const all = element("div", { class: "progress" }, steps, reason.element, lastEnd, volume);
  return { element: all, update };
}

function reasonPanel(actions) {
  const message = element("strong");
  const since = element("span", { class: "muted" });
  const remedy = element("p");
  const next = element("p");
  let offered = null;
  const retried = element("li");
  const billed = element("li");
  const detail = element("code");
  const more = element(
    "details",
    {},
    element("summary", {}, t("reason.detail")),
    element("pre", { tabindex: "0" }, detail),
  );
  const panel = element(
    "div",
    { class: "reason" },
    element("p", {}, message, " ", since),
    remedy,
    next,
    element("ul", {}, retried, billed),
    more,
  );
  const update = ({ reason, status }) => {
    setHidden(panel, !reason);
    if (!reason) return;
    panel.classList.toggle("bad", status === "error");
    setText(message, reason.message);
    setText(since, relative(reason.since));
    setAttribute(since, "title", dateTime(reason.since));
    setHidden(remedy, !reason.remedy);
    setText(remedy, reason.remedy ? `${t("reason.remedy")} ${reason.remedy}` : "");
    const { page, action } = leadsTo(reason) ?? {};
    const place = page ?? action ?? null;
    setHidden(next, !place);
    // Kept while it is the same, so that it keeps the focus.
    if (place !== offered) {
      offered = place;
      const text = place && t(`remedy.${place}`);
      if (page) next.replaceChildren(element("a", { href: `#/${page}` }, text));
      else if (action) next.replaceChildren(button(text, { onclick: () => actions[action]?.() }));
    }
    panel.classList.toggle("calm", reason.isStop === true);
    setText(retried, whatNext(reason));
    // A stopped pod pays for its volume, whatever stopped it.
    setHidden(billed, reason.isStop === true);
    setText(billed, t(reason.billed ? "reason.billed" : "reason.free"));
    setHidden(more, !reason.detail);
    setText(detail, reason.detail ?? "");
  };
  return { element: panel, update };
}

// Whether it goes on by itself, and when its owner can start it.
function whatNext({ retryable, isStop, startableAt }) {
  if (!isStop) return t(retryable ? "reason.retried" : "reason.final");
  if (startableAt && new Date(startableAt) > new Date())
    return t("reason.startable", { time: dateTime(startableAt) });
  return t("reason.stays");
}
