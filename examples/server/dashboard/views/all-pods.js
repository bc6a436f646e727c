import * as api from "../api.js";
import { debounced, element, heading, setHidden, setText } from "../dom.js";
import { button } from "../form.js";
import { number } from "../format.js";
import { icon } from "../icons.js";
import { selectionBar } from "../list/selection-bar.js";
import { Selection } from "../list/selection.js";
import { live } from "../live.js";
import { fill } from "../loading.js";
import { t } from "../text.js";
import { allPodsRow } from "./all-pods-row.js";

const COLUMNS = ["select", "name", "owner", "status", "gpu", "use", "cost", "since", "actions"];
const STATUSES = ["running", "creating", "error", "stopped"];
// Each with the order in which people look for something: the newest, the dearest, the first of the alphabet.
const SORTS = {
  created: "desc",
  name: "asc",
  owner: "asc",
  status: "asc",
  gpu: "asc",
  node: "asc",
  cost: "desc",
  total: "desc",
  cpu: "desc",
  use: "desc",
};
const PER_PAGE = 50;
// The list is asked for again after a change, but not more often than this.
const AGAIN = 3000;

/** The pods of everybody, for administrators: searched, sorted and cut into pages by the server. */
export function showAllPods(main) {
  const stopped = new AbortController();
  const { signal } = stopped;
  const list = new Pages();
  const content = element("div");
  const bar = controls(() => {
    list.restart(bar.query());
    load();
  });
  main.append(element("div", { class: "title" }, heading(t("nav.all-pods")), bar.search), bar.filters, content);
  const view = table(list, bar, signal, () => load());
  const load = () => fill(content, () => Promise.all([list.load(), view.names()]), () => view.show());
  const refresh = async () => {
    try {
      await list.load();
      if (content.contains(view.frame)) view.show();
    } catch (error) {
      // The live updates say that the server is away.
      console.warn("the list after a change:", error.message);
    }
  };
  follow(list, view, refresh, signal);
  list.restart(bar.query());
  load();
  return () => {
    stopped.abort();
    bar.stop();
  };
}

/** The page that is shown, and how to get to the ones beside it. */
class Pages {
  page = { pods: [], next: null, total: 0, counts: {}, gpus: [] };
  #query = {};
  // The places where the pages up to this one begin.
  #places = [""];
  #asked = 0;

  restart(query) {
    this.#query = query;
    this.#places = [""];
  }

