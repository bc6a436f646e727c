import { debounced, element, newId, setText } from "../dom.js";
import { button } from "../form.js";
import { icon } from "../icons.js";
import { t } from "../text.js";
import { EVERYTHING, isFiltered, ORDERS, readQuery, STATES, writeQuery } from "./query.js";

/**
 * The search, filters and order of a list of pods. They are kept in the address, so that they outlive the page and can
 * be sent to somebody. `changed` is called with what is searched for.
 *
 * Answers `{element, query, offer}`: `offer` gets the pods that there are, so that only GPUs are offered that some pod
 * has.
 */
export function listTools(changed, gpuName) {
  let query = readQuery(location.hash.split("?")[1] ?? "");
  const search = element("input", {
    type: "search",
    value: query.text,
    placeholder: t("list.search"),
    "aria-label": t("list.search"),
    autocomplete: "off",
    spellcheck: "false",
  });
  const status = choice("status", [["", t("list.anyStatus")], ...STATES.map((each) => [each, t(`status.${each}`)])]);
  const gpu = choice("gpu", [["", t("list.anyGpu")]]);
  const order = choice(
    "order",
    ORDERS.map((each) => [each, t(`order.${each}`)]),
  );
  const all = button(t("list.clear"), { kind: "quiet", onclick: () => set({ ...EVERYTHING, order: query.order }) });
  const count = element("p", { class: "muted", role: "status" });

  const keep = debounced(() => {
    const [place] = location.hash.split("?");
    const text = writeQuery(query);
    // Not a new entry of the history for every letter; and no event, as the list stays the same.
    history.replaceState(history.state, "", `${place || "#/pods"}${text && `?${text}`}`);
  }, 250);
  const set = (newer) => {
    query = newer;
    if (search.value !== query.text) search.value = query.text;
    status.control.value = query.status;
    gpu.control.value = query.gpu;
    order.control.value = query.order;
    all.hidden = !isFiltered(query);
    keep();
    changed(query);
  };
  search.addEventListener("input", () => set({ ...query, text: search.value }));
  for (const { name, control } of [status, gpu, order])
    control.addEventListener("change", () => set({ ...query, [name]: control.value }));
  all.hidden = !isFiltered(query);
  status.control.value = query.status;
  order.control.value = query.order;

  const offer = (pods) => {
    const ids = [...new Set([...pods.map((pod) => pod.gpu), query.gpu])].filter(Boolean).sort();
    const known = Array.from(gpu.control.options, (option) => option.value).slice(1);
    if (ids.join() !== known.join()) {
      const options = ids.map((id) => element("option", { value: id }, gpuName(id)));
      gpu.control.replaceChildren(gpu.control.options[0], ...options);
    }
    if (gpu.control.value !== query.gpu) gpu.control.value = query.gpu;
  };
  const showCount = (shown, total) => {
    setText(count, isFiltered(query) ? t("list.shown", { shown, total, count: total }) : "");
  };
  return {
    element: element(
      "div",
      { class: "list-tools", role: "search" },
      element("div", { class: "search" }, icon("search"), search),
      status.element,
      gpu.element,
      order.element,
      all,
      count,
    ),
    get query() {
      return query;
    },
    offer,
    showCount,
    close: keep.cancel,
  };
}

function choice(name, options) {
  const id = newId(name);
  const control = element(
    "select",
    { id },
    options.map(([value, text]) => element("option", { value }, text)),
  );
  const label = element("label", { for: id, class: "unseen" }, t(`list.${name}`));
  return { name, control, element: element("div", { class: "list-choice" }, label, control) };
}
