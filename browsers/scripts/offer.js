// Tells what a page copies by itself on somebody's click or key. Before the page's own scripts; they do not see the way.
(name) => {
  const way = window[name];
  if (typeof way !== "function") return;
  delete window[name];
  const json = JSON.stringify;
  const tell = (text) => {
    if (navigator.userActivation && navigator.userActivation.isActive && text) way(json(String(text)));
  };
  addEventListener("copy", told);
  addEventListener("cut", told);
  // `document.execCommand("copy")`: what handlers of the page put there, else what is chosen.
  function told(event) {
    if (!event.isTrusted) return;
    const field = document.activeElement;
    const isField = field && ["INPUT", "TEXTAREA"].includes(field.tagName) && typeof field.selectionStart === "number";
    if (event.defaultPrevented) tell(event.clipboardData.getData("text/plain"));
    else if (field && field.type !== "password")
      tell(isField ? field.value.slice(field.selectionStart, field.selectionEnd) : String(getSelection()));
  }
  if (!window.Clipboard) return;
  const { writeText, write } = Clipboard.prototype;
  Clipboard.prototype.writeText = function (text) {
    tell(text);
    return writeText.call(this, text);
  };
  Clipboard.prototype.write = function (items) {
    for (const item of items)
      if (item.types.includes("text/plain"))
        item.getType("text/plain").then((blob) => (blob.text ? blob.text() : blob)).then(tell, () => {});
    return write.call(this, items);
  };
}