  async load() {
    const mine = ++this.#asked;
    const page = await api.listAllPods({ ...this.#query, after: this.#places.at(-1), limit: PER_PAGE });
    // An answer that was overtaken says nothing.
    if (mine === this.#asked) this.page = page;
  }

  get first() {
    return (this.#places.length - 1) * PER_PAGE + 1;
  }

  get hasBefore() {
    return this.#places.length > 1;
  }

  forward() {
    this.#places.push(this.page.next);
  }

  back() {
    this.#places.pop();
  }
}

function controls(changed) {
  const search = element("input", {
    type: "search",
    name: "search",
    placeholder: t("allPods.search"),
    "aria-label": t("allPods.search"),
  });
  const later = debounced(changed, 250);
  search.addEventListener("input", later);
  const choice = (name, label) => {
    const select = element("select", { name, "aria-label": label });
    select.addEventListener("change", changed);
    return select;
  };
  const status = choice("status", t("list.status"));
  const gpu = choice("gpu", t("list.gpu"));
  const sort = choice("sort", t("list.order"));
  sort.append(...Object.keys(SORTS).map((key) => element("option", { value: key }, t(`sort.${key}`))));
  const options = (select, all, entries) => {
    const chosen = select.value;
    const made = [["", all], ...entries].map(([value, text]) => element("option", { value }, text));
    select.replaceChildren(...made);
    select.value = entries.some(([value]) => value === chosen) ? chosen : "";
  };
  const setCounts = ({ counts, gpus }, gpuName) => {
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    options(
      status,
      t("allPods.anyStatus", { count: number(all) }),
      STATUSES.map((key) => [key, `${t(`status.${key}`)} (${number(counts[key] ?? 0)})`]),
    );
    // One that is chosen stays there while no pod has it.
    const ids = gpu.value && !gpus.includes(gpu.value) ? [...gpus, gpu.value] : gpus;
    options(
      gpu,
      t("list.anyGpu"),
      ids.map((id) => [id, gpuName(id)]),
    );
  };
  setCounts({ counts: {}, gpus: [] }, (id) => id);
  return {
    search: element("div", { class: "search", role: "search" }, icon("search"), search),
    filters: element("div", { class: "filters" }, status, gpu, sort),
    setCounts,
    query: () => ({
      search: search.value.trim(),
      status: status.value,
      gpu: gpu.value,
      sort: sort.value,
      order: SORTS[sort.value],
    }),
    stop: later.cancel,
  };
}

function table(list, bar, signal, load) {
  const rows = new Map();
  let gpuNames = {};
  const gpuName = (id) => gpuNames[id]?.name ?? id;
  const summary = element("p", { class: "facts", role: "status" });
  const empty = element("p", { class: "muted" }, t("list.none"));
  const selection = new Selection();
  const selected = selectionBar(selection, { load });
  const head = COLUMNS.map((name) =>
    element(
      "th",
      { scope: "col", role: "columnheader", class: name === "select" ? "select" : null },
      name === "select" ? element("span", { class: "unseen" }, t("list.select")) : t(`allPods.${name}`),
    ),
  );
  const body = element("tbody", { role: "rowgroup" });
  const frame = element(
    "div",
    { class: "frame" },
    element(
      "table",
      { class: "cards all-pods", role: "table", "aria-label": t("nav.all-pods") },
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
      body,
    ),
  );
  const step = (name, move) =>
    button(t(name), {
      onclick: () => {
        move();
        load();
      },
    });
  const before = step("allPods.before", () => list.back());
  const next = step("allPods.next", () => list.forward());
  const pager = element("nav", { class: "button-row pager", "aria-label": t("allPods.pages") }, before, next);

  const show = () => {
    const { pods, total, next: more } = list.page;
    bar.setCounts(list.page, gpuName);
    const there = new Set(pods.map((pod) => pod.podId));
    for (const [podId, row] of rows) {
      if (there.has(podId)) continue;
      row.remove();
      rows.delete(podId);
    }
    pods.forEach((pod, index) => {
      if (rows.has(pod.podId)) rows.get(pod.podId).update(pod);
      else rows.set(pod.podId, allPodsRow(pod, { gpuName, load, selection }));
      const node = rows.get(pod.podId).element;
      // Moving a row would take the focus from it.
      if (body.children[index] !== node) body.insertBefore(node, body.children[index] ?? null);
    });
    setHidden(empty, pods.length > 0);
    setHidden(frame, pods.length === 0);
    setHidden(before, !list.hasBefore);
    setHidden(next, !more);
    const last = list.first + pods.length - 1;
    const range = { from: number(list.first), until: number(last), total: number(total), count: total };
    setText(summary, pods.length === 0 ? "" : t("allPods.range", range));
    selected.update(pods);
    return [summary, selected.element, empty, frame, pager];
  };
  const timer = setInterval(() => rows.forEach((row) => row.tick()), 1000);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    rows.forEach((row) => row.remove());
  });
  return {
    frame,
    show,
    names: async () => (gpuNames = (await api.getPricing()).gpus),
    update: (podId, changes) => {
      const pod = list.page.pods.find((each) => each.podId === podId);
      if (!pod) return false;
      Object.assign(pod, changes);
      rows.get(podId)?.update(pod);
      selected.update(list.page.pods);
      return true;
    },
  };
}

// Rows follow the live updates; what comes, goes or changes its place is asked for again.
function follow(list, view, refresh, signal) {
  let timer = null;
  let last = 0;
  const again = () => {
    timer ??= setTimeout(
      () => {
        timer = null;
        last = Date.now();
        refresh();
      },
      Math.max(0, last + AGAIN - Date.now()),
    );
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  live.addEventListener("return", again, { signal });
  live.addEventListener(
    "message",
    ({ detail: { type, podId, pod, ...message } }) => {
      if (type === "podCreated" || type === "podDeleted") return again();
      if (type !== "podUpdate") return;
      const { status, stats, step, reason, totalCost } = { ...pod, ...message };
      const said = Object.entries({ status, stats, step, reason, totalCost });
      const before = list.page.pods.find((each) => each.podId === podId)?.status;
      const changes = { ...pod, ...Object.fromEntries(said.filter(([, value]) => value !== undefined)) };
      if (view.update(podId, changes) && before !== status) again();
    },
    { signal },
  );
}
