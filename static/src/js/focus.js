// Who works by keyboard stays where they are: when what was focused is swapped for something fresh, the same thing in it
// gets the focus, or else the fresh part itself. htmx does so by itself for what has an id.
const REACHED = "a[href], button, input, select, textarea, summary";
let left = null;

const named = (element) => `${element.localName} ${element.getAttribute("aria-label") ?? element.textContent.trim()}`;

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const at = document.activeElement;
  left = detail.shouldSwap && detail.target?.contains?.(at) && at !== document.body ? { name: named(at), target: detail.target } : null;
});

document.addEventListener("htmx:afterSettle", () => {
  if (!left) return;
  const { name, target } = left;
  left = null;
  if (document.activeElement && document.activeElement !== document.body) return;
  const fresh = target.isConnected ? target : target.id && document.getElementById(target.id);
  if (!fresh) return;
  const same = [...fresh.querySelectorAll(REACHED)].find((each) => named(each) === name && each.checkVisibility());
  if (!same) Object.assign(fresh, { tabIndex: -1 }).setAttribute("data-fresh", "");
  (same ?? fresh).focus({ preventScroll: !same });
});
