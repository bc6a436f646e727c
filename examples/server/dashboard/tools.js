import { element } from "./dom.js";
import { iconButton } from "./form.js";
import { icon } from "./icons.js";
import { language, setLanguage, t } from "./text.js";
import { isDark, setTheme } from "./theme.js";

/** Goes to the other language. */
export function languageButton(changed) {
  const other = language() === "es" ? "en" : "es";
  // In the other language itself, for who does not read this one.
  const name = other === "es" ? "Español" : "English";
  const change = () => {
    setLanguage(other);
    changed();
  };
  return element("button", { type: "button", class: "quiet", lang: other, onclick: change }, name);
}

/** Goes from light to dark and back. */
export function themeButton() {
  const button = iconButton(isDark() ? "light" : "dark", "", () => {
    setTheme(isDark() ? "light" : "dark");
    update();
  });
  const update = () => {
    const text = t(isDark() ? "theme.light" : "theme.dark");
    button.title = text;
    button.ariaLabel = text;
    button.replaceChildren(icon(isDark() ? "light" : "dark"));
  };
  update();
  return button;
}
