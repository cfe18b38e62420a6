"""The proxy that browsers reach the web through: HTTP with whole addresses, and CONNECT for all else.

Each browser has a door, a name and a password of its own: so it is known who asks, and who knows no door gets nothing.
A name is resolved here, once; its addresses are checked by the node's guard and the object's lists, and the connection
goes to what was checked. Grove's own ports, this one among them, are never reached. The one exception are sites that
Grove itself serves to browsers, each by its exact name and port.
"""

import asyncio
import base64
import binascii
import hmac
import logging
import os
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import h11
from django.conf import settings

from browsers.egress import refused
from browsers.egress.relay import CHUNK_BYTES, HEAD_BYTES, Exchange, Target, Wire, event_of, tunnel, write
from browsers.egress.sites import Sites
from browsers.egress.traffic import Refusal, Traffic
from objects.network.guard import Guard, Unreachable, guard
from teams.problems import BadRequest, NoSuch, OutOfTime, Problem

log = logging.getLogger("grove.browsers.egress")

HEAD_S: Final = 15.0  # for the first head of a connection, so that nobody holds one for nothing
IDLE_S: Final = 60.0  # between two requests of a connection
CONNECT_S: Final = 10.0
RESOLVERS: Final = 32
DOOR_RESOLVERS: Final = 8  # names of one door that are resolved at once: slow ones hold up no other door


@dataclass(eq=False)
class Door:
    """One browser's way out. sites can be changed while it is open."""

    name: str
    server: str
    sites: Sites
    traffic: Traffic
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    connections: set["asyncio.Task[Any]"] = field(default_factory=set)
    resolving: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DOOR_RESOLVERS))

    def credentials(self) -> dict[str, str]:
        """Give the proxy as Playwright wants it for a context."""
        return {"server": self.server, "username": self.name, "password": self.password}

    def explanation(self, refusal: Refusal) -> str:
        """Give the address of the page that tells this browser why it was refused."""
        return f"http://{refused.HOST}/{refusal.number}"


