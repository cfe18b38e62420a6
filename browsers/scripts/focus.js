// Names what has the keyboard's focus; "" where nothing has.
() => {
  let element = document.activeElement;
  while (element && element.shadowRoot && element.shadowRoot.activeElement) element = element.shadowRoot.activeElement;
  if (!element || element === document.body) return "";
  if (element.tagName === "IFRAME") return "a frame";
  const name = element.getAttribute("aria-label") || element.placeholder || element.name || element.id || "";
  return element.tagName.toLowerCase() + (name ? ` "${name.slice(0, 60)}"` : "");
}
