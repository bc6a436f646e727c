/**
 * Makes an element. Attributes that are `null`, `undefined` or `false` are left out, `true` is the empty attribute, a
 * function under `onclick` and the like is a listener. Children are nodes or texts: a text stays text, whatever is in
 * it.
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** The heading of a view, which names the page too and can have the focus: a new view is read from there. */
export function heading(text) {
  document.title = `${text} · Neuropod`;
  return element("h1", { tabindex: "-1" }, text);
}

/** Sets the text of a node where it differs, so that nothing flickers and a selection stays. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or removes an attribute, where that changes anything. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Hides or shows an element, where that changes anything: `hidden` is written anew even if it is the same. */
export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

let ids = 0;

/** A new id for an element that another one refers to. */
export function newId(word) {
  ids += 1;
  return `${word}-${ids}`;
}

/** `action`, once there were no calls for `wait` milliseconds. */
export function debounced(action, wait) {
  let timer;
  const call = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait, ...values);
  };
  call.cancel = () => clearTimeout(timer);
  return call;
}

/** `action`, once before the next picture is painted, however often it is called until then. */
export function perFrame(action) {
  let frame = null;
  const call = () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      action();
    });
  };
  call.cancel = () => {
    cancelAnimationFrame(frame);
    frame = null;
  };
  return call;
}

/** Offers a text as a file to keep. */
export function download(name, text, type = "text/plain") {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
