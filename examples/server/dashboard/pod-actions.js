import * as api from "./api.js";
import { balance } from "./balance.js";
import { openForm } from "./dialog.js";
import { element } from "./dom.js";
import { fieldset } from "./form.js";
import { money } from "./format.js";
import { askToDoAll } from "./list/bulk.js";
import { notify } from "./notices.js";
import { t } from "./text.js";

/** Starts a stopped pod. */
export async function start(pod, pods) {
  await change(pod, pods, "start");
}

/** Stops a pod, once its owner has confirmed that. */
export function askToStop(pod, pods) {
  const kept = t("stop.kept", { amount: money(pod.costStopped ?? 0) });
  openForm({
    title: t("stop.title", { name: pod.podName }),
    content: element("p", {}, `${t("stop.text")} ${kept}`),
    label: t("action.stop"),
    action: () => change(pod, pods, "stop"),
  });
}

/** Stops these pods, once their owner has confirmed that. */
export async function askToStopAll(all, pods) {
  const hourly = all.reduce((sum, pod) => sum + (pod.costStopped ?? 0), 0);
  const done = await askToDoAll(all, {
    texts: {
      title: t("bulk.stopTitle", { count: all.length }),
      explanation: `${t("stop.text")} ${t("bulk.kept", { amount: money(hourly) })}`,
      label: t("action.stop"),
      working: (at, total) => t("bulk.working", { at, total }),
      done: (count) => t("bulk.stopped", { count }),
    },
    // Among the pods of several people a name alone says little.
    name: (pod) => (pod.userEmail ? `${pod.podName} · ${pod.userEmail}` : pod.podName),
    action: (pod) => api.changePod(pod.podId, "stop"),
  });
  if (done > 0) await refresh(pods);
}

/** Restarts a pod, once its owner has confirmed that. */
export function askToRestart(pod, pods) {
  openForm({
    title: t("restart.title", { name: pod.podName }),
    content: element("p", {}, t("restart.text")),
    label: t("action.restart"),
    action: () => change(pod, pods, "restart"),
  });
}

/** Deletes a pod, once its owner has said so and what becomes of the volume. */
export function askToDelete(pod, pods) {
  const choice = (value, label, hint, checked) =>
    element(
      "label",
      { class: "choice" },
      element("input", { type: "radio", name: "volume", value, checked }),
      element("span", {}, element("strong", {}, label), element("span", { class: "sub" }, hint)),
    );
  openForm({
    title: t("delete.title", { name: pod.podName }),
    content: [
      element("p", {}, t("delete.text")),
      fieldset("volume", t("delete.volume", { size: pod.volumeDiskSize }), [
        choice("keep", t("delete.keep"), t("delete.keepHint"), true),
        choice("delete", t("delete.drop"), t("delete.dropHint"), false),
      ]),
    ],
    label: t("action.delete"),
    danger: true,
    action: async (data) => {
      await api.deletePod(pod.podId, data.get("volume"));
      notify(t("done.delete", { name: pod.podName }));
      await refresh(pods);
    },
  });
}

async function change(pod, pods, verb) {
  await api.changePod(pod.podId, verb);
  notify(t(`done.${verb}`, { name: pod.podName }));
  await refresh(pods);
}

// The action is done; if the list can't be read now, the live updates report it.
async function refresh(pods) {
  const [list] = await Promise.allSettled([pods.load(), balance.refresh()]);
  if (list.status === "rejected") console.warn("the list after a change:", list.reason.message);
}
