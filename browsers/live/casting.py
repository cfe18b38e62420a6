"""The host's part of the live view: frames of the page in front, for as long as somebody watches, and one driver.

Chromium sends the next frame when the last was acknowledged. That is done when one of those who watch has it, so a slow
way slows the page's frames down instead of filling up, and a page that does not change costs nothing.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import orjson
import valkey
from playwright.async_api import CDPSession, Error, FilePayload, Page

from browsers import clipboard
from browsers.live import hands, wire
from browsers.live.wire import GONE_S, Frame
from browsers.roster import Sessions
from browsers.scripts import script
from browsers.sessions import Session
from objects.engine import running
from teams.access import Caller
from teams.problems import Problem

log = logging.getLogger("grove.browser.live")

TURN_S: Final = 0.1
BETWEEN_S: Final = 1 / 30  # the most frames a second
SEEN_S: Final = 1.0  # for a frame to be seen by somebody; then the next is taken anyway
AGAIN_S: Final = 1.0
TITLE_S: Final = 0.5
LARGEST: Final = (1_600, 1_200)  # dots of a frame
QUALITY: Final = 60
DO_S: Final = 5.0
COPIES_S: Final = 0.2  # between two copies that a page makes by itself
FILES: Final = 20  # dropped at once
WAITING: Final = 200  # of what drivers did and was not done yet; more is left out


@dataclass
class Watcher:
    """Somebody who watches."""

    name: str
    seen_at: float


@dataclass(eq=False)
class Room:
    """A browser that is watched."""

    schema: str
    path: str
    watchers: dict[str, Watcher] = field(default_factory=dict)
    driver: str = ""  # of the watchers
    number: int = 0  # of the last frame
    frame: Frame | None = None
    is_asked: bool = True  # somebody came who has no frame yet, and no state
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    told: bytes = b""
    title: str = ""
    titled_at: float = 0.0
    page: Page | None = None
    line: CDPSession | None = None
    copied_at: float = 0.0  # when the page last told of what it copied
    doings: asyncio.Queue[dict[str, Any]] = field(default_factory=lambda: asyncio.Queue(WAITING))


class Live:
    """Serves those who watch the browsers of this host. All of it is for the host's loop."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._rooms: dict[tuple[str, str], Room] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen, until cancelled."""
        try:
            while True:
                with suppress(valkey.ValkeyError, OSError):
                    await self._listen()
                await asyncio.sleep(AGAIN_S)
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        async with wire.hearing() as hearing:
            await hearing.psubscribe(wire.hands("*", "*"))
            async for message in hearing.listen():
                if message["type"] == "pmessage":
                    _, _, schema, path = message["channel"].decode().split(":", 3)
                    self._hear(schema, path, orjson.loads(message["data"]))

    def _find(self, room: Room) -> Session | None:
        return next(
            (each for each in self._sessions.awake() if (each.schema, each.path) == (room.schema, room.path)), None
        )

    def _hear(self, schema: str, path: str, said: dict[str, Any]) -> None:
        who, now = said["who"], time.monotonic()
        room = self._rooms.get((schema, path))
        if room is None:
            if said["do"] != "watch":
                return
            room = self._rooms[schema, path] = Room(schema, path, {who: Watcher(said["name"], now)})
            self._do(self._serve(room))
            self._do(self._drive(room))
        match said["do"]:
            case "watch":
                room.is_asked |= who not in room.watchers
                room.watchers[who] = Watcher(said["name"], now)
            case "leave":
                room.watchers.pop(who, None)
                room.driver = "" if room.driver == who else room.driver
            case "seen":
                if said["frame"] == room.number:
                    room.seen.set()
            case "drive" if who in room.watchers:
                room.driver = who
            case "hand back" if room.driver == who:
                room.driver = ""
            case "input" if room.driver == who:
                for event in said["events"]:
                    if not room.doings.full():
                        room.doings.put_nowait(event)

    def _do(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # A room

    async def _serve(self, room: Room) -> None:
        """Cast as long as somebody watches."""
        try:
            while room.watchers:
                session = self._find(room)
                with suppress(Error):
                    await self._follow(room, session)
                await self._tell(room, session)
                await asyncio.sleep(TURN_S)
                now = time.monotonic()
                room.watchers = {who: each for who, each in room.watchers.items() if now - each.seen_at < GONE_S}
                room.driver = room.driver if room.driver in room.watchers else ""
        except (valkey.ValkeyError, OSError) as error:
            log.warning("a browser is not shown any more: Valkey does not answer: %s", error)
        finally:
            self._rooms.pop((room.schema, room.path), None)
            if not room.doings.full():
                room.doings.put_nowait({})  # so that it is noticed
            await self._leave(room)

    async def _follow(self, room: Room, session: Session | None) -> None:
        """Cast the page in front, whichever that is now."""
        tab = session.tabs[session.front] if session is not None and session.tabs else None
        page = tab.page if tab is not None and tab.page is not None and not tab.page.is_closed() else None
        if page is room.page:
            return
        await self._leave(room)
        room.frame = None
        if page is None:
            return
        line = await page.context.new_cdp_session(page)
        room.line = line
        line.on("Page.screencastFrame", lambda event: self._do(self._show(room, line, event)))
        await line.send(
            "Page.startScreencast",
            {"format": "jpeg", "quality": QUALITY, "maxWidth": LARGEST[0], "maxHeight": LARGEST[1]},
        )
        room.page = page
        await self._hear_copies(room, line)

    async def _hear_copies(self, room: Room, line: CDPSession) -> None:
        """Hear what the page copies by a button of its own. What tells of it is gone before scripts of pages run."""
        name = f"copied_{uuid4().hex}"
        asked = {"source": f"({script('offer').strip()})('{name}')", "runImmediately": True}
        line.on("Runtime.bindingCalled", lambda told: self._do(self._offer(room, name, told)))
        await line.send("Page.enable")
        await line.send("Runtime.enable")
        await line.send("Runtime.addBinding", {"name": name})
        await line.send("Page.addScriptToEvaluateOnNewDocument", asked)

    async def _offer(self, room: Room, name: str, told: Mapping[str, Any]) -> None:
        """Give what a page copied to who drives."""
        now, session = time.monotonic(), self._find(room)
        if told["name"] != name or not room.driver or session is None or now - room.copied_at < COPIES_S:
            return
        room.copied_at = now
        text = str(orjson.loads(told["payload"]))[: clipboard.CHARS]
        session.clipboard = text
        with suppress(valkey.ValkeyError, OSError):
            copied = wire.packed_copy(room.driver, text, by_page=True)
            await wire.client().publish(wire.cast(room.schema, room.path), copied)

    async def _leave(self, room: Room) -> None:
        line, room.line, room.page = room.line, None, None
        if line is not None:
            with suppress(Error):
                await line.detach()

    async def _show(self, room: Room, line: CDPSession, event: dict[str, Any]) -> None:
        """Send a frame on, and let Chromium go on once somebody has it."""
        began = time.monotonic()
        about = event["metadata"]
        room.number += 1
        room.seen.clear()
        room.frame = Frame(
            room.number & 0xFFFFFFFF, int(about["deviceWidth"]), int(about["deviceHeight"]),
            base64.b64decode(event["data"]),
        )  # fmt: skip
        with suppress(valkey.ValkeyError, OSError, TimeoutError):
            await wire.client().publish(wire.cast(room.schema, room.path), room.frame.packed())
            async with asyncio.timeout(SEEN_S):
                await room.seen.wait()
        await asyncio.sleep(max(0.0, BETWEEN_S - (time.monotonic() - began)))
        with suppress(Error):
            await line.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    async def _tell(self, room: Room, session: Session | None) -> None:
        """Tell how things are, where that is new to somebody."""
        tabs = session.tabs if session is not None else []
        await self._look_at_title(room)
        state = {
            "awake": session is not None and room.page is not None,
            "driver": room.driver,
            "watchers": {who: each.name for who, each in room.watchers.items()},
            "url": room.page.url if room.page is not None else "",
            "tabs": [
                {"url": room.page.url, "title": room.title}
                if room.page is not None and each.page is room.page
                else {"url": each.url, "title": each.title}
                for each in tabs
            ],
            "front": session.front if session is not None else 0,
            "busy": session is not None and session.lock.locked(),
        }
        told = wire.packed_state(state)
        if told != room.told or room.is_asked:
            channel, frame = wire.cast(room.schema, room.path), room.frame
            is_asked, room.is_asked, room.told = room.is_asked, False, told
            await wire.client().publish(channel, told)
            if is_asked and frame is not None:
                await wire.client().publish(channel, frame.packed())

    async def _look_at_title(self, room: Room) -> None:
        """Ask the page for its title now and then; one that is stuck keeps the last."""
        now = time.monotonic()
        if room.page is None or now - room.titled_at < TITLE_S:
            return
        room.titled_at = now
        with suppress(Error, TimeoutError):
            async with asyncio.timeout(TITLE_S):
                room.title = await room.page.title()

    async def _drive(self, room: Room) -> None:
        """Do what the driver does, in its order."""
        while self._rooms.get((room.schema, room.path)) is room:
            event = await room.doings.get()
            session, line, page = self._find(room), room.line, room.page
            if not event or session is None or line is None or page is None:
                continue
            session.used_at = time.monotonic()
            session.doings.driven()
            try:
                async with asyncio.timeout(DO_S):
                    match event.get("type"):
                        case "files":
                            await hands.drop(page, event, await self._files(session, event))
                        case "copy" | "cut":
                            text = await clipboard.copied(page, cuts=event["type"] == "cut")
                            session.clipboard = text or session.clipboard
                            told = wire.packed_copy(room.driver, text)
                            await wire.client().publish(wire.cast(room.schema, room.path), told)
                        case _:
                            await hands.do(line, page, event)
            except (Error, TimeoutError, valkey.ValkeyError, OSError):
                continue  # the page went away, or is stuck; or nobody can be told
            except Problem as problem:
                log.info("dropped files were not there: %s", problem.detail)
            finally:
                session.doings.driven()  # it took as long as the page took over it

    async def _files(self, session: Session, event: dict[str, Any]) -> list[FilePayload]:
        """Give files of the object, where those who drop some have put them before."""
        found: list[FilePayload] = []
        for name in event.get("names", [])[:FILES]:
            outcome = await running.engine().acall(
                session.schema, session.path, "files.get", {"name": str(name)}, Caller.system(session.schema)
            )
            if outcome.problem is not None:
                raise outcome.problem
            body = await asyncio.to_thread(b"".join, outcome.value.chunks())
            plain = outcome.value.name.rpartition("/")[2]
            found.append({"name": plain, "mimeType": outcome.value.content_type, "buffer": body})
        return found
