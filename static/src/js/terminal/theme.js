// The colours of the page as xterm.js wants them. Custom properties of the element hold them, for both themes
// (css/terminal.css); the browser works out what holds now.

const NAMES = [
  "background", "foreground", "cursor", "cursorAccent", "selectionBackground",
  "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
  "brightBlack", "brightRed", "brightGreen", "brightYellow", "brightBlue", "brightMagenta", "brightCyan", "brightWhite",
]; // prettier-ignore

export function themeOf(element) {
  const probe = element.appendChild(document.createElement("i"));
  const theme = {};
  for (const name of NAMES) {
    probe.style.color = `var(--terminal-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)})`;
    theme[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  theme.overviewRulerBorder = theme.background;
  return theme;
}

// Calls when the person chose another theme, or the system did.
export function onThemeChange(call) {
  new MutationObserver(call).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", call);
}
