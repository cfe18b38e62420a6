"""A small site: pages by their path, what was asked for, and somebody who can be signed in."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGES = {
    "/": "<title>Home</title><h1>Home</h1><a href='/login'>Sign in</a>",
    "/login": (
        "<title>Sign in</title><form method=post action=/login><label>Name <input name=name></label>"
        "<label>Password <input name=password type=password></label><button name=login>Log in</button></form>"
    ),
    "/stores": (
        "<title>Stores</title><body style='height:4000px'><script>"
        "localStorage.a = '1'; sessionStorage.b = '2';"
        "const r = indexedDB.open('d', 3); r.onupgradeneeded = () => {"
        "const s = r.result.createObjectStore('s', {keyPath: 'id'}); s.createIndex('by', 'at');"
        "s.put({id: 1, at: new Date(0), m: new Map([['k', new Set([1n])]]), b: new Uint8Array([1,2])}) };"
        "r.onsuccess = () => { document.title = 'Stored' }</script>"
    ),
    "/empty": "<title>Empty</title>",
    "/loop": "<title>Loop</title><button onclick='for(;;);'>Hang</button>",
}


class Site:
    """Served on a port of its own. asked: every request as "GET /path"."""

    def __init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(f"{self.command} {self.path}")
                path = urlsplit(self.path).path
                if path == "/me":
                    name = "session=ann" in self.headers.get("cookie", "")
                    self._answer(
                        "<title>Me</title><h1>Hello, Ann</h1>" if name else "<title>Nobody</title><h1>Nobody</h1>"
                    )
                elif path in PAGES:
                    self._answer(PAGES[path])
                else:
                    self._answer("<title>Missing</title>", 404)

            def do_POST(self) -> None:
                site.asked.append(f"{self.command} {self.path}")
                text = self.rfile.read(int(self.headers["content-length"])).decode()
                form = parse_qs(text)
                right = form.get("name") == ["ann"] and form.get("password") == ["green"]
                self.send_response(303)
                if right:
                    self.send_header("set-cookie", "session=ann; path=/; httponly")
                self.send_header("location", "/me" if right else "/login")
                self.send_header("content-length", "0")
                self.end_headers()

            def _answer(self, page: str, status: int = 200) -> None:
                body = f"<!doctype html><meta charset=utf-8>{page}".encode()
                self.send_response(status)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.other = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
