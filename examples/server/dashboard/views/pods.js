import * as api from "../api.js";
import { balance } from "../balance.js";
import { element, heading, setText } from "../dom.js";
import { duration, money } from "../format.js";
import { icon } from "../icons.js";
import { fill } from "../loading.js";
import { hourlySums, hoursLeft, roughly } from "../money.js";
import { PodList } from "../pod-list.js";
import * as session from "../session.js";
import { known, t } from "../text.js";
import { podRow } from "./pod-row.js";

const COLUMNS = ["name", "status", "gpu", "uptime", "cpu", "memory", "gpuUsage", "cost", "actions"];

/** The pods of who is signed in, or of `owner` (for administrators). */
export function showPods(main, owner = null) {
  const stopped = new AbortController();
  const pods = new PodList(owner?.id ?? session.user().id, owner?.email);
  const title = owner ? t("pods.of", { name: owner.name || owner.email }) : t("nav.pods");
  const deploy = owner
    ? null
    : element("a", { class: "button primary", href: "#/deploy" }, icon("deploy"), t("nav.deploy"));
  const content = element("div");
  main.append(element("div", { class: "title" }, heading(title), deploy), content);
  fill(
    content,
    async () => {
      const [prices] = await Promise.all([api.getPricing(), pods.load()]);
      return (id) => prices.gpus[id]?.name ?? id;
    },
    (gpuName) => table(pods, gpuName, owner === null, stopped.signal),
  );
  return () => {
    stopped.abort();
    pods.close();
  };
}

function table(pods, gpuName, own, signal) {
  const rows = new Map();
  const spoken = element("p", { class: "unseen", role: "status" });
  const empty = element(
    "div",
    { class: "empty" },
    element("p", {}, t("pods.none")),
    own ? element("p", { class: "muted" }, t("pods.noneHint")) : null,
  );
  const head = COLUMNS.map((name) => element("th", { scope: "col", role: "columnheader" }, t(`pod.${name}`)));
  const list = element(
    "table",
    { class: "cards pods", role: "table", "aria-label": t("nav.pods") },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
  );
  const frame = element("div", { class: "frame" }, list);
  const summary = element("p", { class: "facts" });

  const place = () => {
    const all = pods.all;
    for (const [podId, row] of rows) {
      if (pods.get(podId)) continue;
      row.element.remove();
      rows.delete(podId);
    }
    all.forEach((pod, index) => {
      if (rows.has(pod.podId)) rows.get(pod.podId).update(pod);
      else rows.set(pod.podId, podRow(pod, pods, gpuName));
      const node = rows.get(pod.podId).element;
      // Moving a row would take the focus from it.
      if (list.tBodies[index] !== node) list.insertBefore(node, list.tBodies[index] ?? null);
    });
    empty.hidden = all.length > 0;
    frame.hidden = all.length === 0;
    summarize(summary, all, own);
  };
  const statuses = new Map(pods.all.map((pod) => [pod.podId, pod.status]));
  pods.addEventListener("load", place, { signal });
  pods.addEventListener(
    "change",
    ({ detail: { podId, pod } }) => {
      place();
      if (pod && statuses.get(podId) !== pod.status)
        spoken.textContent = `${pod.podName}: ${known(`status.${pod.status}`, pod.status)}`;
      statuses.set(podId, pod?.status);
    },
    { signal },
  );
  balance.addEventListener("change", () => summarize(summary, pods.all, own), { signal });
  const timer = setInterval(() => rows.forEach((row) => row.tick()), 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  place();
  return [summary, empty, frame, spoken];
}

function summarize(summary, all, own) {
  const running = all.filter((pod) => pod.status === "running").length;
  const { now: hourly, ifAllRan } = hourlySums(all);
  const parts = [
    t("pods.count", { count: all.length }),
    t("pods.running", { count: running }),
    t("balance.now", { amount: money(hourly) }),
  ];
  if (ifAllRan > hourly) parts.push(t("balance.ifAllRan", { amount: money(ifAllRan) }));
  const hours = own && Number.isFinite(balance.total ?? Infinity) ? hoursLeft(balance.total, hourly) : null;
  if (hours !== null) {
    const left = roughly(hours);
    parts.push(left > 0 ? t("balance.lasts", { time: duration(left) }) : t("balance.lastsNoMinute"));
  }
  setText(summary, all.length === 0 ? "" : parts.join(" · "));
}
