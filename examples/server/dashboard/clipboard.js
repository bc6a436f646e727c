import { element } from "./dom.js";
import { button } from "./form.js";
import { t } from "./text.js";

/** A button that copies a text and says so. `name` says what it copies. */
export function copyButton(text, name) {
  const copy = button(t("copy"), { icon: "copy", kind: "quiet", "aria-label": `${t("copy")}: ${name}` });
  const said = element("span", { class: "unseen", role: "status" });
  copy.addEventListener("click", async () => {
    const key = (await write(text, copy)) ? "copied" : "copy.failed";
    copy.querySelector("span").textContent = t(key);
    said.textContent = t(key);
    setTimeout(() => {
      copy.querySelector("span").textContent = t("copy");
      said.textContent = "";
    }, 2_000);
  });
  return element("span", { class: "copy" }, copy, said);
}

async function write(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No permission, or a page without TLS, which has no clipboard at all: the old way, inside the dialog, since the
    // rest of the page can't have the focus.
    const area = element("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
    area.value = text;
    near.after(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    near.focus();
    return done;
  }
}
