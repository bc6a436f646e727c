import * as api from "../api.js";
import { askWhileAwaited } from "../awaited.js";
import { copyButton } from "../clipboard.js";
import { openDialog } from "../dialog.js";
import { element, setText } from "../dom.js";
import { button } from "../form.js";
import { icon } from "../icons.js";
import { fill } from "../loading.js";
import { serviceName } from "../ports.js";
import { known, t } from "../text.js";

/** Shows the links of a pod, and keeps them up to date while the dialog is open. */
export function openConnection(pod, pods) {
  const stopped = new AbortController();
  const { signal } = stopped;
  const content = element("div");
  let shown = null;
  let said = signature(pod);
  const show = (links) => {
    shown = links;
    askAgain(links);
    return services(links);
  };
  const refresh = async () => {
    let links = shown;
    try {
      links = await api.getConnections(pod.podId);
    } catch (error) {
      console.warn("the links of a pod:", error.message);
    }
    if (signal.aborted) return;
    // The same again: leave it as it is, with the focus and the token that was asked for.
    if (JSON.stringify(links) === JSON.stringify(shown)) {
      if (links) askAgain(links);
      return;
    }
    const hadFocus = content.contains(document.activeElement);
    content.replaceChildren(...show(links));
    if (hadFocus) dialog.querySelector("button").focus();
  };
  const askAgain = askWhileAwaited(refresh, signal);
  const dialog = openDialog({
    title: t("connection.title", { name: pod.podName }),
    content,
    onclose: () => stopped.abort(),
  });
  pods.addEventListener(
    "change",
    ({ detail }) => {
      if (detail.podId !== pod.podId || !detail.pod || signature(detail.pod) === said) return;
      said = signature(detail.pod);
      refresh();
    },
    { signal },
  );
  pods.addEventListener("load", refresh, { signal });
  fill(content, () => api.getConnections(pod.podId), show);
}

function signature(pod) {
  return JSON.stringify([pod.status, pod.httpServices]);
}

function services(links) {
  const http = links.httpServices.map(httpService);
  const tcp = links.tcpServices.map((service) =>
    item(service, service.status === "disable" ? [] : [address(service.url)]),
  );
  const list = [...http, ...tcp];
  const said = links.message ?? (list.length === 0 ? known(`connection.${links.status}`, t("connection.none")) : null);
  return [
    said ? element("p", {}, said) : null,
    links.status === "starting" ? element("p", { role: "status" }, t("connection.wait")) : null,
    list.length > 0 ? element("ul", { class: "services" }, list) : null,
  ].filter(Boolean);
}

function httpService(service) {
  const url = webAddress(service.url);
  const name = serviceName(service);
  if (service.status !== "ready" || !url) return item(service, []);
  const token = url.searchParams.get("token");
  const bare = new URL(url);
  bare.searchParams.delete("token");
  const open = element(
    "a",
    { class: "button primary", href: url.href, target: "_blank", rel: "noopener noreferrer" },
    icon("open"),
    t("connection.open"),
    element("span", { class: "unseen" }, ` ${name} ${t("connection.newTab")}`),
  );
  return item(service, [
    address(bare.href),
    element("div", { class: "button-row" }, open, copyButton(url.href, `${name}, ${t("connection.link")}`)),
    token ? tokenLine(token, name) : null,
  ]);
}

function item(service, content) {
  return element(
    "li",
    {},
    element(
      "h3",
      {},
      serviceName(service),
      " ",
      element("span", { class: "muted" }, t("connection.port", { port: service.port })),
      " ",
      element("span", { class: `badge ${service.status}` }, known(`service.${service.status}`, service.status)),
    ),
    content,
  );
}

function address(text) {
  return element("p", { class: "address" }, text);
}

function tokenLine(token, name) {
  const text = element("code", {}, "••••••••••••");
  const show = button(t("token.show"), { kind: "quiet", "aria-pressed": "false" });
  show.addEventListener("click", () => {
    const visible = show.ariaPressed !== "true";
    show.ariaPressed = String(visible);
    setText(show.querySelector("span"), t(visible ? "token.hide" : "token.show"));
    setText(text, visible ? token : "••••••••••••");
  });
  return element(
    "div",
    { class: "token" },
    element("span", {}, t("token")),
    text,
    show,
    copyButton(token, `${name}, ${t("token")}`),
  );
}

// Nothing but a web address becomes a link, whatever the server sends.
function webAddress(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url && ["http:", "https:"].includes(url.protocol) ? url : null;
}
