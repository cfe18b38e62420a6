// Inputs of a date and time: the server speaks UTC, who types means their own clock. Without scripts the label says UTC.
const pad = (number, length = 2) => String(number).padStart(length, "0");

function local(at) {
  const day = `${pad(at.getFullYear(), 4)}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day}T${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

function take(root) {
  for (const input of root.querySelectorAll("input[data-zoned]")) {
    input.removeAttribute("data-zoned");
    input.dataset.local = "";
    const at = new Date(`${input.value}Z`);
    if (input.value && !Number.isNaN(at.valueOf())) input.value = local(at);
    const said = input.closest(".field")?.querySelector("[data-takes]");
    if (said) said.textContent = said.textContent.replace("in UTC", `by your clock (${zone()})`);
  }
}

function zone() {
  return new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts().find((part) => part.type === "timeZoneName").value;
}

// Fires for htmx, too, which reads a form through FormData.
document.addEventListener("formdata", (event) => {
  for (const input of event.target.querySelectorAll("input[data-local]")) {
    const at = new Date(input.value);
    if (input.value && !Number.isNaN(at.valueOf())) event.formData.set(input.name, at.toISOString());
  }
});

take(document);
document.addEventListener("htmx:load", (event) => take(event.detail.elt));
