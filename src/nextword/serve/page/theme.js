// Light or dark: as the system says, unless this reader chose. It is no module, so that it runs before the first paint.
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("nextword-theme");
  } catch {
    // Storage may be forbidden: the choice then lasts as long as the page.
  }

  const isDark = () => (chosen ? chosen === "dark" : system.matches);
  const show = () => {
    root.dataset.theme = isDark() ? "dark" : "light";
    const button = document.getElementById("theme-button");
    if (button) button.setAttribute("aria-pressed", String(isDark()));
    // Canvases hold painted colours, so they have to be told.
    document.dispatchEvent(new Event("theme"));
  };

  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme-button").addEventListener("click", () => {
      chosen = isDark() ? "light" : "dark";
      try {
        localStorage.setItem("nextword-theme", chosen);
      } catch {
        // As above.
      }
      show();
    });
  });
}
