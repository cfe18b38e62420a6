// Fetches the terminal (400 kB) when one comes into view, and not before.
const waiting = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    waiting.unobserve(target);
    start(target);
  }
});

async function start(box) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = box.dataset.terminalStyle;
  const styled = new Promise((done) => (style.onload = style.onerror = done));
  document.head.append(style);
  try {
    const [{ openTerminal }] = await Promise.all([import(new URL(box.dataset.terminalScript, location.href)), styled]);
    box.dataset.state = "connecting";
    openTerminal(box);
  } catch (error) {
    box.querySelector("[data-terminal-status]").textContent = "The terminal could not be loaded. Load the page again.";
    throw error;
  }
}

function watch(root) {
  for (const box of root.querySelectorAll("[data-terminal]:not([data-state])")) waiting.observe(box);
}

watch(document);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt));
