"""How fast a running web process answers: latency, throughput, pipelined sockets, new objects, fan-out, idle sockets.

    python tests/bench/bench_calls.py http://127.0.0.1:8000 TEAM TOKEN [--only lat,ws_pipe] [--seconds 4] [--pid PID]

Raw sockets, so that the client costs little: it shares the machine with the server. Every answer is checked, and what
was added is compared with what the object says at the end: a lost or doubled call fails the run. See README.md.
"""

import argparse
import asyncio
import base64
import itertools
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CLIENTS = 32
OBJECTS = 1_000
WINDOW = 256
PIPELINED = 20_000
NEW_OBJECTS = 2_000
LISTENERS = 200
PUBLICATIONS = 500
IDLE_SOCKETS = 1_000


class Target:
    """The server and what to say to it."""

    def __init__(self, url: str, team: str, token: str, pid: int) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.team, self.token, self.pid = team, token, pid
        self.run = f"/bench/{int(time.time()):x}"

    def request(self, path: str, command: str, arguments: dict[str, Any], query: str = "") -> bytes:
        body = json.dumps(arguments).encode()
        return (
            f"POST /api/v1/{self.team}{path}:{command}{query} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def upgrade(self, path: str) -> bytes:
        key = base64.b64encode(os.urandom(16)).decode()
        return (
            f"GET /ws/v1/{self.team}{path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {self.token}\r\n\r\n"
        ).encode()

    def rss_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Http(asyncio.Protocol):
    """A kept-alive connection with one request under way."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.data = b""
        self.on_answer: Callable[[bytes], None] = print

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: bytes, on_answer: Callable[[bytes], None]) -> None:
        self.on_answer = on_answer
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        if found:
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(body) >= length:
                self.data = b""
                if not head.startswith(b"HTTP/1.1 200"):
                    raise SystemExit(f"refused: {body!r}")
                self.on_answer(body)

    async def call(self, request: bytes) -> Any:
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.send(request, answered.set_result)
        return json.loads(await answered)["value"]


class Socket(asyncio.Protocol):
    """A WebSocket whose server frames are counted or read."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.data = b""
        self.is_open = asyncio.get_running_loop().create_future()
        self.on_message: Callable[[bytes], None] = lambda _text: None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self.data + data if self.data else data
        at = 0
        if not self.is_open.done():
            head = data.find(b"\r\n\r\n")
            if head < 0:
                self.data = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"refused: {data!r}")
            self.is_open.set_result(None)
            at = head + 4
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if len(data) < start + size:
                break
            if data[at] == 0x88:
                raise SystemExit(f"closed: {data[start : start + size]!r}")
            if data[at] == 0x81:
                self.on_message(data[start : start + size])
            at = start + size
        self.data = data[at:]

    async def call(self, request: dict[str, Any]) -> Any:
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.on_message = lambda text: None if b'"method":"event"' in text else answered.set_result(text)
        self.transport.write(frame(json.dumps(request).encode()))
        answer = json.loads(await answered)
        if "error" in answer:
            raise SystemExit(f"refused: {answer}")
        return answer["result"]["value"]


def frame(text: bytes) -> bytes:
    """Wrap a client's message; masked with zeros, which the protocol allows and costs nothing."""
    size = len(text)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + text


async def http(target: Target) -> Http:
    _, connection = await asyncio.get_running_loop().create_connection(Http, target.host, target.port)
    return connection


async def socket(target: Target, path: str) -> Socket:
    _, made = await asyncio.get_running_loop().create_connection(Socket, target.host, target.port)
    made.transport.write(target.upgrade(path))
    await made.is_open
    return made


def told(name: str, seconds: float, latencies: list[float], note: str = "") -> None:
    ordered = sorted(latencies)
    line = f"{name:10} {len(ordered) / seconds:>10,.0f}/s"
    if ordered:
        p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        line += f"   p50 {p50 * 1e3:7.2f} ms   p99 {p99 * 1e3:7.2f} ms"
    sys.stdout.write(f"{line}   {note}\n")
    sys.stdout.flush()


