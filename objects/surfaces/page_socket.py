"""The one socket of an object's page, `/ws/page/{team}/{path}`: tells when to fetch again, and who else is here.

    <- {"people": ["bob@example.com"]}        who has this page open too, each time that changes
    <- {"changed": 12}                        the object has this version now; -1: events were missed, so look again
    <- {"told": true}                         something was told that changed nothing in it, such as how far a task is

It tells no content: the page fetches that, as its person. Nothing is read from the other side. Closed with 4401 (who
are you), 4403, 4404 (not yours, or not any more), each with a reason.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from objects import live
from objects.engine.running import engine
from objects.surfaces import addresses, identity, json
from objects.surfaces.identity import Identity
from objects.surfaces.presence import SIGN_S, Place, Presence
from objects.tree.paths import ObjectPath
from teams.access import Caller
from teams.problems import BadRequest, NoSuch, Problem

log = logging.getLogger("grove.page_socket")

PREFIX: Final = b"/ws/page/"
LOOK_S: Final = 2.0  # between two looks at the rights of who listens
PAUSE_S: Final = 0.2  # a page is told so often at most: what happens meanwhile is told at once

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a socket below `/ws/page/` until one side closes it."""
    await receive()
    await send({"type": "websocket.accept"})
    try:
        address = addresses.read(scope, PREFIX)
        if address.command is not None:
            raise BadRequest("The address of a page's socket ends in a path.")
        who = await identity.of_socket(scope, dict(scope["headers"]), address.team)
        caller = await _admitted(who, address.path)
    except Problem as problem:
        await send({"type": "websocket.close", "code": 4000 + problem.status, "reason": problem.detail})
        return
    session = _Page(who, caller, address.path, send)
    serving = [asyncio.ensure_future(each) for each in (_until_closed(receive), session.tell(), session.stay())]
    try:
        done, _ = await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    except Problem as problem:
        await send({"type": "websocket.close", "code": 4000 + problem.status, "reason": problem.detail})
    except Exception:
        log.exception("a page's socket failed by a fault of ours")
        await send({"type": "websocket.close", "code": 1011, "reason": "Grove made a mistake. It is in the log."})
    finally:
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await session.end()


async def _until_closed(receive: Receive) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _admitted(who: Identity, path: ObjectPath) -> Caller:
    """Give the caller, who may view the object; raises NoSuch or NotSignedIn."""
    caller = who.known() or await who.caller()
    if not caller.sees(path):
        raise NoSuch(f"{path}: no such object.")
    return caller


class _Page:
    """One open page."""

    def __init__(self, who: Identity, caller: Caller, path: ObjectPath, send: Send) -> None:
        self._who = who
        self._path = path
        self._send = send
        place = Place(caller.schema, path)
        self._presence = Presence(place, caller.name)
        self._news = asyncio.Event()
        self._version: int | None = None  # to be told
        self._is_told = False  # something that has no version
        self._is_moved = True  # somebody came or went
        self._people: list[str] | None = None
        ears = live.ears()
        self._subscriptions = [
            ears.subscribe(caller.schema, path, self._hear),
            ears.subscribe(caller.schema, place.channel, self._hear_people),
        ]
        self._news.set()

    def _hear(self, news: Sequence[live.News]) -> None:
        # Nothing queues up: of any number of changes only the last version is told. What workers tell has version 0.
        version = max(each.version for each in news)
        if any(each.topic == live.RESYNC for each in news):
            self._version = -1
        elif version:
            self._version = version
        self._is_told = self._is_told or any(not each.version for each in news)
        self._news.set()

    def _hear_people(self, _news: Sequence[live.News]) -> None:
        self._is_moved = True
        self._news.set()

    async def _begin(self) -> None:
        """Take the version there is: what was changed before the socket was open is told, too."""
        caller = await _admitted(self._who, self._path)
        outcome = await engine().acall(caller.schema, self._path, "tree.describe", {}, caller, via="socket")
        if self._version is None and outcome.problem is None:
            self._version = outcome.version

    async def tell(self) -> None:
        """Tell what is new, as long as the person may view the object."""
        await self._begin()
        await self._presence.sign(is_new=True)
        while True:
            await self._news.wait()
            self._news.clear()
            await _admitted(self._who, self._path)
            version, self._version = self._version, None
            if version is not None:
                await self._say({"changed": version})
            if self._is_told:
                self._is_told = False
                await self._say({"told": True})
            if self._is_moved:
                self._is_moved = False
                people = await self._presence.others()
                if people != self._people:
                    self._people = people
                    await self._say({"people": people})
            await asyncio.sleep(PAUSE_S)

    async def stay(self) -> None:
        """Give signs of life; end when the person may view the object no more."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_S)
            await _admitted(self._who, self._path)
            looks += 1
            if looks * LOOK_S >= SIGN_S:
                looks = 0
                await self._presence.sign()
                await self._presence.sweep()

    async def end(self) -> None:
        """Listen no more, and be seen no more."""
        for each in self._subscriptions:
            each.cancel()
        with suppress(asyncio.CancelledError):
            await self._presence.leave()

    async def _say(self, message: dict[str, Any]) -> None:
        await self._send({"type": "websocket.send", "text": json.written(message).decode()})
