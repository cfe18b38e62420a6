"""A small web: whatever the host, its names lead here. It is also the proxy that browsers under test go through."""

import base64
import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

GARDEN = """<title>Garden</title>
<nav><a href="/plants">Plants</a></nav>
<h1>Garden</h1>
<form id="search" action="/plants">
  <label>Name <input name="name" placeholder="a plant"></label>
  <label>Sort <select name="sort"><option value="name">A to Z<option value="height">Height</select></label>
  <label>Likes water <input type="checkbox" name="wet"></label>
  <button>Search</button>
</form>
<button onclick="document.title = 'Watered'">Water all</button>
<button onclick="document.title = confirm('Dig up all?') ? 'Bare' : 'Spared'">Dig up</button>
<input type="file" aria-label="Photo">
<table><tr><th>plant<th>height</tr><tr><td>basil<td>12</tr><tr><td>mint<td>30</tr></table>
<a href="/plants.csv" download>All plants</a>
"""
STORES = """<title>Stores</title><body style="height: 4000px"><script>
  localStorage.a = "1";
  sessionStorage.b = "2";
  const request = indexedDB.open("d", 3);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore("s", {keyPath: "id"});
    store.createIndex("by", "at");
    store.put({id: 1, at: new Date(0), m: new Map([["k", new Set([1n])]]), b: new Uint8Array([1, 2])});
  };
  request.onsuccess = () => { document.title = "Stored" };
</script>"""
LATE = """<title>Late</title><link rel="stylesheet" href="/held"><label>Name <input autofocus name="name"></label>"""
HOLDS = """<title>Holds</title><a href="/held">Go</a>"""
LOGIN = """<title>Sign in</title><form method="post" action="/login">
<label>Name <input name="name"></label><label>Password <input name="password" type="password"></label>
<button name="login">Log in</button></form>"""
FLOODS = """<title>Floods</title>
<button onclick="for (let n = 1000; n; n--) window.open('/empty?' + n)">Tabs</button>
<button onclick="for (let n = 1000; n; n--) window.open('/empty?' + n, '', 'noopener')">Popups</button>
<button onclick="for (let n = 1000; n; n--) alert(n)">Dialogs</button>
<button onclick="(async () => { for (let n = 1000; n; n--) {
  Object.assign(document.createElement('a'), {href: '/plants.csv?' + n, download: ''}).click()
  await new Promise(done => setTimeout(done, 1)) } })()">Downloads</button>"""
DOINGS = """<title>Doings</title>
<h1>Doings</h1>
<form id="order" onsubmit="return false">
  <label>Plant <input name="plant"></label>
  <label>Word <input name="word" type="password"></label>
  <label>Sort <select name="sort"><option>A to Z<option>Height</select></label>
  <label><input type="checkbox" name="wet"> Likes water</label>
  <label>Notes <textarea name="notes"></textarea></label>
  <button>Order</button><button type="button">Again</button><button type="button">Again</button>
</form>
<button id="shows" onclick="document.querySelector('[name=word]').type = 'text'">Show</button>
<p class="odd" style="margin: 4px">Some <b>text</b></p>
<a href="/plants" target="_blank">Elsewhere</a>
<iframe src="/inner" title="inner" height="60"></iframe>
<iframe src="http://shop.example/inner" title="outer" height="60"></iframe>
<script>
  const forged = [];
  for (const name of Object.getOwnPropertyNames(window)) if (/^told_|binding/i.test(name)) forged.push(name);
  document.title = `Doings ${forged.length}`;
  document.querySelector("form").addEventListener("keydown", (event) => event.stopImmediatePropagation(), true);
</script>"""
TALKS = """<title>Talks</title><button onclick="say()">Say</button><img src="/leaf.png" alt="leaf"><script>
  console.log("it rains"); console.error("it hails");
  const say = async () => {
    await fetch("/told?by=ann", {method: "POST", body: new URLSearchParams({plant: "mint & basil"})});
    await fetch("/moved");
    await fetch("/missing").catch(() => {});
    const socket = new WebSocket("ws://garden.example/socket");
    socket.onopen = () => socket.send("water?");
    socket.onmessage = ({data}) => { socket.close(); confirm(data); document.title = "Talked" };
  };
</script>"""
CLIPS = """<title>Clips</title><label>From <input value="a secret of one team"></label><label>To <input></label>
<button onclick="document.querySelector('input').select(); document.title = document.execCommand('copy')">Take</button>
<p id="own" contenteditable oncopy="event.clipboardData.setData('text/plain', 'its own words'); event.preventDefault()"
 onpaste="this.textContent = 'got ' + event.clipboardData.getData('text/plain'); event.preventDefault()">words</p>"""
