"""A web site of the tests' own, and a guard that lets it be reached."""

import gzip
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from objects.network.guard import Guard, rules

Answering = Callable[[BaseHTTPRequestHandler], object]


@dataclass
class Site:
    """Answers on loopback. pages: what answers a path. asked: what came, (method, path, headers, body)."""

    server: ThreadingHTTPServer
    pages: dict[str, Answering] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.server.server_port

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def guard(self, allow: Iterable[str] = ()) -> Guard:
        """A guard that lets this site be reached, and what `allow` says."""
        return Guard(allow=rules(["127.0.0.1", *allow]))


def answer(body: bytes, status: int = 200, **headers: str) -> Answering:
    """Answer with a body and headers; `_` in a header's name is a dash."""

    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return page


def redirect(to: str, status: int = 302) -> Answering:
    return answer(b"elsewhere", status, location=to)


def drips(seconds: float) -> Answering:
    """Answer a byte now and then, for so long."""

    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            handler.wfile.write(b".")
            handler.wfile.flush()
            time.sleep(0.05)

    return page


def bomb(megabytes: int) -> Answering:
    """A small body that unpacks to a large one."""
    return answer(gzip.compress(b"\0" * (megabytes << 20)), content_encoding="gzip")


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.site.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        with suppress(OSError):  # the other side went away
            self.site.pages.get(self.path, answer(b"no such page", 404))(self)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 -- the base class calls them so

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.site = made = Site(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
