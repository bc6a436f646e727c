import { element } from "./dom.js";
import { explain } from "./errors.js";
import { button } from "./form.js";
import { t } from "./text.js";

/**
 * Fills `container` with what `show` makes of what `load` answers, and says meanwhile that it is loading. A failure is
 * told, with a way to try again.
 */
export async function fill(container, load, show) {
  if (!container.hasChildNodes()) container.append(element("p", { class: "muted", role: "status" }, t("loading")));
  try {
    const value = await load();
    container.replaceChildren(...[show(value)].flat());
  } catch (error) {
    const again = button(t("retry"), { onclick: () => fill(container, load, show) });
    container.replaceChildren(
      element("div", { class: "failure", role: "alert" }, element("p", {}, explain(error)), again),
    );
  }
}
