// Not a module, so that it runs before anything is painted: a page that turns dark after a white flash hurts at night.
{
  const theme = localStorage.getItem("neuropod.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
