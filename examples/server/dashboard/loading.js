import { element } from "./dom.js";
import { explain } from "./errors.js";
import { button } from "./form.js";
import { t } from "./text.js";

// What was asked for last; the answer to an earlier question can come after that to a later one.
const newest = new WeakMap();

/**
 * Fills `container` with what `show` makes of the result of `load`, and says meanwhile that it is loading. A failure is
 * shown, with a way to try again.
 */
export async function fill(container, load, show) {
  if (!container.hasChildNodes()) container.append(element("p", { class: "muted", role: "status" }, t("loading")));
  const mine = {};
  newest.set(container, mine);
  try {
    const value = await load();
    if (newest.get(container) !== mine) return;
    container.replaceChildren(...[show(value)].flat());
  } catch (error) {
    if (newest.get(container) !== mine) return;
    const again = button(t("retry"), { onclick: () => fill(container, load, show) });
    container.replaceChildren(
      element("div", { class: "failure", role: "alert" }, element("p", {}, explain(error)), again),
    );
  }
}