async def closed_loop(target: Target, requests: Iterator[bytes], clients: int, seconds: float) -> list[float]:
    """Keep one request of each client under way, until the time or the requests are used up; give all latencies."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    ends_at = time.perf_counter() + seconds
    done = loop.create_future()
    under_way = 0

    def go(connection: Http) -> None:
        nonlocal under_way
        request = next(requests, None) if time.perf_counter() < ends_at else None
        if request is None:
            if under_way == 0 and not done.done():
                done.set_result(None)
            return
        began = time.perf_counter()
        under_way += 1

        def answered(_body: bytes) -> None:
            nonlocal under_way
            latencies.append(time.perf_counter() - began)
            under_way -= 1
            go(connection)

        connection.send(request, answered)

    for connection in [await http(target) for _ in range(clients)]:
        go(connection)
    await done
    return latencies


async def added(target: Target, path: str) -> int:
    return int(await (await http(target)).call(target.request(path, "state.incr", {"key": "n", "by": 0})))


async def one_object(target: Target, name: str, clients: int, seconds: float) -> None:
    path = f"{target.run}/{name}"
    await (await http(target)).call(target.request(path, "state.incr", {"key": "n", "by": 0}, "?create=object"))
    request = target.request(path, "state.incr", {"key": "n"})
    await closed_loop(target, itertools.repeat(request), clients, 0.5)
    before = await added(target, path)
    began = time.perf_counter()
    latencies = await closed_loop(target, itertools.repeat(request), clients, seconds)
    told(name, time.perf_counter() - began, latencies, f"state.incr over HTTP, 1 object, {clients} client(s)")
    check(name, await added(target, path) - before, len(latencies))


def check(name: str, got: int, want: int) -> None:
    if got != want:
        raise SystemExit(f"{name}: {want} calls were answered, and {got} took place")


async def lat(target: Target, seconds: float) -> None:
    await one_object(target, "lat", 1, seconds)


async def tput1(target: Target, seconds: float) -> None:
    await one_object(target, "tput1", CLIENTS, seconds)


async def tput1000(target: Target, seconds: float) -> None:
    paths = [f"{target.run}/many/{number}" for number in range(OBJECTS)]
    made = (target.request(path, "state.incr", {"key": "n", "by": 0}, "?create=object") for path in paths)
    await closed_loop(target, made, 16, 60)
    requests = [target.request(path, "state.incr", {"key": "n"}) for path in paths]
    began = time.perf_counter()
    latencies = await closed_loop(target, itertools.cycle(requests), 2 * CLIENTS, seconds)
    told("tput1000", time.perf_counter() - began, latencies, f"{OBJECTS:,} objects, {2 * CLIENTS} clients")
    check("tput1000", sum([await added(target, path) for path in paths]), len(latencies))


async def sql(target: Target, seconds: float) -> None:
    path = f"{target.run}/sql"
    connection = await http(target)
    await connection.call(target.request(path, "state.incr", {"key": "n"}, "?create=object"))
    await connection.call(
        target.request(path, "sql", {"query": "create table if not exists ev(id integer primary key, body text)"})
    )
    query = "insert into ev(body) values('bench') returning id"
    request = target.request(path, "sql", {"query": query})
    began = time.perf_counter()
    latencies = await closed_loop(target, itertools.repeat(request), CLIENTS, seconds)
    told("sql", time.perf_counter() - began, latencies, f"an insert, 1 object, {CLIENTS} clients")


async def ws_lat(target: Target, seconds: float) -> None:
    path = f"{target.run}/ws_lat"
    connection = await socket(target, path)
    request = {"jsonrpc": "2.0", "id": 1, "method": "state.incr", "params": {"key": "n"}, "create": "object"}
    latencies: list[float] = []
    first = await connection.call(request)
    ends_at = time.perf_counter() + seconds
    while (began := time.perf_counter()) < ends_at:
        last = await connection.call(request)
        latencies.append(time.perf_counter() - began)
    told("ws_lat", seconds, latencies, "state.incr over a socket, one at a time")
    check("ws_lat", last - first, len(latencies))


async def ws_pipe(target: Target, _seconds: float) -> None:
    path = f"{target.run}/ws_pipe"
    connection = await socket(target, path)
    call = {"jsonrpc": "2.0", "id": 0, "method": "state.incr", "params": {"key": "n"}}
    before = await connection.call(call | {"create": "object"})
    done = asyncio.get_running_loop().create_future()
    sent_at: list[float] = []
    latencies: list[float] = []

    def send(count: int) -> None:
        first = len(sent_at)
        now = time.perf_counter()
        sent_at.extend([now] * min(count, PIPELINED - first))
        connection.transport.write(b"".join(frame(_incr(number)) for number in range(first, len(sent_at))))

    def heard(text: bytes) -> None:
        answer = json.loads(text)
        if "error" in answer:
            raise SystemExit(f"refused: {answer}")
        latencies.append(time.perf_counter() - sent_at[answer["id"]])
        if len(latencies) == PIPELINED:
            done.set_result(None)
        elif len(latencies) % 32 == 0:
            send(32)

    connection.on_message = heard
    began = time.perf_counter()
    send(WINDOW)
    await done
    told("ws_pipe", time.perf_counter() - began, latencies, f"state.incr over a socket, {WINDOW} under way")
    check("ws_pipe", await connection.call(call) - before - 1, PIPELINED)


def _incr(number: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"state.incr","params":{"key":"n"}}' % number


async def cold(target: Target, _seconds: float) -> None:
    requests = (
        target.request(f"{target.run}/new/{number}", "state.incr", {"key": "n"}, "?create=object")
        for number in range(NEW_OBJECTS)
    )
    began = time.perf_counter()
    latencies = await closed_loop(target, requests, 16, 120)
    told("cold", time.perf_counter() - began, latencies, f"first call on {NEW_OBJECTS:,} new objects, 16 clients")


async def fanout(target: Target, _seconds: float) -> None:
    path = f"{target.run}/fanout"
    publisher = await socket(target, path)
    call = {"jsonrpc": "2.0", "id": 0, "method": "state.incr", "params": {"key": "n"}, "create": "object"}
    await publisher.call(call)
    listeners = [await socket(target, path) for _ in range(LISTENERS)]
    done = asyncio.get_running_loop().create_future()
    heard = 0

    def hear(text: bytes) -> None:
        nonlocal heard
        heard += text.count(b'"topic":"state"')
        if heard >= LISTENERS * PUBLICATIONS and not done.done():
            done.set_result(None)

    for listener in listeners:
        await listener.call({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"topics": ["state"]}})
        listener.on_message = hear
    publisher.on_message = lambda _text: None
    began = time.perf_counter()
    publisher.transport.write(b"".join(frame(_incr(number)) for number in range(PUBLICATIONS)))
    await asyncio.wait_for(done, 60)
    took = time.perf_counter() - began
    sys.stdout.write(
        f"{'fanout':10} {heard / took:>10,.0f}/s   deliveries of {PUBLICATIONS} events to {LISTENERS} sockets\n"
    )


async def idle(target: Target, _seconds: float) -> None:
    path = f"{target.run}/idle"
    await (await http(target)).call(target.request(path, "state.incr", {"key": "n"}, "?create=object"))
    before = target.rss_bytes()
    kept = [await socket(target, path) for _ in range(IDLE_SOCKETS)]
    await asyncio.sleep(2)
    each = (target.rss_bytes() - before) / len(kept)
    sys.stdout.write(f"{'idle':10} {each / 1024:>10,.1f} KiB a socket   {len(kept):,} idle sockets on one object\n")


TESTS: dict[str, Callable[[Target, float], Awaitable[None]]] = {
    test.__name__: test for test in (lat, tput1, tput1000, sql, ws_lat, ws_pipe, cold, fanout, idle)
}


async def measure(target: Target, chosen: list[str], seconds: float) -> None:
    for name in chosen:
        await TESTS[name](target, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("team", help="slug")
    parser.add_argument("token", help="of somebody who may create objects at /bench")
    parser.add_argument("--only", default="", help=f"some of {','.join(TESTS)}")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--pid", type=int, default=0, help="of the web process, for `idle`")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else [name for name in TESTS if name != "idle" or chosen.pid]
    asyncio.run(measure(Target(chosen.url, chosen.team, chosen.token, chosen.pid), names, chosen.seconds))


if __name__ == "__main__":
    main()
