// Gives what can be clicked or filled, or the elements given: selector, name, sort, text, state.
([most, given, seen]) => {
  const path = (element) => {
    const parts = [];
    for (let each = element; each && each.nodeType === 1; each = each.parentElement) {
      if (each.id && document.querySelectorAll(`#${CSS.escape(each.id)}`).length === 1) {
        parts.unshift(`#${CSS.escape(each.id)}`);
        break;
      }
      const tag = CSS.escape(each.localName);
      const same = each.parentElement ? [...each.parentElement.children].filter((one) => one.localName === each.localName) : [];
      parts.unshift(same.length > 1 ? `${tag}:nth-of-type(${same.indexOf(each) + 1})` : tag);
    }
    return parts.join(" > ");
  };
  const inSight = (element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight
      && box.left < innerWidth && style.visibility !== "hidden" && !element.closest("[inert]");
  };
  const sorts = "a[href],button,input:not([type=hidden]),select,textarea,summary,[role=button],[role=link],[role=tab],"
    + "[role=menuitem],[role=checkbox],[role=switch],[role=option],[contenteditable=true],[onclick]";
  const all = given || [...document.querySelectorAll(sorts)];
  return all.filter((each) => each.isConnected && (!seen || inSight(each))).slice(0, most).map((each) => {
    const label = each.labels && each.labels[0]
      ? [...each.labels[0].childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join(" ") : "";
    const names = [label, each.getAttribute("aria-label"), each.innerText, each.placeholder, each.title, each.name, each.alt];
    const text = (names.find((name) => name && name.trim()) || "").trim().replace(/\s+/g, " ").slice(0, 80);
    const tag = each.localName;
    const sort = each.getAttribute("role") || (tag === "a" ? "link" : tag === "button" ? tag : each.type || tag);
    const state = [each.disabled && "disabled", each.checked && "ticked", each === document.activeElement && "focus",
      each.getAttribute("aria-expanded") === "true" && "open"].filter(Boolean).join(", ");
    return [path(each), text, sort, text, state];
  });
}
