import * as api from "../api.js";
import { element, heading, newId } from "../dom.js";
import { button } from "../form.js";
import { number } from "../format.js";
import { fill } from "../loading.js";
import { t } from "../text.js";

const COLUMNS = ["node", "total", "used", "free", "holders"];

/** The GPUs of the cluster by model and node, and who has them, for administrators. */
export function showInventory(main) {
  const content = element("div");
  const load = () => fill(content, api.getInventory, show);
  const again = button(t("refresh"), { icon: "restart", onclick: load });
  main.append(
    element("div", { class: "title" }, heading(t("nav.inventory")), again),
    element("p", { class: "muted" }, t("inventory.intro")),
    content,
  );
  load();
}

function show({ gpus, nodes, unmatched }) {
  if (gpus === null) return element("div", { class: "empty" }, element("p", {}, t("inventory.unknown")));
  // Types of the catalogue that no node can take: somebody has to mend the catalogue or the nodes.
  const wrong = (unmatched ?? []).map(({ message }) => element("p", { class: "low" }, message));
  if (gpus.length === 0) return [...wrong, element("div", { class: "empty" }, element("p", {}, t("inventory.none")))];
  const models = gpus.map((gpu) => {
    const here = (nodes ?? []).filter(({ model, resource }) => model === gpu.model && resource === gpu.resource);
    return model(gpu, here);
  });
  return [...wrong, ...models];
}

function model(gpu, nodes) {
  const name = element("h2", { id: newId("model") }, gpu.model ?? gpu.resource);
  const used = nodes.reduce((sum, node) => sum + node.used, 0);
  const figure = (key, value) => element("div", {}, element("dt", {}, t(`inventory.${key}`)), element("dd", {}, number(value)));
  return element(
    "section",
    { class: "model", "aria-labelledby": name.id },
    name,
    gpu.model ? element("p", { class: "muted" }, gpu.resource) : null,
    element("dl", { class: "figures" }, figure("total", gpu.total), figure("used", used), figure("free", gpu.free)),
    nodes.length > 0 ? table(nodes, name.id) : null,
  );
}

function table(nodes, labelledBy) {
  const head = COLUMNS.map((name) =>
    element("th", { scope: "col", role: "columnheader", class: cellClass(name) }, t(`inventory.${name}`)),
  );
  return element(
    "div",
    { class: "frame" },
    element(
      "table",
      { class: "cards", role: "table", "aria-labelledby": labelledBy },
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
      element("tbody", { role: "rowgroup" }, nodes.map(row)),
    ),
  );
}

function cellClass(name) {
  if (name === "holders") return "sentence";
  return name === "node" ? null : "number";
}

function row(node) {
  const cell = (name, ...content) =>
    element("td", { role: "cell", "data-label": t(`inventory.${name}`), class: cellClass(name) }, content);
  const holders = node.holders.map((holder) => element("li", {}, ...[who(holder)].flat(), ` × ${number(holder.count)}`));
  return element(
    "tr",
    { role: "row" },
    element(
      "th",
      { scope: "row", role: "rowheader" },
      node.node,
      node.schedulable ? null : element("span", { class: "sub" }, t("inventory.cordoned")),
    ),
    cell("total", number(node.total)),
    cell("used", number(node.used)),
    cell("free", number(node.free)),
    cell("holders", holders.length > 0 ? element("ul", { class: "holders" }, holders) : "–"),
  );
}

function who({ podId, podName, userId, userEmail, namespace, objectName }) {
  const object = namespace ? `${namespace}/${objectName}` : objectName;
  if (podId === null) return t("inventory.foreign", { object });
  if (podName === null) return t("inventory.unrecorded", { object });
  const owner = userEmail ?? userId;
  return [
    podName,
    " · ",
    userEmail ? element("a", { href: `#/users/${encodeURIComponent(userId)}/pods` }, owner) : owner,
  ];
}
