// Cells of a table are edited where they stand: arrows move, Enter or a double click edits, Escape leaves it.
import { call, say } from "./calls.js";

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function cellOf(target) {
  return target instanceof Element ? target.closest("[data-rows] td[data-cell]") : null;
}

// One cell is reached by Tab: the first, or the one that was left last.
function offer(root) {
  for (const table of root.querySelectorAll("table[data-rows]")) {
    if (!table.querySelector("td[tabindex='0']")) table.querySelector("td[data-cell]")?.setAttribute("tabindex", "0");
  }
}

function go(from, [down, right]) {
  const row = down < 0 ? from.parentElement.previousElementSibling : down > 0 ? from.parentElement.nextElementSibling : from.parentElement;
  let to = row?.children[from.cellIndex + right];
  while (to && right && !to.matches("[data-cell]")) to = right < 0 ? to.previousElementSibling : to.nextElementSibling;
  if (!to?.matches("[data-cell]")) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

function edit(cell) {
  if (cell.querySelector("textarea")) return;
  const before = [...cell.childNodes];
  const input = document.createElement("textarea");
  input.className = "data cell-input";
  input.rows = Math.min(8, cell.dataset.value.split("\n").length);
  input.value = cell.dataset.value;
  input.setAttribute("aria-label", cell.dataset.cell);
  cell.replaceChildren(input);
  cell.setAttribute("data-keep", "");
  input.focus();
  input.select();

  let isOver = false;
  const leave = (focus = true) => {
    if (isOver) return;
    isOver = true;
    cell.removeAttribute("data-keep");
    cell.replaceChildren(...before);
    if (focus) cell.focus();
  };
  const save = async () => {
    if (input.value === cell.dataset.value) return leave();
    input.readOnly = true;
    const table = cell.closest("table");
    const typed = /^-?(0|[1-9]\d{0,14})(\.\d+)?$/.test(input.value) ? Number(input.value) : input.value;
    const value = "number" in cell.dataset ? typed : input.value;
    try {
      const answer = await call(table.dataset.rows, {
        table: table.dataset.table,
        key: JSON.parse(cell.parentElement.dataset.key),
        values: { [cell.dataset.cell]: value },
        ...(cell.dataset.kind === "null" ? { expect: { [cell.dataset.cell]: null } } : {}),
      });
      const kept = answer.value.values[cell.dataset.cell];
      cell.dataset.value = kept ?? "";
      cell.dataset.kind = kept === null ? "null" : typeof kept === "number" ? "number" : "text";
      before.splice(0, before.length, document.createTextNode(kept ?? ""));
      leave();
    } catch (refusal) {
      input.readOnly = false;
      input.setAttribute("aria-invalid", "true");
      say(refusal.message);
      input.focus();
    }
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
  });
  // Later: the cell may lose focus because it is being taken out of the page.
  input.addEventListener("blur", () =>
    setTimeout(() => {
      if (!input.readOnly && !isOver && input.value === cell.dataset.value) leave(false);
    }),
  );
}

document.addEventListener("dblclick", (event) => {
  const cell = cellOf(event.target);
  if (cell) edit(cell);
});
document.addEventListener("keydown", (event) => {
  const cell = cellOf(event.target);
  if (!cell || event.target !== cell || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" || event.key === "F2") edit(cell);
  else if (MOVES[event.key]) go(cell, MOVES[event.key]);
  else return;
  event.preventDefault();
});

offer(document);
document.addEventListener("htmx:afterSwap", () => offer(document));
