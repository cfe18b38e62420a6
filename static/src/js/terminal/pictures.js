// Pictures between the lines (OSC 1337, as iTerm2 has it): real <img> elements with an alternative text.
//
// The image add-on of xterm.js decodes with WebAssembly, which `script-src 'self'` refuses. The browser decodes pictures by
// itself, so all that is left to do is to keep rows free for one.

const LARGEST = 8 * 1024 * 1024; // characters of base64
const TYPES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"]);
const MAGIC = [
  ["image/png", "\x89PNG"],
  ["image/jpeg", "\xff\xd8\xff"],
  ["image/gif", "GIF8"],
  ["image/webp", "RIFF"],
  ["image/bmp", "BM"],
];

export function showPictures(terminal) {
  terminal.parser.registerOscHandler(1337, async (text) => {
    const [head, body] = split(text, ":");
    if (!head.startsWith("File=")) return false;
    const options = Object.fromEntries(head.slice(5).split(";").map((part) => split(part, "=")));
    if (options.inline !== "1" || !body || body.length > LARGEST) return true;
    await show(terminal, body, options).catch(() => {}); // a broken picture shows nothing, as everywhere in a browser
    return true;
  });
}

async function show(terminal, body, options) {
  const binary = atob(body);
  const type = MAGIC.find(([, begin]) => binary.startsWith(begin))?.[0];
  if (!TYPES.has(type)) return;
  const blob = new Blob([Uint8Array.from(binary, (char) => char.charCodeAt(0))], { type });
  const bitmap = await createImageBitmap(blob);
  const cell = cellSize(terminal);
  const own = { width: bitmap.width, height: bitmap.height };
  const ratio = own.width / own.height;
  bitmap.close();
  const room = { width: terminal.cols * cell.width, height: terminal.rows * cell.height };
  let width = length(options.width, cell.width, room.width);
  let height = length(options.height, cell.height, room.height);
  if (options.preserveAspectRatio !== "0" && width && height) {
    if (width / height > ratio) width = height * ratio;
    else height = width / ratio;
  }
  width ||= height ? height * ratio : Math.min(own.width, room.width);
  height ||= width / ratio;
  const shrink = Math.min(1, room.width / width, room.height / height);
  const cols = Math.max(1, Math.min(terminal.cols, Math.round((width * shrink) / cell.width)));
  const rows = Math.max(1, Math.ceil((height * shrink) / cell.height));

  const marker = terminal.registerMarker(0);
  const column = terminal.buffer.active.cursorX;
  for (let row = 1; row < rows; row++) terminal._core._inputHandler.lineFeed(); // as the add-on itself does it
  const place = marker && terminal.registerDecoration({ marker, x: column, width: cols, height: rows, layer: "top" });
  if (!place) return;
  const url = URL.createObjectURL(blob);
  place.onRender((element) => {
    if (element.firstChild) return;
    element.classList.add("terminal-picture");
    const image = new Image();
    image.src = url;
    image.alt = name(options.name);
    element.append(image);
  });
  place.onDispose(() => URL.revokeObjectURL(url));
}

function cellSize(terminal) {
  const screen = terminal.element.querySelector(".xterm-screen").getBoundingClientRect();
  return { width: screen.width / terminal.cols, height: screen.height / terminal.rows };
}

// "40" is cells, "200px" pixels, "50%" of the terminal; "auto" and nothing are 0.
function length(text, cell, room) {
  const [, digits, unit] = /^(\d{1,5})(px|%)?$/.exec(text ?? "") ?? [];
  if (!digits) return 0;
  return unit === "px" ? Number(digits) : unit === "%" ? (room * Number(digits)) / 100 : cell * Number(digits);
}

function name(base64) {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64 ?? ""), (char) => char.charCodeAt(0))) || "picture";
  } catch {
    return "picture";
  }
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
