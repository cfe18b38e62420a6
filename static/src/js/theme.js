// Changes the look without a request. The choice is a cookie, so that the server writes it into the next page and
// nothing flashes (objects/surfaces/pages/themes.py does the same for a sent form).
const YEAR_S = 365 * 86_400;
const root = document.documentElement;

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element && event.target.closest("#look button[name]");
  if (!button) return;
  event.preventDefault();
  const { name, value } = button;
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `grove_${name}=${value}; Path=/; Max-Age=${value ? YEAR_S : 0}; SameSite=Lax${secure}`;
  for (const other of document.querySelectorAll(`#look button[name="${name}"]`)) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  document.querySelector("#look").hidePopover?.();
});
