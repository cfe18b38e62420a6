// Ctrl-K: one box for objects, commands and pages. Arrows choose, Enter goes there; a command's form opens right here,
// and its answer, so that a call needs no page of its own.
import { ask } from "./asking.js";

const WAIT_MS = 90;
const dialog = document.querySelector("#palette");
const box = dialog?.querySelector('input[type="search"]');
const found = dialog?.querySelector(".found");
const pane = dialog?.querySelector("[data-palette-run]");
let asking = null;
let waiting = 0;

const options = () => [...found.querySelectorAll('[role="option"]')];
const chosen = () => found.querySelector('[aria-selected="true"]');

function choose(option) {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  if (option) box.setAttribute("aria-activedescendant", option.id);
  else box.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

async function look() {
  asking?.abort();
  asking = new AbortController();
  const query = new URLSearchParams({ find: box.value, at: dialog.dataset.at });
  try {
    const { text, ok } = await ask(`${dialog.dataset.palette}?${query}`, asking.signal);
    if (!ok) return;
    found.innerHTML = text;
    choose(options()[0]);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function open(text = "") {
  if (dialog.open) return;
  back();
  box.value = text;
  dialog.showModal();
  box.focus();
  look();
}

// Back to what was found.
function back() {
  pane.hidden = true;
  pane.replaceChildren();
  found.hidden = false;
  box.disabled = false;
}

async function run(option) {
  const { text } = await ask(option.href);
  const head = document.createElement("div");
  head.className = "palette-head";
  const title = document.createElement("h2");
  title.textContent = option.dataset.run;
  const leave = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: "Back" });
  leave.addEventListener("click", () => (back(), box.focus()));
  head.append(leave, title);
  const content = document.createElement("div");
  content.innerHTML = text;
  pane.replaceChildren(head, content);
  rename();
  pane.hidden = false;
  found.hidden = true;
  htmx.process(content);
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: content } }));
  const fields = content.querySelectorAll("input:not([type=hidden]), textarea, select, .go");
  const empty = [...fields].find((field) => !field.value && field.required);
  (empty ?? content.querySelector(".go") ?? leave).focus();
}

// The page beneath may show the same form: ids here are others, so that labels find their own inputs.
function rename() {
  for (const element of pane.querySelectorAll("[id]:not([id^='palette-'])")) {
    const old = element.id;
    element.id = `palette-${old}`;
    for (const label of pane.querySelectorAll("label")) if (label.htmlFor === old) label.htmlFor = element.id;
    for (const input of pane.querySelectorAll("input[list]")) if (input.getAttribute("list") === old) input.setAttribute("list", element.id);
    for (const described of pane.querySelectorAll("[aria-describedby]")) {
      const ids = described.getAttribute("aria-describedby").split(" ");
      described.setAttribute("aria-describedby", ids.map((id) => (id === old ? element.id : id)).join(" "));
    }
  }
}

if (dialog) {
  pane.addEventListener("htmx:afterSettle", rename);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      dialog.open ? dialog.close() : open();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-palette-open]")) open();
    else if (event.target === dialog) dialog.close();
  });
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, WAIT_MS);
  });
  box.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 };
    if (event.key === "Enter") {
      event.preventDefault();
      chosen()?.click();
    } else if (event.key in moves && all.length && !((event.key === "Home" || event.key === "End") && box.value)) {
      event.preventDefault();
      choose(all[moves[event.key] % all.length]);
    }
  });
  found.addEventListener("click", (event) => {
    const option = event.target.closest("[data-run]");
    if (!option || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    run(option);
  });
  found.addEventListener("pointermove", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option && option !== chosen()) choose(option);
  });
  // Esc leaves a form first, then the palette.
  dialog.addEventListener("cancel", (event) => {
    if (pane.hidden) return;
    event.preventDefault();
    back();
    box.focus();
  });
}
