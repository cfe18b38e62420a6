// Objects are dragged onto the one that they shall be in: rows of the tree and of the table, one or all that are chosen.
// A question follows, as for the button "Move", which does the same without a pointer.
import { chosenPaths } from "./chosen.js";

const OPEN_AFTER_MS = 700;
const SOURCES = "#outline .row[data-path], [data-objects] tr[data-path]";
let dragged = [];
let target = null;
let opening = 0;

const isUnder = (path, top) => path === top || path.startsWith(top === "/" ? "/" : `${top}/`);

function mark(row) {
  if (row === target) return;
  clearTimeout(opening);
  target?.classList.remove("is-target");
  target = row;
  target?.classList.add("is-target");
  if (target?.dataset.open === "no") opening = setTimeout(() => target?.querySelector(".twist")?.click(), OPEN_AFTER_MS);
}

function placeUnder(event) {
  const row = event.target instanceof Element ? event.target.closest(`${SOURCES}, #outline`) : null;
  if (!row) return null;
  const path = row.dataset.path ?? "/"; // beside the rows is the top
  return dragged.some((each) => isUnder(path, each)) ? null : { row, path };
}

document.addEventListener("dragstart", (event) => {
  const row = event.target instanceof Element && event.target.closest(SOURCES);
  if (!row || !document.querySelector("[data-move]")) return;
  const chosen = row.matches("tr") ? chosenPaths() : [];
  dragged = chosen.includes(row.dataset.path) ? chosen : [row.dataset.path];
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.join("\n"));
});

document.addEventListener("dragover", (event) => {
  if (!dragged.length) return;
  const place = placeUnder(event);
  mark(place?.row ?? null);
  if (place) {
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
  }
});

document.addEventListener("drop", (event) => {
  const place = dragged.length ? placeUnder(event) : null;
  if (place) {
    event.preventDefault();
    question(place.path);
  }
  mark(null);
  dragged = [];
});

document.addEventListener("dragend", () => {
  mark(null);
  dragged = [];
});

function question(to) {
  let dialog = document.querySelector("#dialog");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "dialog";
    dialog.ariaLabel = "Move";
    dialog.addEventListener("close", () => dialog.replaceChildren());
    document.body.append(dialog);
  }
  const back = location.pathname + location.search;
  htmx.ajax("POST", document.querySelector("[data-move]").dataset.move, {
    target: "#dialog",
    swap: "innerHTML",
    values: { action: "move", path: dragged, to, back },
  });
}
