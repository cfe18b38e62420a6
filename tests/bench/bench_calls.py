"""How fast a running web process answers: latency, throughput, pipelined sockets, new objects, fan-out, idle sockets.

    python -m tests.bench.bench_calls http://127.0.0.1:8000 TEAM TOKEN [--only lat,ws_pipe] [--seconds 4] [--pid PID]

Raw sockets, so that the client costs little: it shares the machine with the server. Every answer is checked, and what
was added is compared with what the object says at the end: a lost or doubled call fails the run. `beside.py` runs the
same against workerd, in the same minutes. See README.md.
"""

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.bench.targets import Grove, Target

CLIENTS = 32
OBJECTS = 1_000
WINDOW = 256
PIPELINED = 20_000
NEW_OBJECTS = 2_000
LISTENERS = 200
PUBLICATIONS = 500
IDLE_SOCKETS = 1_000
UNTIL_DONE_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Figure:
    """What a test measured. `value` is what targets are compared by, in `unit`."""

    name: str
    value: float
    unit: str
    note: str

    def __str__(self) -> str:
        return f"{self.name:10} {self.value:>12,.2f} {self.unit:12} {self.note}"


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

    async def call(self, request: bytes) -> bytes:
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.send(request, answered.set_result)
        return await answered


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
            if data[at] == 0x89:  # a ping
                self.transport.write(bytes((0x8A, 0x80 | size)) + b"\0\0\0\0" + data[start : start + size])
            if data[at] == 0x81:
                self.on_message(data[start : start + size])
            at = start + size
        self.data = data[at:]

    async def call(self, request: bytes) -> bytes:
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.on_message = lambda text: None if answered.done() else answered.set_result(text)
        self.transport.write(frame(request))
        return await answered


def frame(text: bytes) -> bytes:
    """Wrap a client's message; masked with zeros, which the protocol allows and costs nothing."""
    size = len(text)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + text


async def http(target: Target) -> Http:
    _, connection = await asyncio.get_running_loop().create_connection(Http, target.host, target.port)
    return connection


async def socket(target: Target, name: str, *, listens: bool = False) -> Socket:
    _, made = await asyncio.get_running_loop().create_connection(Socket, target.host, target.port)
    made.transport.write(target.upgrade(name, listens=listens))
    await made.is_open
    return made


def spread(latencies: list[float]) -> str:
    ordered = sorted(latencies)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms"


