import { openDialog } from "../dialog.js";
import { debounced, download, element, setText } from "../dom.js";
import { explain } from "../errors.js";
import { button, iconButton } from "../form.js";
import { number } from "../format.js";
import { icon } from "../icons.js";
import { live } from "../live.js";
import { MOST_LINES } from "../log-buffer.js";
import { LogSource } from "../log-source.js";
import { LogView } from "../log-view.js";
import { t } from "../text.js";

/** Shows the log of a pod, live while it runs. */
export function openLogs(pod, pods) {
  const view = new LogView();
  const state = element("span", { class: "badge", role: "status" });
  const notice = element("p", { class: "muted" });
  const source = new LogSource(pod, {
    begin: () => view.clear(),
    text: (chunk) => view.push(chunk),
    state: (key, error) => {
      setText(state, t(`logs.${key}`));
      state.className = `badge ${key}`;
      setText(notice, error ? explain(error) : "");
    },
  });
  const jump = button(t("logs.newest"), { icon: "down", kind: "jump", hidden: true, onclick: () => view.toEnd() });
  view.onfollow = (follows) => (jump.hidden = follows);

  const previous = element("input", { type: "checkbox" });
  previous.addEventListener("change", () => source.load(previous.checked));
  const save = () => download(`${pod.podName}.log`, view.text());
  const bar = element(
    "div",
    { class: "log-bar" },
    search(view),
    element("label", { class: "check" }, previous, t("logs.previous")),
    iconButton("restart", t("logs.refresh"), () => source.load(previous.checked)),
    iconButton("download", t("logs.download"), save),
    state,
  );
  const dropped = element("p", { class: "muted" }, t("logs.bound", { count: number(MOST_LINES) }));
  const stopped = new AbortController();
  openDialog({
    title: t("logs.title", { name: pod.podName }),
    content: element(
      "div",
      { class: "log-body" },
      bar,
      notice,
      element("div", { class: "log-frame" }, view.element, jump),
      dropped,
    ),
    size: "wide",
    onclose: () => {
      stopped.abort();
      source.stop();
    },
  });
  pods.addEventListener(
    "change",
    ({ detail }) => detail.podId === pod.podId && detail.pod && source.podChanged(detail.pod),
    { signal: stopped.signal },
  );
  live.addEventListener("return", () => source.returned(), { signal: stopped.signal });
  source.load(false);
}

function search(view) {
  const input = element("input", {
    type: "search",
    placeholder: t("logs.search"),
    "aria-label": t("logs.search"),
    spellcheck: "false",
  });
  const count = element("span", { class: "count", role: "status" });
  const show = ({ at, total }) => setText(count, input.value ? t("logs.count", { at, total }) : "");
  const step = (by) => {
    run.cancel();
    view.search(input.value);
    view.goToMatch(by);
  };
  const run = debounced(() => view.search(input.value), 150);
  view.onmatches = show;
  input.addEventListener("input", run);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && input.value) {
      // The first Escape empties the field, the next closes the dialog.
      event.preventDefault();
      input.value = "";
      view.search("");
    }
  });
  return element(
    "div",
    { class: "search", role: "search" },
    icon("search"),
    input,
    count,
    iconButton("up", t("logs.before"), () => step(-1)),
    iconButton("down", t("logs.after"), () => step(1)),
  );
}
