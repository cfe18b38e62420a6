// Remembers which theme a person chose; without a choice the system's holds (see css/tokens.css).
// A button with data-theme-switch changes it.
const KEY = "grove-theme";

function shown() {
  return document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
}

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is blocked: the system's theme holds
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // storage is blocked: the choice lasts until the page is left
  }
}

const choice = kept();
if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || !event.target.closest("[data-theme-switch]")) return;
  const next = shown() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  keep(next);
});
