// Tells what a person, or a command, does on a page: run in a world of our own in each document, which no page sees.
// `tell` is the name of the function that takes a report: [kind, target, value, secret, address, age in ms, trusted].
(tell) => {
  if (globalThis.isTelling === document) return;
  globalThis.isTelling = document;
  const send = globalThis[tell];
  const CHARS = 2_000;
  const KEYS = new Set(["Enter", "Escape", "Tab", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown",
    "Home", "End", "Delete", "Backspace", "Insert"]);
  const EDITS = ["Backspace", "Delete", "ArrowLeft", "ArrowRight", "Home", "End"]; // in a text
  const TICKS = ["checkbox", "radio"];
  const BUTTONS = ["submit", "button", "reset", "image"];
  const ACTED = "a[href],button,input,select,textarea,summary,label,[role=button],[role=link],[role=tab],[role=menuitem],"
    + "[role=checkbox],[role=radio],[role=switch],[role=option],[role=combobox],[onclick],[contenteditable]";

  // How people name it, in the words that commands take

  const plain = (text) => String(text || "").replace(/\s+/g, " ").trim();
  const isSeen = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility === "visible";
  };
  const labelled = (element) => {
    const by = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean)
      .map((id) => element.getRootNode().getElementById?.(id)?.textContent);
    if (by.length) return [plain(by.join(" "))];
    const said = element.getAttribute("aria-label");
    return said ? [plain(said)] : [...(element.labels || [])].map((each) => plain(each.textContent));
  };
  const written = (element) => plain(element.innerText ?? element.textContent);
  const ROLES = {
    button: "button,summary,input[type=submit],input[type=button],input[type=reset],input[type=image],[role=button]",
    link: "a[href],[role=link]", tab: "[role=tab]", menuitem: "[role=menuitem]",
  };
  const named = (element) => {
    const [label] = labelled(element);
    const isButton = element.localName === "input" && BUTTONS.includes(element.type);
    return label || (isButton ? plain(element.value || element.alt) : written(element)) || plain(element.title);
  };
  const among = (root, css) => [...root.querySelectorAll(css)].slice(0, 2_000);
  const first = (found) => (found.length === 1 ? found[0] : found.slice(0, 20).find(isSeen));
  const fields = "input,select,textarea,button,meter,output,progress,[aria-label],[aria-labelledby]";

  // What the words would be taken for, as browsers/targets.py does it
  const meant = (root, words, isField) => {
    const low = words.toLowerCase();
    let css = [];
    try { css = [...root.querySelectorAll(words)]; } catch { /* words, then */ }
    const label = (fits) => () => among(root, fields).filter((each) => labelled(each).some(fits));
    const hint = (fits) => () => among(root, "[placeholder]").filter((each) => fits(plain(each.placeholder)));
    const equal = (text) => text === words;
    const holds = (text) => text.toLowerCase().includes(low);
    const exactly = [label(equal), hint(equal)];
    const loosely = [label(holds), hint(holds)];
    const acted = Object.values(ROLES).map((css) => () => among(root, css).filter((each) => isSeen(each) && named(each) === words));
    const text = () => among(root, "body *").filter((each) => each.textContent.length < 400 && written(each) === words
      && ![...each.children].some((inner) => written(inner) === words));
    const ways = isField ? [...exactly, ...loosely, ...acted] : [...acted, ...exactly, text];
    for (const way of [() => css, ...ways]) {
      const one = first(way());
      if (one) return one;
    }
    return null;
  };

  const step = (element) => {
    const name = CSS.escape(element.localName);
    const root = element.getRootNode();
    for (const attribute of ["id", "data-testid", "name", "action"]) {
      const value = element.getAttribute(attribute); // not `.id`: a form's fields can stand in the way
      const css = value && (attribute === "id" ? `#${CSS.escape(value)}` : `${name}[${attribute}="${value.replace(/["\\]/g, "\\$&")}"]`);
      if (css && root.querySelectorAll(css).length === 1) return css;
    }
    return "";
  };
  const selector = (element) => {
    const parts = [];
    for (let each = element; each; each = each.parentElement) {
      const own = step(each);
      if (own) {
        parts.unshift(own);
        break;
      }
      const name = CSS.escape(each.localName);
      const same = each.parentElement ? [...each.parentElement.children].filter((one) => one.localName === each.localName) : [];
      parts.unshift(same.length > 1 ? `${name}:nth-of-type(${same.indexOf(each) + 1})` : name);
      if (same.length === 1 && each.getRootNode().querySelectorAll(parts.join(" > ")).length === 1) break;
    }
    const host = element.getRootNode().host;
    return (host ? `${selector(host)} ` : "") + parts.join(" > ");
  };

  const isText = (element) => element.localName === "textarea"
    || (element.localName === "input" && ![...TICKS, ...BUTTONS, "file", "hidden", "range", "color"].includes(element.type));
  const isField = (element) => ["input", "select", "textarea"].includes(element.localName)
    && !BUTTONS.includes(element.type);
  const target = (element) => {
    if (!element || element === document.body || element === document.documentElement) return "";
    const root = document.contains(element) ? document : null; // not what is in a shadow
    const field = isField(element);
    const own = [...(element.labels || [])].map((label) =>
      plain([...label.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join(" ")));
    const ways = field ? [...own, ...labelled(element), plain(element.placeholder)] : [named(element)];
    for (const words of element.localName === "form" || !root ? [] : ways)
      if (words && words.length <= 80 && !/^\d+$/.test(words) && meant(root, words, field) === element) return words;
    return selector(element).slice(0, CHARS);
  };

  // What is told, and how often at most

  const rooms = new Map(); // by kind: how many more, as of when
  const report = (kind, element, value, {age = 0, trusted = true, secret = false} = {}) => {
    const now = performance.now();
    const [before, at] = rooms.get(kind + trusted) || [30, now];
    const room = Math.min(30, before + (now - at) / 66);
    rooms.set(kind + trusted, [room < 1 ? room : room - 1, now]);
    if (room < 1) return;
    const address = location.href.slice(0, CHARS);
    send(JSON.stringify([kind, target(element), String(value).slice(0, CHARS), secret, address, Math.round(age), trusted]));
  };

  // What was written into a field is told once it is left, sent or changed: not each letter.

  let writing = null; // [the field, when the last letter came]
  const hidden = new WeakSet(); // fields that were for a password once, also where it is shown now
  const isSecret = (field) => {
    if (field.type === "password") hidden.add(field);
    return hidden.has(field) || /password|one-time-code|cc-(number|csc|exp)/.test(field.getAttribute("autocomplete") || "");
  };
  const wrote = () => {
    if (!writing) return;
    const [field, at] = writing;
    writing = null;
    const secret = isSecret(field);
    report("fill", field, secret ? "" : isText(field) ? field.value : written(field), {age: performance.now() - at, secret});
  };

  // Of what is inside shadows that are open, too. A page's own events are left out: anybody can make them.
  const on = (name, tells) => addEventListener(name, (event) => {
    const element = event.composedPath()[0];
    if (element.nodeType !== 1) return;
    try {
      if (event.isTrusted || element.localName === "select") tells(event, element);
    } catch { /* such as a form whose fields have the names of what is asked of it */ }
  }, true);

  const clicked = (element) => element.closest(ACTED) || element;
  on("click", (event, element) => {
    const acted = clicked(element);
    if (event.detail !== 1 || !event.isTrusted) return; // a key's, or the second of two
    const says = TICKS.includes(acted.type) || acted.type === "file" || ["select", "option"].includes(acted.localName);
    if (says || (acted.localName === "label" && acted.control)) return; // told as what it does
    report("click", acted, "");
  });
  on("dblclick", (event, element) => event.isTrusted && report("click", clicked(element), "twice"));
  on("contextmenu", (event, element) => event.isTrusted && event.button === 2 && report("click", clicked(element), "right"));
  on("focusin", (event, element) => isText(element) && isSecret(element));
  on("input", (event, element) => {
    if (!isText(element) && !element.isContentEditable) return;
    if (writing && writing[0] !== element) wrote();
    writing = [element, performance.now()];
    isSecret(element);
  });
  on("focusout", wrote);
  on("submit", (event, element) => {
    wrote();
    report("submit", element, "");
  });
  addEventListener("pagehide", wrote, true);
  on("change", (event, element) => {
    if (element.localName === "select") {
      const chosen = [...element.selectedOptions].map((each) => plain(each.label));
      report("select", element, chosen.join("\n"), {trusted: event.isTrusted});
    } else if (TICKS.includes(element.type)) report(element.checked ? "check" : "uncheck", element, "");
    else if (element.type === "file") report("upload", element, [...element.files].map((each) => each.name).join("\n"));
    else if (writing && writing[0] === element) wrote();
    else if (element.localName === "input" && !isText(element)) report("fill", element, element.value);
  });
  on("keydown", (event, element) => {
    const {key} = event;
    const isCommand = event.ctrlKey || event.metaKey || event.altKey;
    const isShortcut = isCommand && !event.getModifierState("AltGraph") && !["Control", "Meta", "Alt", "Shift"].includes(key);
    if (event.repeat || event.isComposing || !(isShortcut || KEYS.has(key) || /^F\d+$/.test(key))) return;
    const writes = isText(element) || element.isContentEditable;
    const isLong = element.localName === "textarea" || element.isContentEditable;
    if (writes && !isShortcut && (EDITS.includes(key) || (key === "Enter" && isLong))) return; // told as what it wrote
    if (writes && ["Enter", "Tab"].includes(key)) wrote();
    const held = [event.ctrlKey && "Control", event.altKey && "Alt", event.metaKey && "Meta",
      event.shiftKey && (isCommand || key.length > 1) && "Shift"].filter(Boolean);
    report("press", element, [...held, key.length === 1 ? key.toUpperCase() : key].join("+"));
  });
}
