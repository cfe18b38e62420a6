// Fetches the live view of a browser when one comes into view, and not before.
const waiting = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    waiting.unobserve(target);
    start(target);
  }
});

async function start(box) {
  box.dataset.state = "connecting";
  try {
    const { openView } = await import(new URL(box.dataset.watchScript, location.href));
    openView(box);
  } catch (error) {
    box.querySelector("[data-watch-said]").textContent = "The live view could not be loaded. Load the page again.";
    throw error;
  }
}

function watch(root) {
  for (const box of root.querySelectorAll("[data-watch]:not([data-state])")) waiting.observe(box);
}

watch(document);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt));
