import { openDialog } from "../dialog.js";
import { element, setText } from "../dom.js";
import { explain } from "../errors.js";
import { button } from "../form.js";
import { notify } from "../notices.js";
import { t } from "../text.js";

/**
 * Does something to several items, once somebody has confirmed it: one after the other, each with a request of its own,
 * so that a failure does not stop the others. Failed items are listed by name, with a button that retries only them.
 *
 * `texts` are `{title, explanation, label, working(done, total), done(count)}`; `action` does it to one item.
 * Returns whether the dialog was closed with everything done.
 */
export function askToDoAll(items, { texts, name, action, danger = false }) {
  return new Promise((resolve) => {
    let remaining = items;
    let done = 0;
    let busy = false;
    let closed = false;
    const status = element("p", { role: "status" });
    const failures = element("div", { role: "alert", hidden: true });
    const list = element(
      "ul",
      { class: "bulk-names", tabindex: "0", "aria-label": texts.title },
      items.map((item) => element("li", {}, name(item))),
    );
    const go = button(texts.label, { kind: danger ? "danger" : "primary", onclick: () => run() });
    const cancel = button(t("cancel"), { onclick: () => dialog.close() });
    const run = async () => {
      if (busy) return;
      busy = true;
      go.ariaDisabled = "true";
      failures.hidden = true;
      const failed = [];
      const total = remaining.length;
      for (const [index, item] of remaining.entries()) {
        // Closing the dialog stops the work: items that have not begun are left alone.
        if (closed) break;
        setText(status, texts.working(index + 1, total));
        try {
          await action(item);
          done += 1;
        } catch (error) {
          failed.push([item, explain(error)]);
        }
      }
      busy = false;
      go.ariaDisabled = "false";
      if (done > 0 && (failed.length === 0 || closed)) notify(texts.done(done));
      if (closed) return;
      if (failed.length === 0) return dialog.close();
      remaining = failed.map(([item]) => item);
      list.hidden = true;
      setText(status, t("bulk.failed", { count: failed.length, done }));
      const each = ([item, why]) => element("li", {}, element("strong", {}, name(item)), ` ${why}`);
      failures.replaceChildren(element("ul", { class: "bulk-failures", tabindex: "0" }, failed.map(each)));
      failures.hidden = false;
      go.querySelector("span").textContent = t("retry");
    };
    const dialog = openDialog({
      title: texts.title,
      size: "small",
      content: element(
        "div",
        { class: "bulk" },
        element("p", {}, texts.explanation),
        list,
        status,
        failures,
        element("div", { class: "actions" }, go, cancel),
      ),
      onclose: () => {
        closed = true;
        resolve(done);
      },
    });
    // Enter must not do what has just been asked.
    cancel.focus();
  });
}
