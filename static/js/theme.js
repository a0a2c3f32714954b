// Runs before the first paint, therefore not a module: sets the remembered theme, if any.
(() => {
  const theme = window.localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
