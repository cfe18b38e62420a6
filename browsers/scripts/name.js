// Names an element as people see it.
(element) => {
  const names = [element.getAttribute("aria-label"), element.innerText, element.placeholder, element.title];
  const name = ([...names, element.name, element.id].find((each) => each && each.trim()) || "").trim();
  const sort = element.tagName === "A" ? "link" : element.tagName.toLowerCase();
  return name ? `${sort} "${name.replace(/\s+/g, " ").slice(0, 60)}"` : sort;
}
