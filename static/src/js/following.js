// What is written as it comes, [data-follow], stays at its end while the reader is there, and nowhere else.
const NEAR = 24;
const atEnd = new WeakSet();

function boxOf(element) {
  return element instanceof Element ? element.closest("[data-follow]") : null;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const box = boxOf(event.detail.target);
  if (!box) return;
  if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) atEnd.add(box);
  else atEnd.delete(box);
});

document.addEventListener("htmx:afterSettle", () => {
  for (const box of document.querySelectorAll("[data-follow]")) if (atEnd.has(box)) box.scrollTop = box.scrollHeight;
});
