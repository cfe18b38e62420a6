// Gives the fields of the page: form, label, type, name, value.
() => [...document.querySelectorAll("input,select,textarea")].slice(0, 1000)
  .filter((each) => !["hidden", "submit", "button", "image", "reset"].includes(each.type))
  .map((each) => {
    const label = each.labels && each.labels[0]
      ? [...each.labels[0].childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join(" ") : "";
    const named = (label || each.getAttribute("aria-label") || each.placeholder || each.name || each.id || "").trim();
    const form = each.form ? (each.form.id ? `#${each.form.id}` : each.form.name || "form") : "";
    const ticks = each.type === "checkbox" || each.type === "radio";
    const value = ticks ? (each.checked ? "yes" : "no") : each.type === "password" ? (each.value ? "•••" : "") : each.value;
    return [form, named.replace(/\s+/g, " ").slice(0, 100), each.type, each.name, String(value).slice(0, 1000)];
  })
