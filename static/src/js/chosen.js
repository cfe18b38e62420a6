// Choosing rows of the table of objects, by pointer and by keyboard, and what is done with them in a dialog.
import { isTyping } from "./keys.js";

const table = () => document.querySelector("[data-objects]");
const rows = () => [...(table()?.querySelectorAll("tbody tr[data-path]") ?? [])];
const boxOf = (row) => row.querySelector('input[name="path"]');
const dialog = () => document.querySelector("#dialog");
let last = null;
let cameFrom = null;

function show() {
  const all = rows();
  const chosen = all.filter((row) => boxOf(row)?.checked);
  for (const row of all) row.classList.toggle("is-chosen", chosen.includes(row));
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  bar.classList.toggle("is-wanted", chosen.length > 0);
  bar.querySelector("[data-count]").textContent = chosen.length.toLocaleString("en");
  const every = document.querySelector("[data-choose-all]");
  if (every) {
    every.checked = chosen.length > 0 && chosen.length === all.length;
    every.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
}

function choose(row, on, isRange) {
  const all = rows();
  const [from, to] = isRange && last ? [all.indexOf(last), all.indexOf(row)].sort((a, b) => a - b) : [all.indexOf(row), all.indexOf(row)];
  for (const each of all.slice(Math.max(from, 0), to + 1)) if (boxOf(each)) boxOf(each).checked = on;
  last = row;
  show();
}

export function chooseNone() {
  for (const row of rows()) if (boxOf(row)) boxOf(row).checked = false;
  last = null;
  show();
}

export function chosenPaths() {
  return rows().filter((row) => boxOf(row)?.checked).map((row) => row.dataset.path);
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const box = event.target.closest('[data-objects] input[name="path"]');
  if (box) return choose(box.closest("tr"), box.checked, event.shiftKey);
  if (event.target.closest("[data-choose-none]")) return chooseNone();
  if (event.target.closest("[data-close]") && dialog()?.contains(event.target)) {
    event.preventDefault();
    dialog().close();
  }
});

document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-choose-all]")) return;
  for (const row of rows()) if (boxOf(row)) boxOf(row).checked = event.target.checked;
  show();
});

const MOVES = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 };

document.addEventListener("keydown", (event) => {
  if (!table() || event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
  const all = rows();
  const row = document.activeElement?.closest?.("[data-objects] tr[data-path]") ?? null;
  const key = event.key;
  if ((event.ctrlKey || event.metaKey) && key === "a" && row) {
    event.preventDefault();
    for (const each of all) if (boxOf(each)) boxOf(each).checked = true;
    return show();
  }
  if (event.ctrlKey || event.metaKey) return;
  if (event.target.matches?.("[data-slash-first]") && key === "ArrowDown" && all[0]) {
    event.preventDefault();
    return all[0].focus();
  }
  if (isTyping()) return;
  if (MOVES[key] && (row || document.activeElement === document.body)) {
    event.preventDefault();
    const next = row ? all[all.indexOf(row) + MOVES[key]] : all[0];
    if (!next) return;
    if (event.shiftKey && row && boxOf(row)) choose(row, true), choose(next, true);
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  } else if (!row) {
    if (key === "Escape" && chosenPaths().length) chooseNone();
  } else if (key === "x" || (key === " " && event.target === row)) {
    event.preventDefault();
    if (boxOf(row)) choose(row, !boxOf(row).checked, event.shiftKey);
  } else if (key === "Enter" && event.target === row) {
    row.querySelector(".node > a").click();
  } else if (key === "ArrowRight" && row.querySelector(".inner")) {
    location.href = row.querySelector(".inner").href;
  } else if (key === "Escape") {
    chooseNone();
  } else if (key === "Delete" || key === "m" || key === "t") {
    event.preventDefault();
    if (boxOf(row) && !chosenPaths().length) choose(row, true);
    document.querySelector(`[data-bulk] button[value="${{ Delete: "delete", m: "move", t: "tag" }[key]}"]`)?.click();
  }
});

// What comes into the dialog opens it; where focus came from it goes back to.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "dialog") return;
  if (!dialog().open) cameFrom = document.activeElement?.closest?.("tr") ?? document.activeElement;
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "dialog") return;
  if (!dialog().open) dialog().showModal();
  dialog().querySelector("[autofocus]")?.focus();
});
document.addEventListener("click", (event) => {
  if (event.target === dialog()) dialog().close(); // beside it
});
dialog()?.addEventListener("close", () => {
  dialog().replaceChildren();
  const path = cameFrom?.dataset?.path;
  (rows().find((row) => row.dataset.path === path) ?? rows()[0] ?? document.querySelector("[data-slash-first]"))?.focus();
});
document.addEventListener("htmx:load", show);
show();