def median_ms(latencies: list[float]) -> float:
    return sorted(latencies)[len(latencies) // 2] * 1e3


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
            connection.transport.close()
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


async def counted(target: Target, name: str) -> int:
    """Add one and tell the sum: how the tests learn what took place."""
    connection = await http(target)
    value = target.value_of(await connection.call(target.incr(name, create=True)))
    connection.transport.close()
    return value


def check(name: str, got: int, want: int) -> None:
    if got != want:
        raise SystemExit(f"{name}: {want} calls were answered, and {got} took place")


async def one_object(target: Target, name: str, clients: int, seconds: float) -> tuple[list[float], float]:
    await counted(target, name)
    request = target.incr(name)
    await closed_loop(target, itertools.repeat(request), clients, 0.5)
    before = await counted(target, name)
    began = time.perf_counter()
    latencies = await closed_loop(target, itertools.repeat(request), clients, seconds)
    took = time.perf_counter() - began
    check(name, await counted(target, name) - before - 1, len(latencies))
    return latencies, took


async def lat(target: Target, seconds: float) -> Figure:
    latencies, _ = await one_object(target, "lat", 1, seconds)
    return Figure("lat", median_ms(latencies), "ms p50", f"increment over HTTP, 1 client; {spread(latencies)}")


async def tput1(target: Target, seconds: float) -> Figure:
    latencies, took = await one_object(target, "tput1", CLIENTS, seconds)
    note = f"increments over HTTP, 1 object, {CLIENTS} clients; {spread(latencies)}"
    return Figure("tput1", len(latencies) / took, "/s", note)


async def tput1000(target: Target, seconds: float) -> Figure:
    names = [f"many/{number}" for number in range(OBJECTS)]
    await closed_loop(target, (target.incr(name, create=True) for name in names), 16, UNTIL_DONE_S)
    requests = [target.incr(name) for name in names]
    began = time.perf_counter()
    latencies = await closed_loop(target, itertools.cycle(requests), 2 * CLIENTS, seconds)
    took = time.perf_counter() - began
    check("tput1000", sum([await counted(target, name) for name in names]) - 2 * OBJECTS, len(latencies))
    note = f"increments over HTTP, {OBJECTS:,} objects, {2 * CLIENTS} clients; {spread(latencies)}"
    return Figure("tput1000", len(latencies) / took, "/s", note)


async def sql(target: Target, seconds: float) -> Figure:
    connection = await http(target)
    for request in target.prepare_sql("sql"):
        await connection.call(request)
    began = time.perf_counter()
    latencies = await closed_loop(target, itertools.repeat(target.sql("sql")), CLIENTS, seconds)
    took = time.perf_counter() - began
    return Figure(
        "sql", len(latencies) / took, "/s", f"insert + select of ten rows, {CLIENTS} clients; {spread(latencies)}"
    )


async def ws_lat(target: Target, seconds: float) -> Figure:
    connection = await socket(target, "ws_lat")
    latencies: list[float] = []
    await connection.call(target.socket_incr(0))
    before = await counted(target, "ws_lat")
    ends_at = time.perf_counter() + seconds
    while (began := time.perf_counter()) < ends_at:
        await connection.call(target.socket_incr(1))
        latencies.append(time.perf_counter() - began)
    check("ws_lat", await counted(target, "ws_lat") - before - 1, len(latencies))
    return Figure("ws_lat", median_ms(latencies), "ms p50", f"increment over a socket; {spread(latencies)}")


async def ws_pipe(target: Target, _seconds: float) -> Figure:
    connection = await socket(target, "ws_pipe")
    await connection.call(target.socket_incr(0))
    before = await counted(target, "ws_pipe")
    done = asyncio.get_running_loop().create_future()
    sent_at: list[float] = []
    latencies: list[float] = []

    def send(count: int) -> None:
        first = len(sent_at)
        now = time.perf_counter()
        sent_at.extend([now] * min(count, PIPELINED - first))
        connection.transport.write(b"".join(frame(target.socket_incr(number)) for number in range(first, len(sent_at))))

    def heard(text: bytes) -> None:
        latencies.append(time.perf_counter() - sent_at[target.number_of(text)])
        if len(latencies) == PIPELINED:
            done.set_result(None)
        elif len(latencies) % 32 == 0:
            send(32)

    connection.on_message = heard
    began = time.perf_counter()
    send(WINDOW)
    await done
    took = time.perf_counter() - began
    check("ws_pipe", await counted(target, "ws_pipe") - before - 1, PIPELINED)
    note = f"increments over a socket, {WINDOW} under way; {spread(latencies)}"
    return Figure("ws_pipe", PIPELINED / took, "/s", note)


async def cold(target: Target, _seconds: float) -> Figure:
    requests = (target.incr(f"new/{number}", create=True) for number in range(NEW_OBJECTS))
    began = time.perf_counter()
    latencies = await closed_loop(target, requests, 16, UNTIL_DONE_S)
    took = time.perf_counter() - began
    note = f"first call on {NEW_OBJECTS:,} new objects, 16 clients; {spread(latencies)}"
    return Figure("cold", len(latencies) / took, "/s", note)


async def wake(target: Target, _seconds: float) -> Figure:
    """The objects of `cold`, once they are in no process's memory any more; `Target.forget` sees to that."""
    names = [f"asleep/{number}" for number in range(NEW_OBJECTS)]
    await closed_loop(target, (target.incr(name, create=True) for name in names), 16, UNTIL_DONE_S)
    await target.forget()
    began = time.perf_counter()
    latencies = await closed_loop(target, (target.incr(name) for name in names), 16, UNTIL_DONE_S)
    took = time.perf_counter() - began
    note = f"first call on {NEW_OBJECTS:,} objects not in memory, 16 clients; {spread(latencies)}"
    return Figure("wake", len(latencies) / took, "/s", note)


async def fanout(target: Target, _seconds: float) -> Figure:
    publisher = await socket(target, "fanout")
    await publisher.call(target.publish(0))
    listeners = [await socket(target, "fanout", listens=True) for _ in range(LISTENERS)]
    done = asyncio.get_running_loop().create_future()
    heard = 0

    def hear(text: bytes) -> None:
        nonlocal heard
        heard += text.count(target.published)
        if heard >= LISTENERS * PUBLICATIONS and not done.done():
            done.set_result(None)

    for listener in listeners:
        if target.listen():
            await listener.call(target.listen())
        listener.on_message = hear
    publisher.on_message = lambda _text: None
    began = time.perf_counter()
    publisher.transport.write(b"".join(frame(target.publish(number)) for number in range(PUBLICATIONS)))
    await asyncio.wait_for(done, 60)
    took = time.perf_counter() - began
    return Figure("fanout", heard / took, "/s", f"deliveries of {PUBLICATIONS} events to {LISTENERS} sockets")


async def idle(target: Target, _seconds: float) -> Figure:
    for number in range(100):  # what the first sockets cost once is no matter of each
        await socket(target, f"warm/{number}")
    await asyncio.sleep(1)
    before = target.rss_bytes()
    kept = [await socket(target, f"idle/{number}") for number in range(IDLE_SOCKETS)]
    await asyncio.sleep(12)
    grown = (target.rss_bytes() - before) / 2**20
    return Figure("idle", grown, "MiB", f"{len(kept):,} idle sockets, an object each, after 12 s")


TESTS: dict[str, Callable[[Target, float], Awaitable[Figure]]] = {
    test.__name__: test for test in (lat, tput1, tput1000, sql, ws_lat, ws_pipe, cold, wake, fanout, idle)
}


async def measure(target: Target, chosen: list[str], seconds: float) -> None:
    for name in chosen:
        sys.stdout.write(f"{await TESTS[name](target, seconds)}\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("team", help="slug")
    parser.add_argument("token", help="of somebody who may create objects at /bench")
    parser.add_argument("--only", default="", help=f"some of {','.join(TESTS)}")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--pid", type=int, default=0, help="of the web process, for `idle`")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else [name for name in TESTS if name not in ("idle", "wake")]
    asyncio.run(measure(Grove(chosen.url, chosen.team, chosen.token, chosen.pid), names, chosen.seconds))


if __name__ == "__main__":
    main()
