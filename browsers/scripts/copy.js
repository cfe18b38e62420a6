// Gives what is chosen on the page, as a copy of its own would; cuts: and takes it away.
(cuts) => {
  let element = document.activeElement || document.body;
  while (element.shadowRoot && element.shadowRoot.activeElement) element = element.shadowRoot.activeElement;
  const data = new DataTransfer();
  const about = {clipboardData: data, bubbles: true, cancelable: true, composed: true};
  if (!element.dispatchEvent(new ClipboardEvent(cuts ? "cut" : "copy", about))) return data.getData("text/plain");
  const isField = ["INPUT", "TEXTAREA"].includes(element.tagName) && typeof element.selectionStart === "number";
  if (element.type === "password") return "";
  const text = isField ? element.value.slice(element.selectionStart, element.selectionEnd) : String(getSelection());
  const isEditable = isField ? !element.readOnly && !element.disabled : element.isContentEditable;
  if (cuts && isEditable && text) document.execCommand("delete");
  return text;
}
