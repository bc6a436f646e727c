import * as api from "../api.js";
import { openLogs } from "../dialogs/logs.js";
import { openForm } from "../dialog.js";
import { element, setAttribute, setHidden, setText } from "../dom.js";
import { explain } from "../errors.js";
import { iconButton } from "../form.js";
import { cents, dateTime, duration, money, percent } from "../format.js";
import { costNow, hourlyCost } from "../money.js";
import { notify, notifyError } from "../notices.js";
import { isStopped } from "../steps.js";
import { known, t } from "../text.js";

/**
 * A pod among those of everybody: `element` for the page, `update` for a newer state of it, `tick` for the time that
 * passes. `load` asks for the list again.
 */
export function allPodsRow(first, { gpuName, load, selection }) {
  let pod = first;
  const gone = new AbortController();
  const check = element("input", { type: "checkbox", "aria-label": t("list.selectOne", { name: first.podName }) });
  check.addEventListener("change", () => selection.set([pod.podId], check.checked));
  const showSelected = () => (check.checked = selection.has(pod.podId));
  selection.addEventListener("change", showSelected, { signal: gone.signal });
  const [name, image, owner, ownerName, gpu, node, hourly, total, since, uptime, reason] = Array.from(
    { length: 11 },
    () => element("span"),
  );
  for (const small of [image, ownerName, node, total, uptime, reason]) small.className = "sub";
  const badge = element("span");
  const use = ["cpuUsage", "memoryUsage", "gpuUsage"].map((key) => ({ key, value: element("dd") }));
  const meters = element(
    "dl",
    { class: "use" },
    use.map(({ key, value }) => element("div", {}, element("dt", {}, t(`use.${key}`)), value)),
  );
  const cell = (label, ...content) =>
    element("td", { role: "cell", "data-label": t(`allPods.${label}`) }, content);
  const ownerLink = element("a", { href: "" }, owner);
  const ownerCell = cell("owner", ownerLink, ownerName);
  const stop = action("stop", "action.stop", () => askToStop(pod, load));
  const logs = action("logs", "action.logs", () => openLogs(pod));
  const useCell = cell("use", meters);
  const row = element(
    "tr",
    { role: "row" },
    element("td", { role: "cell", class: "select" }, check),
    element("th", { scope: "row", role: "rowheader" }, element("strong", {}, name), image),
    ownerCell,
    cell("status", badge, reason),
    cell("gpu", gpu, node),
    useCell,
    cell("cost", hourly, total),
    cell("since", since, uptime),
    element("td", { role: "cell", class: "row-actions" }, element("div", { class: "button-row" }, logs, stop)),
  );

  let costKnownAt = Date.now();
  const tick = () => {
    setText(total, t("soFar", { amount: cents(costNow(pod, costKnownAt)) }));
    const seconds = pod.status === "running" && pod.startedAt ? (Date.now() - new Date(pod.startedAt)) / 1000 : null;
    setText(uptime, seconds === null ? "" : t("allPods.runs", { time: duration(seconds) }));
  };
  const update = (newer) => {
    if (newer.totalCost !== pod.totalCost) costKnownAt = Date.now();
    pod = newer;
    setText(name, pod.podName);
    setText(image, pod.dockerImage);
    setAttribute(image, "title", pod.dockerImage);
    setText(owner, pod.userEmail ?? t("allPods.noOwner"));
    setAttribute(ownerLink, "href", pod.userEmail ? `#/users/${encodeURIComponent(pod.userId)}/pods` : null);
    setText(ownerName, pod.userName ?? pod.userId);
    const status = pod.step === "stopping" ? "stopping" : pod.status;
    setText(badge, known(`status.${status}`, t("status.unknown")));
    setAttribute(badge, "class", `badge ${status}`);
    setText(reason, pod.reason?.message ?? "");
    setText(gpu, gpuName(pod.gpu));
    setText(node, pod.node ?? "");
    const runs = pod.status === "running";
    useCell.classList.toggle("idle", !runs);
    for (const { key, value } of use) setText(value, runs ? percent(measured(pod.stats, key)) : "–");
    setText(hourly, t("perHour", { amount: money(hourlyCost(pod)) }));
    setText(since, dateTime(pod.createdAt));
    setHidden(stop, isStopped(pod));
    showSelected();
    for (const [each, key] of [
      [stop, "action.stop"],
      [logs, "action.logs"],
    ])
      each.ariaLabel = `${t(key)}: ${pod.podName}`;
    tick();
  };
  update(first);
  const remove = () => {
    gone.abort();
    row.remove();
  };
  return { element: row, update, tick, remove };
}

// The contract's figures are numbers always; `known` says which were measured.
function measured(stats, key) {
  const part = key.replace("Usage", "");
  return stats?.known && !stats.known[part] ? null : stats?.[key];
}

function action(name, key, act) {
  return iconButton(name, t(key), async () => {
    try {
      await act();
    } catch (error) {
      notifyError(explain(error));
    }
  });
}

function askToStop(pod, load) {
  openForm({
    title: t("stop.title", { name: pod.podName }),
    content: [
      element("p", {}, t("allPods.stopOf", { owner: pod.userEmail ?? pod.userId })),
      element("p", {}, t("stop.text")),
    ],
    label: t("action.stop"),
    action: async () => {
      await api.changePod(pod.podId, "stop");
      notify(t("done.stop", { name: pod.podName }));
      load();
    },
  });
}