PAGES = {
    "/clips": CLIPS,
    "/late": LATE,
    "/holds": HOLDS,
    "/talks": TALKS,
    "/doings": DOINGS,
    "/inner": "<title>Inner</title><button>Inside</button>",
    "/": GARDEN,
    "/plants": "<title>Plants</title><h1>Plants</h1>",
    "/login": LOGIN,
    "/stores": STORES,
    "/empty": "<title>Empty</title>",
    "/spins": "<title>Spins</title><script>for (;;);</script>",
    "/later": "<title>Later</title><script>fetch('/held').then(() => { for (;;); })</script>",
    "/floods": FLOODS,
    "/loop": "<title>Loop</title><button onclick='for (;;);'>Hang</button>",
}


class Site:
    """Served on a port of its own. asked: every request as "GET /path". url: a name of it, as of any site.

    goes_on: what was asked for at /held is answered once this is set.
    """

    url = "http://garden.example"
    other = "http://shop.example"

    def __init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                site.asked.append(f"GET {path}")
                if path == "/me":
                    known = "session=ann" in self.headers.get("cookie", "")
                    self._answer(
                        "<title>Me</title><h1>Hello, Ann</h1>" if known else "<title>Nobody</title><h1>Nobody</h1>"
                    )
                elif path == "/held":
                    site.goes_on.wait(30)
                    with suppress(OSError):  # who asked may be gone
                        self._answer("h1 { color: green }", kind="text/css")
                elif path == "/changing":
                    self._answer(site.changing)
                elif path == "/plants.csv":
                    self._answer("name,height\nbasil,12.5\nmint,30\n", kind="text/csv")
                elif path == "/headers":
                    self._answer("".join(f"<p>{name.lower()}: {value}" for name, value in self.headers.items()))
                elif path == "/leaf.png":
                    self._answer(b"\x89PNG leaf", kind="image/png")
                elif path == "/moved":
                    self.send_response(302)
                    self.send_header("location", "/plants?from=moved")
                    self.send_header("content-length", "0")
                    self.end_headers()
                elif path == "/socket":
                    self._echo()
                elif path in PAGES:
                    self._answer(PAGES[path])
                else:
                    self._answer("<title>Missing</title>", 404)

            def do_CONNECT(self) -> None:
                """Be the way to a site, which is this one whatever its name: what is asked there comes next."""
                self.send_response(200)
                self.end_headers()
                self.close_connection = False

            def _echo(self) -> None:
                """Speak as a WebSocket does: say what came, once."""
                key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                self.send_response(101)
                self.send_header("upgrade", "websocket")
                self.send_header("connection", "Upgrade")
                accepted = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
                self.send_header("sec-websocket-accept", accepted)
                self.end_headers()
                length = self.rfile.read(2)[1] & 0x7F
                mask, said = self.rfile.read(4), self.rfile.read(length)
                told = bytes(each ^ mask[at % 4] for at, each in enumerate(said))
                self.wfile.write(bytes([0x81, len(told)]) + told)
                self.rfile.read(2)  # it is closed

            def do_POST(self) -> None:
                if urlsplit(self.path).path == "/told":
                    self.rfile.read(int(self.headers["content-length"]))
                    self._answer('{"noted": true}', kind="application/json")
                    return
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                knows = form.get("name") == ["ann"] and form.get("password") == ["green"]
                self.send_response(303)
                if knows:
                    self.send_header("set-cookie", "session=ann; path=/; httponly")
                self.send_header("location", "/me" if knows else "/login")
                self.send_header("content-length", "0")
                self.end_headers()

            def _answer(self, page: str | bytes, status: int = 200, kind: str = "text/html") -> None:
                text = f"<!doctype html><meta charset=utf-8>{page!s}" if kind == "text/html" else page
                body = text if isinstance(text, bytes) else text.encode()
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.asked: list[str] = []
        self.changing = ""  # what stands at /changing
        self.goes_on = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def proxy(self) -> Callable[..., dict[str, str]]:
        """What browsers go through, as a host takes it."""
        return lambda session: {"server": f"http://127.0.0.1:{self.server.server_port}"}

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
