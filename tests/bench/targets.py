"""The servers that the benchmarks talk to, and how each wants to be asked: Grove, and workerd with the same work."""

import asyncio
import base64
import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit


class Target:
    """A server. Every object is named anew for each run, so that runs do not meet.

    Requests over HTTP are whole texts; over a socket they are messages, which `bench_calls.frame` wraps.
    """

    name = ""

    def __init__(self, url: str, pid: int) -> None:
        parts = urlsplit(url)
        self.host, self.port, self.pid = parts.hostname or "127.0.0.1", parts.port or 80, pid
        self.run = f"{time.time_ns():x}"

    def incr(self, name: str, *, create: bool = False) -> bytes:
        """Ask over HTTP for a durable increment of the object."""
        raise NotImplementedError

    def sql(self, name: str) -> bytes:
        """Ask over HTTP for an INSERT and a SELECT of the newest ten rows."""
        raise NotImplementedError

    def prepare_sql(self, name: str) -> list[bytes]:
        """Give what makes the table for `sql`."""
        return [self.incr(name, create=True)]

    def upgrade(self, name: str, *, listens: bool = False) -> bytes:
        """Ask for a socket at the object. listens: it is to hear what is published there."""
        raise NotImplementedError

    def socket_incr(self, number: int) -> bytes:
        """Ask over the socket for a durable increment."""
        raise NotImplementedError

    def listen(self) -> bytes:
        """Ask over the socket to hear what is published; "" where the upgrade said so already."""
        return b""

    def publish(self, number: int) -> bytes:
        """Ask over the socket for a publication to all listeners."""
        raise NotImplementedError

    published = b""  # what a listener's frame holds once for each publication

    def number_of(self, text: bytes) -> int:
        """Give the number of the request that a socket's message answers; raises SystemExit for a refusal."""
        answer = json.loads(text)
        if "error" in answer:
            raise SystemExit(f"{self.name} refused: {answer}")
        return int(answer["id"])

    def value_of(self, text: bytes) -> int:
        """Give the counter that an answer tells, over HTTP or a socket."""
        answer = json.loads(text)
        return int(answer["result"]["value"] if "result" in answer else answer["value"])

    async def forget(self) -> None:
        """Have no object in memory any more."""
        raise SystemExit(f"{self.name} is not ours to restart: measure `wake` with beside.py.")

    def rss_bytes(self) -> int:
        """Give the server's resident memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _post(self, path: str, body: bytes, token: str) -> bytes:
        return (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def _upgrade(self, path: str, token: str = "") -> bytes:
        key = base64.b64encode(os.urandom(16)).decode()
        who = f"Authorization: Bearer {token}\r\n" if token else ""
        return (
            f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{who}\r\n"
        ).encode()


class Grove(Target):
    """A running web process of Grove, with a token of somebody who may create objects."""

    name = "grove"
    published = b'"topic":"state"'

    def __init__(self, url: str, team: str, token: str, pid: int = 0) -> None:
        super().__init__(url, pid)
        self.team, self.token = team, token

    def _call(self, name: str, command: str, arguments: dict[str, object], query: str = "") -> bytes:
        path = f"/api/v1/{self.team}/bench/{self.run}/{name}:{command}{query}"
        return self._post(path, json.dumps(arguments).encode(), self.token)

    def incr(self, name: str, *, create: bool = False) -> bytes:
        return self._call(name, "state.incr", {"key": "n"}, "?create=object" if create else "")

    def sql(self, name: str) -> bytes:
        query = (
            "insert into ev(kind, body) values('bench', 'a body of some length'); "
            "select id, kind, body from ev order by id desc limit 10"
        )
        return self._call(name, "sql", {"query": query})

    def prepare_sql(self, name: str) -> list[bytes]:
        table = {"query": "create table ev(id integer primary key, kind text not null, body text not null)"}
        return [*super().prepare_sql(name), self._call(name, "sql", table)]

    def upgrade(self, name: str, *, listens: bool = False) -> bytes:
        return self._upgrade(f"/ws/v1/{self.team}/bench/{self.run}/{name}", self.token)

    def socket_incr(self, number: int) -> bytes:
        return b'{"jsonrpc":"2.0","id":%d,"method":"state.incr","params":{"key":"n"},"create":"object"}' % number

    def listen(self) -> bytes:
        return b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"topics":["state"]}}'

    def publish(self, number: int) -> bytes:
        return self.socket_incr(number)


class Workerd(Target):
    """Cloudflare's runtime with a Durable Object on SQLite that does the same work; see `workerd/`."""

    name = "workerd"
    published = b'"ev":"pub"'
    token = "bench-token"

    def _object(self, name: str, command: str) -> str:
        return f"/o/{self.run}-{name.replace('/', '-')}/{command}"

    def incr(self, name: str, *, create: bool = False) -> bytes:
        return self._post(self._object(name, "incr"), b"{}", self.token)

    def sql(self, name: str) -> bytes:
        return self._post(self._object(name, "sql"), b'{"data":"a body of some length"}', self.token)

    def upgrade(self, name: str, *, listens: bool = False) -> bytes:
        return self._upgrade(f"{self._object(name, 'ws')}?token={self.token}{'&sub=1' if listens else ''}")

    def socket_incr(self, number: int) -> bytes:
        return b'{"id":%d,"cmd":"incr"}' % number

    async def forget(self) -> None:
        await asyncio.sleep(13)  # it lets go of an idle object after ten seconds

    def publish(self, number: int) -> bytes:
        return b'{"id":%d,"cmd":"publish","data":"a publication"}' % number
