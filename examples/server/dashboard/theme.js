const KEY = "neuropod.theme";

/** Whether the page is dark now, by choice or as the system is. */
export function isDark() {
  return (
    (document.documentElement.dataset.theme ??
      (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark"
  );
}

/** Chooses light or dark, and keeps the choice. */
export function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(KEY, theme);
}
