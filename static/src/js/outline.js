// The tree beside the page: folders that open in place and stay open, and all of it by keyboard as trees are.
// Rows are a flat list with depths (templates/objects/_branch.html); a folder's rows follow its own.
import { ask, send } from "./asking.js";

const TYPED_MS = 700;
const outline = () => document.querySelector("#outline");
const links = () => [...outline().querySelectorAll(".row-name")];
const rowOf = (element) => element.closest(".row");
const depthOf = (row) => Number(row.dataset.depth);
let typed = "";
let typedAt = 0;

function beneath(row) {
  const found = [];
  for (let next = row.nextElementSibling; next && depthOf(next) > depthOf(row); next = next.nextElementSibling) found.push(next);
  return found;
}

// Roles come with the script that makes them true. One row is in the tab order: the one last left, or the current one.
function dress() {
  const list = outline();
  if (!list) return;
  const all = links();
  if (all.length === 0) {
    list.removeAttribute("role"); // a tree without a row in it is none: a list that says so
    return;
  }
  list.setAttribute("role", "tree");
  for (const row of list.children) {
    row.setAttribute("role", "none");
    const link = row.querySelector(".row-name");
    if (!link) continue;
    link.setAttribute("role", "treeitem");
    link.setAttribute("aria-level", String(depthOf(row) + 1));
    if (row.dataset.open) link.setAttribute("aria-expanded", String(row.dataset.open === "yes"));
    else link.removeAttribute("aria-expanded");
    link.tabIndex = -1;
    const twist = row.querySelector(".twist");
    if (twist) {
      twist.tabIndex = -1;
      twist.setAttribute("aria-hidden", "true");
    }
  }
  const first = all.find((link) => link === document.activeElement) ?? all.find((link) => link.ariaCurrent) ?? all[0];
  first.tabIndex = 0;
}

function focus(link) {
  if (!link) return;
  for (const other of links()) other.tabIndex = -1;
  link.tabIndex = 0;
  link.focus();
  rowOf(link).scrollIntoView({ block: "nearest" });
}

async function put(row, address, how) {
  row.classList.add("is-busy");
  try {
    const { text, ok } = await ask(address);
    if (!ok) return;
    how === "instead" ? (row.outerHTML = text) : row.insertAdjacentHTML("afterend", text);
  } finally {
    row.classList.remove("is-busy");
  }
  dress();
}

async function open(row) {
  if (row.dataset.open !== "no") return;
  row.dataset.open = "yes";
  dress();
  const { path, depth } = row.dataset;
  const list = outline();
  send(list.dataset.remember, { path, open: "yes" });
  await put(row, `${list.dataset.branch}?${new URLSearchParams({ at: path, depth: Number(depth) + 1 })}`);
}

function close(row) {
  if (row.dataset.open !== "yes") return;
  row.dataset.open = "no";
  for (const inner of beneath(row)) inner.remove();
  send(outline().dataset.remember, { path: row.dataset.path, open: "no" });
  dress();
}

async function more(link) {
  const row = rowOf(link);
  const before = row.previousElementSibling;
  await put(row, link.dataset.more, "instead");
  focus((before?.nextElementSibling ?? outline().firstElementChild)?.querySelector(".row-name"));
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const twist = event.target.closest("#outline .twist");
  const link = event.target.closest("#outline [data-more]");
  if (twist) {
    event.preventDefault();
    const row = rowOf(twist);
    row.dataset.open === "yes" ? close(row) : open(row);
  } else if (link?.dataset.more.includes("/branch/")) {
    event.preventDefault();
    more(link);
  }
});

document.addEventListener("keydown", (event) => {
  const link = event.target instanceof Element && event.target.closest("#outline .row-name");
  if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = links();
  const at = all.indexOf(link);
  const row = rowOf(link);
  const keys = {
    ArrowDown: () => focus(all[at + 1]),
    ArrowUp: () => (at === 0 ? document.querySelector("#side-find").focus() : focus(all[at - 1])),
    Home: () => focus(all[0]),
    End: () => focus(all.at(-1)),
    ArrowRight: () => (row.dataset.open === "yes" ? focus(all[at + 1]) : open(row)),
    ArrowLeft: () => {
      if (row.dataset.open === "yes") return close(row);
      let above = row.previousElementSibling;
      while (above && depthOf(above) >= depthOf(row)) above = above.previousElementSibling;
      focus(above?.querySelector(".row-name"));
    },
  };
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  } else if (event.key.length === 1 && event.key !== " " && event.key !== "/") {
    event.preventDefault();
    typeAhead(event.key, all, at);
  }
});

function typeAhead(letter, all, at) {
  const now = performance.now();
  typed = now - typedAt > TYPED_MS ? letter : typed + letter;
  typedAt = now;
  const begun = typed.toLowerCase();
  const from = begun.length > 1 ? at : at + 1; // a longer beginning may still be this one
  focus([...all.slice(from), ...all.slice(0, from)].find((link) => link.textContent.trim().toLowerCase().startsWith(begun)));
}

// From the box to what it found.
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "side-find") return;
  if (event.key === "ArrowDown") {
    event.preventDefault();
    focus(links()[0]);
  } else if (event.key === "Enter" && event.target.value && links()[0]) {
    event.preventDefault();
    links()[0].click();
  }
});

// The current row is in view, without moving the page.
const current = document.querySelector("#outline .is-current");
const side = document.querySelector("#side");
if (current && side && current.offsetTop > side.clientHeight - 80) side.scrollTop = current.offsetTop - side.clientHeight / 3;

dress();
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "outline" || event.detail.elt?.id === "outline") dress();
});
document.addEventListener("htmx:load", (event) => {
  if (event.detail.elt.id === "outline") dress();
});
