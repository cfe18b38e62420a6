// The terminal on a page: xterm.js, its keys, and the way to the server. Loaded by js/terminals.js where one is seen.
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { showPictures } from "./js/terminal/pictures.js";
import { allowStyles } from "./js/terminal/styles.js";
import { onThemeChange, themeOf } from "./js/terminal/theme.js";
import { Wire } from "./js/terminal/wire.js";

const SIZE_PX = 13;
const SIZES_PX = [8, 32];
const SCROLLBACK = 5_000; // lines; the server keeps less
const SOFTWARE = /swiftshader|llvmpipe|software|microsoft basic/i;
const KEYS = { escape: "\x1b", tab: "\t", up: "\x1b[A", down: "\x1b[B", right: "\x1b[C", left: "\x1b[D", interrupt: "\x03" };

// box: the element with data-terminal; the parts inside are found by their data-… (templates/terminal/_terminal.html).
export function openTerminal(box) {
  allowStyles();
  const part = (name) => box.querySelector(`[data-terminal-${name}]`);
  const screen = part("screen");
  const status = part("status");
  const isPlain = recall("plain") === "yes";
  const terminal = new Terminal({
    allowProposedApi: true, // the width of characters
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    fontFamily: getComputedStyle(box).getPropertyValue("--mono"),
    fontSize: Number(recall("size")) || SIZE_PX,
    lineHeight: 1.25,
    linkHandler: { activate: (event, address) => follow(event, address) },
    macOptionIsMeta: true,
    minimumContrastRatio: 4.5,
    overviewRuler: { width: 10 }, // px, and so wide is the scroll bar
    screenReaderMode: isPlain,
    scrollback: SCROLLBACK,
    theme: themeOf(box),
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.loadAddon(new Unicode11Addon());
  terminal.loadAddon(new WebLinksAddon(follow));
  terminal.unicode.activeVersion = "11"; // as wide as the server's line editor believes
  showPictures(terminal);
  screen.replaceChildren();
  terminal.open(screen);
  drawFast(terminal);
  fit.fit();

  const wire = new Wire(box.dataset.terminal, {
    hello: () => ({
      resize: [terminal.cols, terminal.rows],
      colours: 16_777_216,
      pictures: "iterm",
      plain: terminal.options.screenReaderMode,
    }),
    bytes: (bytes, shown) => terminal.write(bytes, shown),
    clear: () => terminal.reset(),
    title: (text) => {
      if (box.hasAttribute("data-terminal-page")) document.title = `${text} · Grove`;
    },
    size: ([cols, rows]) => terminal.resize(cols, rows),
    state: (name, text) => {
      box.dataset.state = name;
      status.textContent = text;
      part("again").hidden = name !== "over";
      terminal.options.disableStdin = name === "over";
    },
  });
  terminal.onData((text) => wire.type(text));
  terminal.onBinary((text) => wire.typeBinary(text));
  terminal.onResize(({ cols, rows }) => wire.say({ resize: [cols, rows] }));
  let waiting = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => fit.fit());
  }).observe(screen);
  onThemeChange(() => (terminal.options.theme = themeOf(box)));
  wireUp(box, part, terminal, search, wire, fit);
  wire.connect();
  box.terminal = terminal;
  return terminal;
}

// WebGL draws a flood of output best; where a processor would only pretend to be a graphics card, the DOM is faster.
function drawFast(terminal) {
  const probe = document.createElement("canvas").getContext("webgl2");
  if (!probe) return;
  const about = probe.getExtension("WEBGL_debug_renderer_info");
  const card = String(probe.getParameter(about ? about.UNMASKED_RENDERER_WEBGL : probe.RENDERER));
  probe.getExtension("WEBGL_lose_context")?.loseContext();
  if (SOFTWARE.test(card)) return;
  try {
    const webgl = new WebglAddon();
    webgl.onContextLoss(() => webgl.dispose()); // the DOM takes over
    terminal.loadAddon(webgl);
  } catch {
    // the DOM draws
  }
}

