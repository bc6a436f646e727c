import { element, newId } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { t } from "./text.js";

/** A button; with an icon before its text where `options.icon` says so. */
export function button(text, { icon: name, kind = "", onclick, type = "button", ...attributes } = {}) {
  return element(
    "button",
    { type, class: kind || null, onclick, ...attributes },
    name ? icon(name) : null,
    element("span", {}, text),
  );
}

/** A button that shows an icon only; its name is read out and shown as a tooltip. */
export function iconButton(name, text, onclick, attributes = {}) {
  return element(
    "button",
    { type: "button", class: "icon-button", title: text, "aria-label": text, onclick, ...attributes },
    icon(name),
  );
}

/** A control with its label, a hint and the place for its error. */
export function field(name, label, control, hint) {
  const id = newId(name);
  control.id = id;
  control.name = name;
  const { hintNode, error, describedBy } = notes(id, hint);
  control.setAttribute("aria-describedby", describedBy);
  return element(
    "div",
    { class: "field", "data-field": name },
    element("label", { for: id }, label),
    control,
    hintNode,
    error,
  );
}

/** A checkbox with its label behind it. */
export function checkbox(name, label, checked, hint) {
  const id = newId(name);
  const { hintNode, error, describedBy } = notes(id, hint);
  const control = element("input", { type: "checkbox", id, name, checked, "aria-describedby": describedBy });
  return element(
    "div",
    { class: "field", "data-field": name },
    element("label", { class: "check", for: id }, control, label),
    hintNode,
    error,
  );
}

/** Controls under one legend, with the place for an error. */
export function fieldset(name, legend, controls, hint) {
  const { hintNode, error, describedBy } = notes(newId(name), hint);
  return element(
    "fieldset",
    { class: "field", "data-field": name, "aria-describedby": describedBy },
    element("legend", {}, legend),
    hintNode,
    controls,
    error,
  );
}

function notes(id, hint) {
  const hintNode = hint ? element("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  const error = element("p", { class: "field-error", id: `${id}-error`, hidden: true });
  return { hintNode, error, describedBy: hint ? `${id}-hint ${id}-error` : `${id}-error` };
}

/**
 * A form that is checked by the server. `action` gets the form's data; what it throws is shown at the fields it belongs
 * to and in a summary that gets the focus. `more` are further buttons.
 */
export function createForm({ content, label, danger = false, more = [], action }) {
  const summary = element("div", { class: "summary", role: "alert", tabindex: "-1", hidden: true });
  const submit = button(label, { type: "submit", kind: danger ? "danger" : "primary" });
  const form = element(
    "form",
    { novalidate: true },
    summary,
    content,
    element("div", { class: "actions" }, submit, more),
  );
  // Where somebody repairs what was wrong, it is not wrong any more: whether it is right is found out again.
  form.addEventListener("input", ({ target }) => {
    const place = target.closest("[data-field]");
    if (place) clearErrors(place);
    if (!form.querySelector(".field-error:not([hidden])")) summary.hidden = true;
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    summary.hidden = true;
    clearErrors(form);
    try {
      await action(new FormData(form), form);
    } catch (error) {
      showErrors(form, error);
    } finally {
      form.ariaBusy = "false";
    }
  });
  return form;
}

function clearErrors(part) {
  for (const node of part.querySelectorAll(".field-error")) node.hidden = true;
  for (const node of part.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
}

function showErrors(form, error) {
  const items = (error.fields ?? []).map((wrong) => item(form, wrong));
  const texts = error.errors?.length > 0 ? error.errors : [explain(error)];
  const others = items.length > 0 ? [] : texts;
  const summary = form.querySelector(".summary");
  summary.hidden = false;
  summary.replaceChildren(
    element("p", {}, t("form.problems", { count: items.length + others.length })),
    element(
      "ul",
      {},
      items,
      others.map((text) => element("li", {}, text)),
    ),
  );
  summary.focus();
}

function item(form, { field: name, message }) {
  const place = [...form.querySelectorAll("[data-field]")].find((node) => node.dataset.field === name);
  const control = place?.querySelector("input, select, textarea");
  if (!control) return element("li", {}, message);
  const note = place.querySelector(".field-error");
  note.textContent = note.hidden ? message : `${note.textContent}\n${message}`;
  note.hidden = false;
  // Of several controls under one legend nobody knows which one it is; those of a choice are one.
  const controls = place.querySelectorAll("input, select, textarea");
  if (controls.length === 1 || control.type === "radio")
    controls.forEach((each) => each.setAttribute("aria-invalid", "true"));
  return element(
    "li",
    {},
    element("button", { type: "button", class: "link", onclick: () => control.focus() }, message),
  );
}
