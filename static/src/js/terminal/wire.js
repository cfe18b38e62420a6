// The way to the server: bytes both ways, JSON beside them (terminal/consumer.py tells the protocol). It connects again by
// itself, with patience, and goes on with the session where it was.

const FIRST_MS = 250;
const LONGEST_MS = 15_000;
const SEEN_EVERY = 16 * 1024; // bytes
const SEEN_IDLE_MS = 200;
// Closed for a reason that trying again does not change: who, not yours, no such thing, opened elsewhere.
const FINAL = new Set([4400, 4401, 4403, 4404, 4409]);

export class Wire {
  // on: {bytes(data, shown), clear(), title(text), size([cols, rows]), state(name, text), hello() -> object}
  constructor(address, on) {
    this.address = address;
    this.on = on;
    this.key = `terminal ${address}`;
    // A link of `share`: we look on at somebody else's session, and keep none of our own here.
    this.share = new URLSearchParams(location.hash.slice(1)).get("share");
    this.session = this.share ? null : read(this.key);
    this.seen = null; // bytes of the session that this page has shown; null: none, so all of it is sent
    this.told = 0;
    this.tries = 0;
    this.isOver = false;
    this.encoder = new TextEncoder();
    addEventListener("online", () => this.now());
    addEventListener("pageshow", (event) => event.persisted && this.now());
    document.addEventListener("visibilitychange", () => document.hidden || this.now());
  }

  connect() {
    clearTimeout(this.later);
    this.isOver = false;
    this.on.state("connecting", this.tries ? "Connecting again…" : "Connecting…");
    const url = new URL(this.address, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, ["grove"]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      const ours = this.session ? { resume: this.session, ...(this.seen === null ? {} : { seen: this.seen }) } : {};
      socket.send(JSON.stringify({ ...this.on.hello(), ...(this.share ? { share: this.share } : ours) }));
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      if (typeof data === "string") this.hear(JSON.parse(data));
      else this.take(new Uint8Array(data));
    };
    socket.onclose = (event) => socket === this.socket && this.closed(event);
  }

  hear(message) {
    if (message.session) {
      if (this.seen !== null && message.at !== this.seen) this.on.clear();
      this.session = message.session;
      this.seen = this.told = message.at;
      this.tries = 0;
      if (!this.share) write(this.key, this.session);
      this.on.state("open", "");
    }
    if ("title" in message) this.on.title(message.title);
    if (message.size) this.on.size(message.size);
    if ("exit" in message) this.exit = message;
  }

  take(bytes) {
    const session = this.session;
    this.on.bytes(bytes, () => {
      if (session !== this.session) return;
      this.seen += bytes.length;
      if (this.seen - this.told >= SEEN_EVERY) this.tell();
      else {
        clearTimeout(this.idle);
        this.idle = setTimeout(() => this.tell(), SEEN_IDLE_MS);
      }
    });
  }

  tell() {
    if (this.seen > this.told && this.say({ seen: this.seen })) this.told = this.seen;
  }

  say(message) {
    if (this.socket?.readyState !== WebSocket.OPEN || this.seen === null) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  // text: what was typed. A lost connection swallows keys: the state line says so.
  type(text) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(this.encoder.encode(text));
    else if (!this.isOver) this.now();
  }

  typeBinary(text) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  }

  closed({ code, reason }) {
    const exit = this.exit;
    this.exit = undefined;
    if (exit || FINAL.has(code)) {
      this.isOver = true;
      if (code !== 4409) this.forget();
      this.on.state("over", exit?.exit || reason || "The session is over.");
      return;
    }
    const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries++);
    const wait = code === 4429 ? LONGEST_MS : most / 2 + (Math.random() * most) / 2; // so that not all come at once
    this.on.state("away", wait > 1500 ? `Disconnected. Trying again in ${Math.round(wait / 1000)} s.` : "Disconnected.");
    this.later = setTimeout(() => this.connect(), wait);
  }

  // Try at once, where a try is waited for.
  now() {
    const isWaiting = this.socket?.readyState === WebSocket.CLOSED && !this.isOver;
    if (isWaiting) this.connect();
  }

  // Begin a new session.
  renew() {
    this.forget();
    const old = this.socket;
    this.socket = undefined;
    old?.close(1000);
    this.on.clear();
    this.connect();
  }

  forget() {
    this.session = null;
    this.seen = null;
    write(this.key, null);
  }
}

// A tab keeps its session over a reload; another tab has its own. Storage may be forbidden, which only costs that.
function read(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // see read
  }
}
