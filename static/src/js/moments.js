// Keeps each <time datetime> saying how long ago it was, in the words that it came with (surfaces/pages/ago.py); the
// reader's own date and the exact UTC are in its title.
const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const EVERY_MS = 30_000;
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function write(element, now) {
  const at = Date.parse(element.dateTime);
  if (Number.isNaN(at)) return;
  if (!element.title.includes("·")) element.title = `${local.format(at)} · ${element.title || new Date(at).toUTCString()}`;
  const seconds = (at - now) / 1000;
  const [unit, length] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  element.textContent = Math.abs(seconds) < 5 ? "just now" : ago.format(Math.round(seconds / length), unit);
}

function writeAll(root) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[datetime]")) write(element, now);
}

writeAll(document);
setInterval(() => writeAll(document), EVERY_MS);
// Before the browser draws what was swapped in, or times would flicker.
document.addEventListener("htmx:afterSwap", (event) => writeAll(event.detail.elt.parentElement ?? document));
