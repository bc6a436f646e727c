import * as api from "../api.js";
import { element, heading } from "../dom.js";
import { button } from "../form.js";
import { fill } from "../loading.js";
import { t } from "../text.js";

/** The GPUs of the cluster, for administrators. */
export function showInventory(main) {
  const content = element("div");
  const load = () => fill(content, api.getInventory, ({ gpus }) => table(gpus ?? []));
  const again = button(t("refresh"), { icon: "restart", onclick: load });
  main.append(element("div", { class: "title" }, heading(t("nav.inventory")), again), content);
  load();
}

function table(gpus) {
  if (gpus.length === 0) return element("div", { class: "empty" }, element("p", {}, t("inventory.none")));
  const head = ["model", "free", "total"].map((name) =>
    element("th", { scope: "col", class: name === "model" ? null : "number" }, t(`inventory.${name}`)),
  );
  const number = (value) => element("td", { class: "number" }, value ?? "–");
  const row = (gpu) =>
    element("tr", {}, element("th", { scope: "row" }, gpu.model ?? gpu.resource), number(gpu.free), number(gpu.total));
  return element(
    "div",
    { class: "frame" },
    element(
      "table",
      { "aria-label": t("nav.inventory") },
      element("thead", {}, element("tr", {}, head)),
      element("tbody", {}, gpus.map(row)),
    ),
  );
}
