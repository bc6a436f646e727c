import { element, newId } from "./dom.js";
import { button, createForm } from "./form.js";
import { icon } from "./icons.js";
import { t } from "./text.js";

/**
 * Opens a modal dialog with a title, a close button and this content. Escape and a click beside it close it, and the
 * browser gives the focus back. `onclose` is called once it is gone.
 */
export function openDialog({ title, content, size = "", onclose }) {
  const heading = element("h2", { id: newId("title") }, title);
  const close = element("button", { type: "button", class: "quiet", "aria-label": t("close") }, icon("close"));
  const dialog = element(
    "dialog",
    { class: size, "aria-labelledby": heading.id },
    element("header", {}, heading, close),
    content,
  );
  close.addEventListener("click", () => dialog.close());
  // Only the backdrop has the dialog itself as the target; a text selected beyond the edge begins inside.
  let pressed = null;
  dialog.addEventListener("pointerdown", (event) => (pressed = event.target));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && pressed === dialog && !dialog.querySelector("form")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    onclose?.();
    // What opened it may be gone, as the row of a deleted pod is.
    if (document.activeElement === document.body) document.querySelector("main h1")?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Opens a dialog with a form. `action` gets its data; the dialog closes when that succeeds and shows what went wrong
 * otherwise.
 */
export function openForm({ title, content, label, danger = false, size = "small", action }) {
  const cancel = button(t("cancel"));
  const form = createForm({
    content,
    label,
    danger,
    more: [cancel],
    action: async (data) => {
      await action(data);
      dialog.close();
    },
  });
  const dialog = openDialog({ title, content: form, size });
  cancel.addEventListener("click", () => dialog.close());
  // Where there is nothing to fill in, Enter must not do what has just been asked.
  (form.querySelector("input, select, textarea") ?? cancel).focus();
  return dialog;
}

/** Closes every dialog: the session has ended. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}
