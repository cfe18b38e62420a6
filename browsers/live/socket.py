"""The socket of the live view, `/ws/browser/{team}/{path}`: who may view the object watches, who may edit it drives.

    <- bytes: a frame (`F`, number, width, height of the page in its own dots, JPEG)
    <- {"you": "…", "may": true, "awake": true, "driver": "…", "watchers": {"…": "bob@example.com"}, "url": …, …}
    <- {"copied": "…", "by_page": false}     what who drives has copied, or the page did, by a button of its own
    -> {"seen": 12}                          that frame is on the screen: the next may come
    -> {"do": "drive"}, {"do": "hand back"}
    -> {"do": "input", "events": [{"type": "mouse", "what": "down", "x": 10, "y": 20}, …]}: see `browsers.live.hands`

The newest frame counts: one that nobody had room for is left out. Closed with 4401, 4403, 4404 (not yours, or not any
more), each with a reason.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import orjson
import valkey

from browsers.live import wire
from objects.commands.registry import registry
from objects.engine.running import engine
from objects.surfaces import addresses, identity
from objects.surfaces.identity import Identity
from objects.tree.paths import ObjectPath
from teams.access import Caller, refusal
from teams.problems import BadRequest, NoSuch, Problem

log = logging.getLogger("grove.browser.live")

PREFIX: Final = b"/ws/browser/"
LOOK_S: Final = 0.5  # between two looks at the rights of who watches; what was found is kept for CALLER_KEEP_S
EVENTS: Final = 100  # in one message
DRIVES: Final = "browser.click"  # who may do that may drive
NAME_CHARS: Final = 200

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def watch(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a socket below `/ws/browser/` until one side closes it."""
    await receive()
    await send({"type": "websocket.accept"})
    try:
        address = addresses.read(scope, PREFIX)
        if address.command is not None:
            raise BadRequest("The address of a live view ends in a path.")
        who = await identity.of_socket(scope, dict(scope["headers"]), address.team)
        caller = await _admitted(who, address.path)
        there = await engine().acall(caller.schema, address.path, "tree.describe", {}, caller, via="socket")
        if there.problem is not None:
            raise there.problem
    except Problem as problem:
        await send({"type": "websocket.close", "code": 4000 + problem.status, "reason": problem.detail})
        return
    view = _View(who, caller, address.path, send)
    serving = [asyncio.ensure_future(each) for each in (view.hear(receive), view.look(), view.stay(), view.show())]
    try:
        done, _ = await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    except Problem as problem:
        await send({"type": "websocket.close", "code": 4000 + problem.status, "reason": problem.detail})
    except (valkey.ValkeyError, OSError) as error:
        log.warning("a live view ended: Valkey does not answer: %r", error)
        await send({"type": "websocket.close", "code": 1013, "reason": "Live views are away for a moment."})
    except Exception:
        log.exception("a live view failed by a fault of ours")
        await send({"type": "websocket.close", "code": 1011, "reason": "Grove made a mistake. It is in the log."})
    finally:
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        with suppress(valkey.ValkeyError, OSError):
            await view.say(do="leave")


async def _admitted(who: Identity, path: ObjectPath) -> Caller:
    caller = who.known() or await who.caller()
    if not caller.sees(path):
        raise NoSuch(f"{path}: no such object.")
    return caller


def _may_drive(caller: Caller, path: ObjectPath) -> bool:
    spec = registry.command("object", DRIVES)
    return refusal(caller, caller.schema, path, command=DRIVES, verb=spec.verb, needs=spec.needs) is None


class _View:
    """One person's view."""

    def __init__(self, who: Identity, caller: Caller, path: ObjectPath, send: Send) -> None:
        self._who, self._path, self._send = who, path, send
        self._schema, self._name = caller.schema, caller.name[:NAME_CHARS]
        self._id = uuid4().hex[:12]
        self._may = _may_drive(caller, path)
        self._state: dict[str, Any] = {}
        self._frame: bytes | None = None
        self._copied: dict[str, Any] | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()  # the reader has shown what it was sent
        self._room.set()

    async def say(self, **said: Any) -> None:
        """Say something to the host."""
        await wire.client().publish(wire.hands(self._schema, self._path), orjson.dumps({"who": self._id, **said}))

    async def hear(self, receive: Receive) -> None:
        """Take what the reader sends."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                said = orjson.loads(message.get("text") or b"")
            except orjson.JSONDecodeError:
                raise BadRequest("Messages here are JSON texts.") from None
            if not isinstance(said, dict):
                raise BadRequest("Messages here are JSON objects.")
            if isinstance(said.get("seen"), int):
                self._room.set()
                await self.say(do="seen", frame=said["seen"])
            elif said.get("do") in ("drive", "hand back", "input"):
                await self._drive(said)

    async def _drive(self, said: dict[str, Any]) -> None:
        self._may = _may_drive(await _admitted(self._who, self._path), self._path)
        if not self._may:
            self._news.set()
            return
        events = said.get("events")
        if said["do"] != "input":
            await self.say(do=said["do"])
        elif isinstance(events, list):
            await self.say(do="input", events=[each for each in events[:EVENTS] if isinstance(each, dict)])

    async def look(self) -> None:
        """Hear what the host casts."""
        async with wire.hearing() as hearing:
            await hearing.subscribe(wire.cast(self._schema, self._path))
            async for message in hearing.listen():
                if message["type"] == "subscribe":
                    await self.say(do="watch", name=self._name)
                elif message["type"] == "message":
                    told = message["data"]
                    if told[:1] == b"F":
                        self._frame = told
                    elif told[:1] == b"C":
                        copied = orjson.loads(told[1:])
                        if copied["to"] != self._id:
                            continue
                        self._copied = {"copied": copied["text"], "by_page": copied["by_page"]}
                    else:
                        self._state = orjson.loads(told[1:])
                    self._news.set()

    async def show(self) -> None:
        """Send the newest on as the reader has room for it."""
        told = None
        while True:
            await self._news.wait()
            self._news.clear()
            state = {"you": self._id, "may": self._may, **self._state}
            if state != told:
                told = state
                await self._send({"type": "websocket.send", "text": orjson.dumps(state).decode()})
            if self._copied is not None:
                copied, self._copied = self._copied, None
                await self._send({"type": "websocket.send", "text": orjson.dumps(copied).decode()})
            if self._frame is not None and self._room.is_set():
                frame, self._frame = self._frame, None
                self._room.clear()
                await self._send({"type": "websocket.send", "bytes": frame})
            elif self._frame is not None:
                await self._until_room()

    async def _until_room(self) -> None:
        ways = [asyncio.ensure_future(self._room.wait()), asyncio.ensure_future(self._news.wait())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
        self._news.set()

    async def stay(self) -> None:
        """Give signs of life; end, or drive no more, when a right is gone."""
        signed = 0.0
        while True:
            caller = await _admitted(self._who, self._path)
            may = _may_drive(caller, self._path)
            if may != self._may:
                self._may = may
                self._news.set()
                if not may:
                    await self.say(do="hand back")
            if signed >= wire.SIGN_S:
                signed = 0.0
                await self.say(do="watch", name=self._name)
            await asyncio.sleep(LOOK_S)
            signed += LOOK_S
