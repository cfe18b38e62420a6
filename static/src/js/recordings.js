// Fetches what brings a recording of a browser to life, where there is one.
function watch(root) {
  for (const box of root.querySelectorAll("[data-rec]:not([data-opens])")) {
    box.dataset.opens = "";
    import(new URL(box.dataset.recScript, location.href)).then(({ openRecording }) => openRecording(box));
  }
}

watch(document);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt.parentElement ?? document));
