import * as api from "../api.js";
import { balance } from "../balance.js";
import { element, heading, perFrame, setHidden, setText } from "../dom.js";
import { duration, money } from "../format.js";
import { icon } from "../icons.js";
import { selectPods } from "../list/query.js";
import { Rows } from "../list/rows.js";
import { selectionBar } from "../list/selection-bar.js";
import { Selection } from "../list/selection.js";
import { listTools } from "../list/tools.js";
import { fill } from "../loading.js";
import { hourlySums, hoursLeft, roughly } from "../money.js";
import { PodList } from "../pod-list.js";
import * as session from "../session.js";
import { known, t } from "../text.js";
import { podRow } from "./pod-row.js";

const COLUMNS = ["select", "name", "status", "gpu", "uptime", "cpu", "memory", "gpuUsage", "cost", "actions"];
// So few are seen at once: nobody searches among them.
const FEW = 4;

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
  const spoken = element("p", { class: "unseen", role: "status" });
  const empty = element(
    "div",
    { class: "empty" },
    element("p", {}, t("pods.none")),
    own ? element("p", { class: "muted" }, t("pods.noneHint")) : null,
  );
  const unmatched = element("div", { class: "empty" }, element("p", {}, t("list.none")));
  const { frame, list } = podTable();
  const summary = element("p", { class: "facts" });
  const selection = new Selection();
  const rows = new Rows(list, (pod) => podRow(pod, pods, gpuName, selection));
  const changed = new Set();
  let shown = [];
  const draw = (isNew) => {
    const all = pods.all;
    shown = selectPods(all, tools.query, gpuName);
    tools.offer(all);
    tools.showCount(shown.length, all.length);
    const few = all.length <= FEW && shown.length === all.length;
    setHidden(tools.element, few);
    list.classList.toggle("few", few);
    if (few) selection.set(selection.keys, false);
    rows.show(
      shown.map((pod) => [pod.podId, pod]),
      isNew,
    );
    bar.update(few ? [] : shown);
    setHidden(empty, all.length > 0);
    setHidden(unmatched, all.length === 0 || shown.length > 0);
    setHidden(frame, shown.length === 0);
    summarize(summary, all, own);
  };
  // Many messages come between two pictures: the page is drawn once for all of them.
  const redraw = perFrame(() => {
    const newer = new Set(changed);
    changed.clear();
    draw((podId) => newer.has(podId));
  });
  const tools = listTools(redraw, gpuName);
  const bar = selectionBar(selection, pods);
  const statuses = new Map(pods.all.map((pod) => [pod.podId, pod.status]));
  pods.addEventListener("load", () => draw(() => true), { signal });
  pods.addEventListener(
    "change",
    ({ detail: { podId, pod } }) => {
      changed.add(podId);
      redraw();
      if (pod && statuses.get(podId) !== pod.status)
        spoken.textContent = `${pod.podName}: ${known(`status.${pod.status}`, pod.status)}`;
      statuses.set(podId, pod?.status);
    },
    { signal },
  );
  balance.addEventListener("change", () => summarize(summary, pods.all, own), { signal });
  signal.addEventListener("abort", () => {
    redraw.cancel();
    tools.close();
    rows.close();
  });
  draw(() => true);
  return [summary, tools.element, bar.element, empty, unmatched, frame, spoken];
}

function podTable() {
  const head = COLUMNS.map((name) =>
    element(
      "th",
      { scope: "col", role: "columnheader", class: name === "select" ? "select" : null },
      name === "select" ? element("span", { class: "unseen" }, t("list.select")) : t(`pod.${name}`),
    ),
  );
  const list = element(
    "table",
    { class: "cards pods", role: "table", "aria-label": t("nav.pods") },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
  );
  return { frame: element("div", { class: "frame" }, list), list };
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
