// Files dropped on a folder go into it, each with its progress; one that would replace another asks first.
import { say } from "./calls.js";

const AT_ONCE = 3;

function zone(target) {
  return target instanceof Element ? target.closest("[data-drop]") : null;
}

function token() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
}

function line(list, name) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  const bar = document.createElement("progress");
  const said = document.createElement("span");
  label.textContent = name;
  label.className = "data";
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `${name} is sent`);
  item.append(label, bar, said);
  list.append(item);
  return { item, bar, said };
}

function send(address, file, shown, replace) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${address}${replace ? "" : "&new=yes"}`);
    request.setRequestHeader("X-CSRFToken", token());
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => (shown.bar.value = total ? loaded / total : 0);
    request.onloadend = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // the connection broke: there is no answer
      }
      done({ status: request.status, answer });
    };
    request.send(file);
  });
}

async function upload(box, file) {
  const list = box.querySelector("[data-uploads]");
  const name = box.dataset.folder + (file.webkitRelativePath || file.name);
  const address = `${box.dataset.drop}?name=${encodeURIComponent(name)}`;
  const shown = line(list, file.name);
  let { status, answer } = await send(address, file, shown, false);
  if (status === 409) {
    const ask = document.createElement("button");
    ask.type = "button";
    ask.textContent = "Replace";
    shown.said.textContent = "There is such a file already. ";
    shown.said.append(ask);
    await new Promise((yes) => ask.addEventListener("click", yes, { once: true }));
    shown.said.textContent = "";
    ({ status, answer } = await send(address, file, shown, true));
  }
  if (status === 200) {
    shown.item.remove();
    say(`${file.name} is kept`);
    htmx.trigger(document.body, "object-changed", { version: answer.version });
  } else {
    shown.bar.remove();
    shown.said.className = "refusal";
    shown.said.textContent = answer.detail ?? "It could not be sent. Try again.";
  }
}

async function uploadAll(box, files) {
  const waiting = [...files];
  const work = async () => {
    while (waiting.length) await upload(box, waiting.shift());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const box = zone(event.target);
    if (!box || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    box.toggleAttribute("data-over", name === "dragover");
    if (name === "drop") uploadAll(box, event.dataTransfer.files);
  });
}
document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-drop-pick]")) return;
  uploadAll(zone(event.target), event.target.files).then(() => (event.target.value = ""));
});

function show() {
  for (const hint of document.querySelectorAll("[data-drop-hint][hidden]")) hint.hidden = false;
}

show();
document.addEventListener("htmx:afterSwap", show);
