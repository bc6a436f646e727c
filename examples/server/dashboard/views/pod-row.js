import { openConnection } from "../dialogs/connection.js";
import { openLogs } from "../dialogs/logs.js";
import { element, setAttribute, setHidden, setText } from "../dom.js";
import { explain } from "../errors.js";
import { iconButton } from "../form.js";
import { cents, duration, money, percent } from "../format.js";
import { icon } from "../icons.js";
import { stateOf } from "../list/query.js";
import { costNow, hourlyCost } from "../money.js";
import { notifyError } from "../notices.js";
import { askToDelete, askToRestart, askToStop, start } from "../pod-actions.js";
import { measured } from "../stats.js";
import { isStopped } from "../steps.js";
import { known, t } from "../text.js";
import { progressPanel } from "./progress.js";

/**
 * A pod in the table, as `Rows` wants it: `element` for the page, `update` for a newer state of it, `tick` for the time
 * that passes. Only what differs is changed, so that focus, selection and scrolling stay.
 */
export function podRow(first, pods, gpuName, selection) {
  let pod = first;
  const now = () => pod;
  const select = element("input", { type: "checkbox" });
  select.addEventListener("change", () => selection.set([pod.podId], select.checked));
  const showSelected = () => (select.checked = selection.has(pod.podId));
  const name = element("strong", {});
  const image = element("span", { class: "sub" });
  const badge = element("span", {});
  const gpu = element("span");
  const uptime = element("span");
  const usage = ["cpu", "memory", "gpu"].map((name) => ({ name, ...meter() }));
  const hourly = element("span");
  const total = element("span", { class: "sub" });
  const cap = element("span", { class: "sub" });
  const buttons = actions(now, pods);
  const tried = (action) => async () => {
    try {
      await action(pod, pods);
    } catch (error) {
      notifyError(`${pod.podName}: ${explain(error)}`);
    }
  };
  const progress = progressPanel({ logs: tried(openLogs), start: tried(start) });
  const progressCell = element("td", { role: "cell", colspan: 10 }, progress.element);
  const progressRow = element("tr", { role: "row", class: "progress-row" }, progressCell);
  const cell = (label, ...content) =>
    element("td", { role: "cell", class: label.split(".")[1], "data-label": t(label) }, content);
  // What only a running pod has.
  const live = [
    cell("pod.uptime", uptime),
    cell("pod.cpu", usage[0].element),
    cell("pod.memory", usage[1].element),
    cell("pod.gpuUsage", usage[2].element),
  ];
  const row = element(
    "tr",
    { role: "row" },
    element("td", { role: "cell", class: "select" }, select),
    element("th", { scope: "row", role: "rowheader" }, name, image),
    cell("pod.status", badge),
    cell("pod.gpu", gpu),
    ...live,
    cell("pod.cost", hourly, total, cap),
    element("td", { role: "cell", class: "row-actions" }, buttons.element),
  );

  const tick = () => {
    setText(uptime, pod.status === "running" ? duration(secondsUp(pod)) : "–");
    setText(total, t("soFar", { amount: cents(costNow(pod, pod.costKnownAt)) }));
  };
  const update = (newer) => {
    pod = newer;
    setText(name, pod.podName);
    setText(image, pod.dockerImage);
    setAttribute(image, "title", pod.dockerImage);
    setAttribute(select, "aria-label", t("list.selectOne", { name: pod.podName }));
    const status = stateOf(pod);
    setText(badge, known(`status.${status}`, t("status.unknown")));
    setAttribute(badge, "class", `badge ${status}`);
    setText(gpu, gpuName(pod.gpu));
    for (const each of live) each.classList.toggle("idle", pod.status !== "running");
    for (const each of usage) each.update(pod.status === "running" ? measured(pod.stats, each.name) : null);
    setText(hourly, t("perHour", { amount: money(hourlyCost(pod)) }));
    setText(
      cap,
      pod.dailyCap === null || pod.dailyCap === undefined ? "" : t("pod.cap", { amount: money(pod.dailyCap) }),
    );
    buttons.update(pod);
    setHidden(progressRow, status === "deleting" || !progress.update(pod));
    tick();
  };
  update(first);
  showSelected();
  // It ends with the row.
  const gone = new AbortController();
  selection.addEventListener("change", showSelected, { signal: gone.signal });
  return {
    element: element("tbody", { role: "rowgroup" }, row, progressRow),
    update,
    tick,
    close: () => gone.abort(),
  };
}

function secondsUp(pod) {
  if (pod.startedAt) return (Date.now() - new Date(pod.startedAt)) / 1000;
  return pod.stats?.uptime ?? null;
}

function meter() {
  const text = element("span");
  const fill = element("span");
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, fill);
  const update = (value) => {
    setText(text, percent(value));
    const isKnown = value !== null && value !== undefined;
    setHidden(bar, !isKnown);
    if (isKnown) fill.style.setProperty("inline-size", `${Math.min(100, Math.max(0, value))}%`);
  };
  return { element: element("span", { class: "meter" }, text, bar), update };
}

function actions(now, pods) {
  const make = (name, key, action) => {
    const button = iconButton(name, t(key), async () => {
      if (button.ariaDisabled === "true") return;
      button.ariaDisabled = "true";
      try {
        await action(now(), pods);
      } catch (error) {
        notifyError(`${now().podName}: ${explain(error)}`);
      } finally {
        button.ariaDisabled = "false";
      }
    });
    // With the pod's name, so that a list of buttons makes sense alone.
    button.ariaLabel = `${t(key)}: ${now().podName}`;
    return button;
  };
  const connect = make("open", "action.connect", openConnection);
  const logs = make("logs", "action.logs", openLogs);
  // One button, so that it keeps the focus when its pod has stopped or started.
  const power = make("stop", "action.stop", (pod) => (isStopped(pod) ? start(pod, pods) : askToStop(pod, pods)));
  const restart = make("restart", "action.restart", askToRestart);
  const remove = make("delete", "action.delete", askToDelete);
  remove.classList.add("danger");
  const all = element("div", { class: "button-row" }, connect, logs, power, restart, remove);
  let shown = "stop";
  const update = (pod) => {
    const verb = isStopped(pod) ? "start" : "stop";
    if (verb !== shown) {
      power.replaceChildren(icon(verb));
      power.title = t(`action.${verb}`);
      power.ariaLabel = `${power.title}: ${pod.podName}`;
      shown = verb;
    }
    setHidden(restart, isStopped(pod));
    setHidden(all, pod.desired === "deleted");
    connect.classList.toggle("primary", pod.status === "running");
  };
  return { element: all, update };
}
