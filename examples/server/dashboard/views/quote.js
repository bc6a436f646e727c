import * as api from "../api.js";
import { balance } from "../balance.js";
import { element } from "../dom.js";
import { explain } from "../errors.js";
import { decimalsOf, duration, money } from "../format.js";
import { hourlyCost, hoursLeft, roughly } from "../money.js";
import { t } from "../text.js";

/** What a pod costs and how long the balance lasts, while the form is being filled in. `pods` are paid already. */
export function quotePanel(pods, signal) {
  const content = element("div", { role: "status" }, element("p", { class: "muted" }, t("quote.incomplete")));
  const panel = element("aside", { class: "quote", "aria-label": t("quote") }, element("h2", {}, t("quote")), content);
  const others = pods.reduce((sum, pod) => sum + hourlyCost(pod), 0);
  let asked = new AbortController();
  let last = null;
  const show = () => last && content.replaceChildren(...lines(last, others));
  const update = async (body) => {
    // Only the newest question counts.
    asked.abort();
    asked = new AbortController();
    const mine = asked.signal;
    const { gpu, containerDiskSize, volumeDiskSize } = body;
    if (!gpu || !containerDiskSize || !volumeDiskSize) {
      last = null;
      return content.replaceChildren(element("p", { class: "muted" }, t("quote.incomplete")));
    }
    if (last === null) content.replaceChildren(element("p", { class: "muted" }, t("loading")));
    try {
      const answer = await api.quote({ gpu, containerDiskSize, volumeDiskSize }, mine);
      if (mine.aborted) return;
      last = answer;
      show();
    } catch (error) {
      if (mine.aborted) return;
      last = null;
      content.replaceChildren(element("p", { class: "muted" }, explain(error)));
    }
  };
  balance.addEventListener("change", show, { signal });
  signal.addEventListener("abort", () => asked.abort());
  balance.refresh();
  return { element: panel, update };
}

function lines(quote, others) {
  const line = (label, amount, kind) => [
    element("dt", { class: kind ?? null }, label),
    element("dd", { class: kind ?? null }, amount),
  ];
  const hourly = quote.totalHourly;
  const { gpu, containerDisk, volumeDisk } = quote;
  const decimals = decimalsOf([gpu.hourlyRate, containerDisk.hourlyRate, volumeDisk.hourlyRate, hourly]);
  const perHour = (amount) => t("perHour", { amount: money(amount, decimals) });
  const prices = element(
    "dl",
    {},
    line(gpu.name, perHour(gpu.hourlyRate)),
    line(t("quote.containerDisk", { size: containerDisk.size }), perHour(containerDisk.hourlyRate)),
    line(t("quote.volumeDisk", { size: volumeDisk.size }), perHour(volumeDisk.hourlyRate)),
    line(t("quote.total"), perHour(hourly), "total"),
    line(t("quote.day"), money(hourly * 24)),
  );
  return [prices, element("p", { class: "muted" }, t("quote.terms")), ...remaining(hourly, others)];
}

function remaining(hourly, others) {
  const { available } = balance;
  if (available === null) return [];
  const left = element("p", {}, `${t("quote.balance")}: `, element("strong", {}, money(available)));
  if (!Number.isFinite(available)) return [left];
  if (available < hourly) {
    return [left, element("p", { class: "low" }, t("quote.notEnough", { amount: money(hourly - available) }))];
  }
  const hours = hoursLeft(balance.total, hourly, others);
  const text = t(others > 0 ? "quote.lastsWithOthers" : "quote.lasts", {
    time: duration(roughly(hours)),
    others: money(others),
  });
  return [left, element("p", {}, text)];
}