function wireUp(box, part, terminal, search, wire, fit) {
  const bar = part("search");
  const wanted = bar.querySelector("input");
  const find = (backwards = false) => {
    const options = { incremental: !backwards, decorations: marks(box) };
    const found = wanted.value && (backwards ? search.findPrevious : search.findNext).call(search, wanted.value, options);
    wanted.toggleAttribute("aria-invalid", Boolean(wanted.value) && !found);
  };
  const showSearch = (isShown) => {
    bar.hidden = !isShown;
    if (isShown) wanted.select();
    else {
      search.clearDecorations();
      terminal.focus();
    }
    if (isShown) wanted.focus();
  };
  wanted.addEventListener("input", () => find(true));
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    find(event.submitter?.value !== "next");
  });
  bar.addEventListener("keydown", (event) => event.key === "Escape" && showSearch(false));
  bar.addEventListener("reset", () => showSearch(false));

  const resizeText = (by) => {
    const size = by === 0 ? SIZE_PX : Math.min(SIZES_PX[1], Math.max(SIZES_PX[0], terminal.options.fontSize + by));
    terminal.options.fontSize = size;
    keep("size", String(size));
    fit.fit();
  };
  const copy = () => navigator.clipboard?.writeText(terminal.getSelection());

  // Tab is the shell's. Who has no pointer gets out by Escape, then Tab: the browser is left to move on.
  let isLeaving = false;
  terminal.textarea.setAttribute("aria-describedby", part("out").id);
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown") return true;
    if (event.key === "Tab" && isLeaving) return false;
    if (event.key !== "Shift") isLeaving = event.key === "Escape";
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (!isCommand || event.altKey) return true;
    // Ctrl-C copies what is selected, and interrupts where nothing is; so does Ctrl-Shift-C, which only copies.
    if (key === "c" && (terminal.hasSelection() || event.shiftKey)) {
      copy();
      if (!event.shiftKey) terminal.clearSelection();
    } else if (key === "v") {
      return false; // the browser pastes: nobody needs a permission for that
    } else if (key === "f" && !event.shiftKey) {
      showSearch(true);
    } else if (key === "+" || key === "=") resizeText(1);
    else if (key === "-") resizeText(-1);
    else if (key === "0") resizeText(0);
    else return true;
    event.preventDefault();
    return false;
  });

  part("again").addEventListener("click", () => {
    wire.renew();
    terminal.focus();
  });
  part("find").addEventListener("click", () => showSearch(bar.hidden));
  const reader = part("reader");
  reader.setAttribute("aria-pressed", String(terminal.options.screenReaderMode));
  reader.addEventListener("click", () => {
    const isPlain = !terminal.options.screenReaderMode;
    terminal.options.screenReaderMode = isPlain;
    reader.setAttribute("aria-pressed", String(isPlain));
    keep("plain", isPlain ? "yes" : "no");
    wire.renew(); // how lines are drawn is settled when a session begins
    terminal.focus();
  });
  // Keys that the keyboard of a telephone lacks. They must not take the focus, or that keyboard would go.
  part("keys").addEventListener("pointerdown", (event) => event.preventDefault());
  part("keys").addEventListener("click", (event) => {
    const key = event.target.closest("button")?.value;
    if (key) wire.type(KEYS[key]);
    terminal.focus();
  });
  if (box.hasAttribute("data-terminal-page")) terminal.focus();
}

function marks(box) {
  const { yellow, cursor } = themeOf(box);
  return { matchBackground: hex(yellow), activeMatchBackground: hex(cursor), matchOverviewRuler: hex(yellow),
    activeMatchColorOverviewRuler: hex(cursor) }; // prettier-ignore
}

// "rgb(1, 2, 3)" as the search add-on wants it: "#010203".
function hex(rgb) {
  const digits = (rgb.match(/\d+/g) ?? [0, 0, 0]).slice(0, 3);
  return `#${digits.map((each) => Number(each).toString(16).padStart(2, "0")).join("")}`;
}

function follow(event, address) {
  event.preventDefault();
  let url;
  try {
    url = new URL(address, location.href);
  } catch {
    return;
  }
  // What is shown in a terminal may come from anybody: nothing but web addresses is opened, and it learns nothing of us.
  if (url.protocol === "https:" || url.protocol === "http:") open(url, "_blank", "noopener,noreferrer");
}

function recall(name) {
  try {
    return localStorage.getItem(`terminal ${name}`);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(`terminal ${name}`, value);
  } catch {
    // forbidden: the next page begins with the usual
  }
}
