// Lets xterm.js 6 style itself under `style-src 'self'`, without 'unsafe-inline' and without a nonce.
//
// It writes rules into <style> elements and sets style attributes, which the policy refuses and reports. The same through
// the CSS object model is allowed: a constructed style sheet, and `style.cssText`. Only what xterm.js does is answered
// differently: `document.createElement("style")`, and `setAttribute("style", …)`.

export function allowStyles() {
  if (document.allowsStyles) return;
  Object.defineProperty(document, "allowsStyles", { value: true });
  const create = document.createElement.bind(document);
  document.createElement = (name, options) =>
    String(name).toLowerCase() === "style" ? sheetElement(create) : create(name, options);
  const set = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function setAttribute(name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else set.call(this, name, value);
  };
}

// An element without looks whose text is a style sheet for as long as the element is in the document.
function sheetElement(create) {
  const element = create("template");
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  let text = "";
  Object.defineProperty(element, "textContent", {
    get: () => text,
    set: (value) => {
      text = value;
      sheet.replaceSync(value);
    },
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
