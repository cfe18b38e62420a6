"""Hands on what a browser and a site say to each other, and counts it: the bytes of a tunnel, or one HTTP exchange."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

import h11

from browsers.egress.traffic import Traffic
from objects.network.guard import Unreachable
from teams.problems import BadRequest

CHUNK_BYTES: Final = 64 * 1024
HEAD_BYTES: Final = 128 * 1024  # a request's line and headers, cookies among them
HOP_HEADERS: Final = frozenset({
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"proxy-authenticate", b"te", b"trailer",
    b"upgrade",
})  # fmt: skip

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Target:
    host: str
    port: int
    shown: str  # as the page of a refusal names it

    @classmethod
    def read(cls, authority: str, default_port: int, shown: str) -> Self:
        try:
            parts = urlsplit(f"//{authority}")
            host, port = parts.hostname or "", parts.port or default_port
        except ValueError:
            host, port = "", 0
        if not host or not 0 < port < 65536 or len(host) > 255:
            raise BadRequest("the address names no host and port.")
        return cls(host.rstrip("."), port, shown)


async def tunnel(traffic: Traffic, browser: Wire, site: Wire, early: bytes) -> None:
    """Hand on bytes both ways until both sides have ended. early: what the browser sent before there was a tunnel."""

    async def hand_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, way: str) -> None:
        while chunk := await source.read(CHUNK_BYTES):
            traffic.count(**{way: len(chunk)})
            target.write(chunk)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()

    traffic.count(sent=len(early))
    site[1].write(early)
    await _both(hand_on(browser[0], site[1], "sent"), hand_on(site[0], browser[1], "received"))


class Exchange:
    """One request and its answer. Each has a connection to the site of its own: nothing can be mixed up."""

    def __init__(self, traffic: Traffic, browser: h11.Connection, browser_wire: Wire, site_wire: Wire) -> None:
        self._traffic = traffic
        self._browser, self._browser_wire, self._site_wire = browser, browser_wire, site_wire
        self._site = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)

    async def run(self, request: h11.Request, target: Target, path: str) -> None:
        """Hand on both. Raises Unreachable where the site breaks off."""
        host = f"[{target.host}]" if ":" in target.host else target.host
        own = [(b"Host", (host if target.port == 80 else f"{host}:{target.port}").encode()), (b"Connection", b"close")]
        head = h11.Request(method=request.method, target=path, headers=own + _kept(request.headers, without=b"host"))
        ways = [asyncio.ensure_future(self._out(head)), asyncio.ensure_future(self._back())]
        try:
            # An answer that comes before the whole body was sent ends the sending; a browser that left ends the answer.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                if way.done():
                    way.result()
            if not ways[1].done():
                raise ConnectionAbortedError
        except (h11.RemoteProtocolError, ConnectionError) as error:
            raise Unreachable(f"{target.host}: it broke off, or what it answered is no HTTP.") from error
        finally:
            await _end(ways)

    async def _out(self, head: h11.Request) -> None:
        event: Any = head
        while True:
            written = self._site.send(event) or b""
            self._traffic.count(sent=len(written))
            self._site_wire[1].write(written)
            await self._site_wire[1].drain()
            if isinstance(event, h11.EndOfMessage):
                break
            event = await event_of(self._browser, self._browser_wire)
            if not isinstance(event, h11.Data | h11.EndOfMessage):
                return
        while chunk := await self._browser_wire[0].read(CHUNK_BYTES):  # for the next request; mostly it only waits
            self._browser.receive_data(chunk)

    async def _back(self) -> None:
        event: Any = None
        while not isinstance(event, h11.EndOfMessage):
            event = self._site.next_event()
            if event is h11.NEED_DATA:
                chunk = await self._site_wire[0].read(CHUNK_BYTES)
                self._traffic.count(received=len(chunk))
                self._site.receive_data(chunk)
            elif isinstance(event, h11.Response):
                head = h11.Response(status_code=event.status_code, reason=event.reason, headers=_kept(event.headers))
                await write(self._browser, head, self._browser_wire)
            elif isinstance(event, h11.Data | h11.EndOfMessage):
                await write(self._browser, event, self._browser_wire)
            elif not isinstance(event, h11.InformationalResponse):
                raise ConnectionAbortedError


async def event_of(connection: h11.Connection, wire: Wire) -> Any:
    """Read until something has come whole."""
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await wire[0].read(CHUNK_BYTES))
    return event


async def write(connection: h11.Connection, event: h11.Event, wire: Wire) -> None:
    """Write something, and wait while the other side does not read."""
    written = connection.send(event)
    if written:
        wire[1].write(written)
        await wire[1].drain()


def _kept(headers: Any, without: bytes = b"") -> Headers:
    """Give the headers that go on: not those that are about this connection only."""
    named = {
        each.strip().lower()
        for name, value in headers
        if name in (b"connection", b"proxy-connection")
        for each in value.split(b",")
    }
    gone = (HOP_HEADERS | named | {without}) - {b"content-length", b"transfer-encoding"}
    return [(name, value) for name, value in headers.raw_items() if name.lower() not in gone]


async def _both(*ways: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.ensure_future(each) for each in ways]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def _end(tasks: "Sequence[asyncio.Future[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