class Proxy:
    """Listens on loopback from `start` to `stop`.

    own_sites: {(name, port): (address, port)} of what Grove itself serves to browsers.
    """

    def __init__(self, by: Guard | None = None, own_sites: Mapping[tuple[str, int], tuple[str, int]] | None = None):
        self._guard = by or guard()
        self._own_sites = dict(own_sites or {})
        self._doors: dict[str, Door] = {}
        self._traffic: dict[str, Traffic] = {}
        self._server: asyncio.Server | None = None
        self._resolvers = ThreadPoolExecutor(RESOLVERS, "resolves for browsers")
        self._strangers: set[asyncio.Task[Any]] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        self._guard = replace(self._guard, own=self._guard.own | {self.port})

    async def stop(self) -> None:
        """Close all doors and the port."""
        for door in list(self._doors.values()):
            self.close(door)
        if self._server is not None:
            self._server.close()
        tasks = list(self._strangers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    def open(self, name: str, sites: Sites | None = None) -> Door:
        """Open a door. name: of the object, the same each time, so that its traffic of this hour counts on."""
        if ":" in name:
            raise ValueError("a name with a colon cannot be a user name")
        limits = settings.GROVE
        traffic = self._traffic.setdefault(
            name, Traffic(hour_bytes=limits.BROWSER_HOUR_BYTES, connections_most=limits.BROWSER_CONNECTIONS)
        )
        door = Door(name, f"http://127.0.0.1:{self.port}", sites or Sites(), traffic)
        self.close(self._doors.get(name))
        self._doors[name] = door
        self._forget()
        return door

    def close(self, door: Door | None) -> None:
        """Close a door with all that goes through it."""
        if door is None:
            return
        if self._doors.get(door.name) is door:
            del self._doors[door.name]
        for task in list(door.connections):
            task.cancel()

    def _forget(self) -> None:
        """Forget the traffic of browsers that are closed and have used nothing in this hour."""
        if len(self._traffic) > 2 * len(self._doors) + 1_000:
            self._traffic = {k: v for k, v in self._traffic.items() if k in self._doors or v.is_recent()}

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._strangers.add(task)
        try:
            await _Connection(self, reader, writer, task).serve()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, h11.ProtocolError, TimeoutError):
            pass  # one side went away, the door was closed, or what came is no HTTP: nobody is there to be told
        except Exception:
            log.exception("a browser's connection failed by a fault of ours")
        finally:
            self._strangers.discard(task)
            writer.close()

    def door_of(self, headers: Mapping[bytes, bytes]) -> Door | None:
        """Find the door that a request's user name and password open."""
        kind, _, told = headers.get(b"proxy-authorization", b"").partition(b" ")
        try:
            name, _, password = base64.b64decode(told, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        door = self._doors.get(name)
        if (
            door is None
            or kind.lower() != b"basic"
            or not hmac.compare_digest(door.password.encode(), password.encode())
        ):
            return None
        return door

    async def connect(self, door: Door, target: Target) -> Wire:
        """Connect to what was checked. Raises Problem, which is written down at the door."""
        host, port = target.host, target.port
        own = self._own_sites.get((host, port))
        if own is not None:
            door.sites.check(host, port, [own[0]])
            return await _connected([own[0]], own[1], host)
        async with door.resolving:
            addresses = await asyncio.get_running_loop().run_in_executor(
                self._resolvers, partial(self._guard.addresses, host, port, CONNECT_S)
            )
        door.sites.check(host, port, addresses)
        return await _connected(addresses, port, host)


async def _connected(addresses: list[str], port: int, host: str) -> Wire:
    problem: Problem = Unreachable(f"{host}: has no address.")
    for address in addresses[:4]:
        try:
            async with asyncio.timeout(CONNECT_S / min(len(addresses), 4)):
                return await asyncio.open_connection(address, port, limit=CHUNK_BYTES)
        except TimeoutError:
            problem = OutOfTime(f"{host}: no connection within {CONNECT_S:g} s.")
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else "no connection"
            problem = Unreachable(f"{host}, port {port}: {reason}. Nothing answers there now.")
    raise problem


class _Connection:
    """One connection of a browser to the proxy: requests one after the other, or a tunnel."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: "asyncio.Task[Any]"
    ) -> None:
        self._proxy, self._wire, self._task = proxy, (reader, writer), task
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self._is_head = False

    async def serve(self) -> None:
        """Answer requests until the connection can take no more of them."""
        wait_s = HEAD_S
        while True:
            async with asyncio.timeout(wait_s):
                request = await event_of(self._http, self._wire)
            if not isinstance(request, h11.Request):
                return
            await self._answer(request)
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()
            wait_s = IDLE_S

    async def _answer(self, request: h11.Request) -> None:
        self._is_head = request.method == b"HEAD"
        headers = dict(request.headers)
        door = self._proxy.door_of(headers)
        if door is None:
            challenge = [("Proxy-Authenticate", 'Basic realm="Grove"'), ("Connection", "close")]
            await self._say(407, b"Only browsers of this Grove go through here.", challenge)
            return
        door.connections.add(self._task)
        target, is_counted = None, False
        try:
            target, path = _target(request)
            if target.host == refused.HOST:
                await self._tell(door, path)
                return
            door.traffic.admit()
            is_counted = True
            upstream = await self._proxy.connect(door, target)
            try:
                if request.method == b"CONNECT":
                    await self._send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
                    await tunnel(door.traffic, self._wire, upstream, self._http.trailing_data[0])
                else:
                    await Exchange(door.traffic, self._http, self._wire, upstream).run(request, target, path)
            finally:
                upstream[1].close()
        except Problem as problem:
            if self._http.our_state is not h11.SEND_RESPONSE:
                raise ConnectionAbortedError from problem  # the answer is under way: it can only be cut
            host, port = (target.host, target.port) if target else ("", 0)
            door.traffic.refuse(host, port, problem)
            shown = target.shown if target else ""
            await self._say(problem.status, refused.page(problem, shown), refused.HEADERS)
        finally:
            if is_counted:
                door.traffic.open -= 1
            door.connections.discard(self._task)

    async def _tell(self, door: Door, path: str) -> None:
        """Answer the browser that asks why it was refused before."""
        number = path.strip("/")
        is_number = number.isascii() and number.isdigit() and len(number) < 12
        refusal = door.traffic.numbered(int(number)) if is_number else None
        if refusal is None:
            problem: Problem = NoSuch("nothing was refused here, or it is long ago.")
            await self._say(problem.status, refused.page(problem, ""), refused.HEADERS)
        else:
            page = refused.page(refusal.problem, f"https://{refusal.host}")
            await self._say(refusal.problem.status, page, refused.HEADERS)

    async def _say(self, status: int, body: bytes, headers: Any) -> None:
        """Answer by ourselves, and close: a body that still comes is not read."""
        all_headers = [*headers, ("Content-Length", str(len(body)))]
        if not any(name == "Connection" for name, _ in headers):
            all_headers.append(("Connection", "close"))
        await self._send(h11.Response(status_code=status, headers=all_headers))
        if not self._is_head:
            await self._send(h11.Data(data=body))
        await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        await write(self._http, event, self._wire)


def _target(request: h11.Request) -> tuple[Target, str]:
    """Read where a request goes, and the path that it asks for there."""
    target = request.target.decode("latin-1")
    if request.method == b"CONNECT":
        return Target.read(target, 443, target.removesuffix(":443")), ""
    try:
        parts = urlsplit(target)
    except ValueError:
        raise BadRequest("the address cannot be read.") from None
    if parts.scheme != "http" or not parts.netloc:
        raise BadRequest("this is the way out of Grove's browsers: it takes whole http:// addresses and CONNECT.")
    after = target[target.index("//") + 2 :]
    at = min((after.index(each) for each in "/?#" if each in after), default=len(after))
    path = after[at:].partition("#")[0]
    return Target.read(after[:at].rpartition("@")[2], 80, target), path if path.startswith("/") else f"/{path}"
