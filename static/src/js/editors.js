// Fetches CodeMirror when a text that it edits comes into view, and not before. Without it the textarea is all there is.
const waiting = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    waiting.unobserve(target);
    if (target.editor || target.dataset.opens) continue;
    target.dataset.opens = "";
    import(new URL(target.dataset.editorScript, location.href)).then(({ openEditor }) => openEditor(target));
  }
});

function watch(root) {
  for (const area of root.querySelectorAll("textarea[data-editor]:not([data-opens])")) waiting.observe(area);
}

watch(document);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt.parentElement ?? document));
