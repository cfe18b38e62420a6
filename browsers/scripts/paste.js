// Tells the page that this text is pasted; whether it leaves it to the browser to write it.
(text) => {
  let element = document.activeElement || document.body;
  while (element.shadowRoot && element.shadowRoot.activeElement) element = element.shadowRoot.activeElement;
  const data = new DataTransfer();
  data.setData("text/plain", text);
  return element.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true, composed: true}));
}
