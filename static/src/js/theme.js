// Changes the theme without a request. The choice is a cookie, so that the server writes it into the next page and
// nothing flashes (objects/surfaces/pages/themes.py does the same for a sent form).
const YEAR_S = 365 * 86_400;
const root = document.documentElement;

function shown() {
  return root.dataset.theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element && event.target.closest("[data-theme-switch]");
  if (!button) return;
  event.preventDefault();
  const next = shown() === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `grove_theme=${next}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
});
