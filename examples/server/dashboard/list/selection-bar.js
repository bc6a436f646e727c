import { element, newId, setHidden, setText } from "../dom.js";
import { button } from "../form.js";
import { askToStopAll } from "../pod-actions.js";
import { t } from "../text.js";
import { canStop } from "./query.js";

/**
 * What can be done with the pods that are selected. `update` gets those that are shown; what is not shown is selected
 * no longer.
 */
export function selectionBar(selection, pods) {
  let shown = [];
  const id = newId("select-all");
  const all = element("input", { type: "checkbox", id });
  const count = element("span", { role: "status" });
  const stop = button("", { icon: "stop", onclick: () => stopSelected() });
  const none = button(t("list.selectNone"), { kind: "quiet", onclick: () => selection.set(selection.keys, false) });
  const selected = () => shown.filter((pod) => selection.has(pod.podId));
  const stopSelected = async () => {
    await askToStopAll(selected().filter(canStop), pods);
  };
  const draw = () => {
    const among = selection.among(shown.map((pod) => pod.podId));
    all.checked = among === "all";
    all.indeterminate = among === "some";
    const stoppable = selected().filter(canStop).length;
    setText(count, among === "none" ? "" : t("list.selected", { count: selection.size }));
    setText(stop.querySelector("span"), t("list.stop", { count: stoppable }));
    setHidden(stop, stoppable === 0);
    setHidden(none, among === "none");
  };
  all.addEventListener("change", () => {
    selection.set(
      shown.map((pod) => pod.podId),
      all.checked,
    );
  });
  selection.addEventListener("change", draw);
  const place = element(
    "div",
    { class: "selection" },
    element("label", { class: "check", for: id }, all, t("list.selectAll")),
    count,
    stop,
    none,
  );
  const update = (pods) => {
    shown = pods;
    selection.keep(shown.map((pod) => pod.podId));
    setHidden(place, shown.length === 0);
    draw();
  };
  return { element: place, update };
}
