"""What happens in the pages of a browser, as it happens: what a person does to them by hand, and what commands do.

A script in each document (`scripts/doings.js`) hears clicks, keys and changes, and tells them in the words that
commands take. It lives in a world of its own: scripts of pages see neither it nor the way on which it tells, so none
can forge a report, and what a page dispatches by itself counts for nothing. It is there only while somebody listens.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import uuid4

import orjson
from playwright.async_api import BrowserContext, CDPSession, Error, Frame, Page

from browsers.addresses import BLANK
from browsers.scripts import script
from browsers.tasks import acts
from objects.commands.registry import registry
from objects.work.context import Errand

REMEMBERED: Final = 500
PAYLOAD_CHARS: Final = 20_000
TEXT_CHARS: Final = 2_000
A_SECOND: Final = 50.0  # that are taken of one browser, whatever its pages do
DRIVEN_S: Final = 1.5  # after what a driver did, in which what happens is of it
GOES_S: Final = 5.0  # the same, for a page that goes elsewhere
AGE_S: Final = 3_600.0

Kind = Literal["click", "fill", "press", "select", "check", "uncheck", "upload", "submit", "navigate"]
By = Literal["command", "driver", "page"]


@dataclass(frozen=True, slots=True)
class Doing:
    """Something that happened in a page.

    target: what it was done to, in the words that commands take: its label, what is written on it, else a CSS selector
      that only it has; "" is the page. value: what was filled in, chosen (a line each) or pressed ("Control+A"); of a
      click "", "twice" or "right"; of what navigates "". is_secret: what was filled in is not told: it is a password or
      the like. url: of the page, or of the frame in it; of what navigates, where to. by: who did it.
    """

    at: float
    kind: Kind
    target: str
    value: str
    url: str
    by: By
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A command that was run. value: what it answered, as JSON values; problem: with what it failed, else None."""

    at: float
    took_s: float
    command: str  # "browser.click"
    arguments: Mapping[str, Any]
    value: Any
    problem: Mapping[str, Any] | None


@dataclass(slots=True)
class Ended:
    """What a command said in the end, as the host has it: ["done", value, …] or ["failed", problem]."""

    said: Sequence[Any] = ()


Listener = Callable[[Doing | Step], None]


class Doings:
    """What happens in one browser. All of it is for the host's event loop.

    recent: the newest, for as long as the browser is awake and somebody listens.
    """

    def __init__(self) -> None:
        self.recent: deque[Doing] = deque(maxlen=REMEMBERED)
        self._listeners: list[Listener] = []
        self._context: BrowserContext | None = None
        self._name = ""  # of what the script tells with, and of its world; "" while nobody listens
        self._lines: dict[Page | Frame, CDPSession] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._spans: dict[By, deque[list[float]]] = {"command": deque(maxlen=50), "driver": deque(maxlen=50)}
        self._rooms: dict[By, tuple[float, float]] = {}  # how many more are taken, as of when

    # Who listens

    async def listen(self, listener: Listener) -> None:
        """Tell a function everything from now on: what happens, and each command once it is over."""
        self._listeners.append(listener)
        if not self._name:
            self._name = f"told_{uuid4().hex}"
            await self._attach_all()

    async def leave(self, listener: Listener) -> None:
        """Tell it nothing any more."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            self._name = ""
            lines, self._lines = self._lines, {}
            for line in lines.values():
                with suppress(Error):
                    await line.detach()

    async def follow(self, context: BrowserContext) -> None:
        """Be about this context from now on: the browser woke, or was made anew."""
        self._context, self._lines = context, {}
        context.on("page", self._on_page)
        for page in context.pages:
            self._on_page(page)
        if self._name:
            await self._attach_all()

    def forget(self) -> None:
        """Take note that the context is gone."""
        self._context, self._lines = None, {}

    # Who does something

    @contextmanager
    def command(self, errand: Errand) -> Iterator[Ended]:
        """Take note that a command is under way; into what is given goes what it said in the end."""
        spec = registry.commands(errand.kind).get(errand.command)
        at, ended = time.time(), Ended()
        span = [at, float("inf")]
        if spec is not None and spec.task is not None and acts(spec.task):
            self._spans["command"].append(span)
        try:
            yield ended
        finally:
            span[1] = time.time()
        if spec is not None and self._listeners and ended.said:
            how, what = ended.said[0], ended.said[1]
            name = f"{spec.facility}.{spec.name}" if spec.in_front else spec.name
            value, problem = (what, None) if how == "done" else (None, what)
            self._tell(Step(at, round(span[1] - at, 3), name, orjson.loads(errand.arguments), value, problem))

    def driven(self) -> None:
        """Take note that a driver does something now."""
        now, spans = time.time(), self._spans["driver"]
        if spans and now - spans[-1][1] < DRIVEN_S:
            spans[-1][1] = now
        else:
            spans.append([now, now])

    def _by(self, at: float, *, goes: bool = False) -> By:
        """Say who did what happened then: a command that was under way, else a driver who did something just before."""
        command = self._last("command", at, GOES_S if goes else 0)
        driver = self._last("driver", at, GOES_S if goes else DRIVEN_S)
        return "page" if command is driver is None else "command" if (command or 0) >= (driver or 0) else "driver"

    def _last(self, by: By, at: float, within_s: float) -> float | None:
        return max(
            (min(at, ended) for began, ended in self._spans[by] if began <= at <= ended + within_s), default=None
        )

    # What pages tell

    async def _attach_all(self) -> None:
        if self._context is not None:
            await asyncio.gather(*(self._attach(page) for page in self._context.pages))

    def _on_page(self, page: Page) -> None:
        page.on("framenavigated", self._on_navigated)
        page.on("close", self._on_close)
        self._later(page)
        if self._name:
            self._on_navigated(page.main_frame)  # one that a page opened is on its way before it is told of

    def _on_close(self, page: Page) -> None:
        self._lines.pop(page, None)

    def _later(self, where: Page | Frame) -> None:
        if self._name:
            task = asyncio.get_running_loop().create_task(self._attach(where))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _attach(self, where: Page | Frame) -> None:
        """Hear a page, or a frame that has a process of its own; other frames are heard with their page."""
        name, old = self._name, self._lines.pop(where, None)
        asked = {"source": f"({script('doings').strip()})('{name}')", "worldName": name, "runImmediately": True}
        with suppress(Error):
            if old is not None:
                await old.detach()
            page = where if isinstance(where, Page) else where.page
            line = self._lines[where] = await page.context.new_cdp_session(where)
            line.on("Runtime.bindingCalled", self._hear)
            await asyncio.gather(line.send("Page.enable"), line.send("Runtime.enable"))
            await line.send("Runtime.addBinding", {"name": name, "executionContextName": name})
            await line.send("Page.addScriptToEvaluateOnNewDocument", asked)
            for frame in where.frames[1:] if isinstance(where, Page) else []:
                self._later(frame)

    def _on_navigated(self, frame: Frame) -> None:
        if frame.parent_frame is not None:
            self._later(frame)
        elif self._name and frame.url != BLANK:
            at = time.time()
            self._take(Doing(at, "navigate", "", "", frame.url[:TEXT_CHARS], self._by(at, goes=True)))

    def _hear(self, told: Mapping[str, Any]) -> None:
        if told["name"] != self._name or len(told["payload"]) > PAYLOAD_CHARS:
            return
        kind, target, value, is_secret, url, age_ms, is_trusted = orjson.loads(told["payload"])
        at = time.time() - min(AGE_S, age_ms / 1_000)
        by = self._by(at)
        if is_trusted or by == "command":  # commands choose in lists by what is an event of the page's own to Chromium
            self._take(Doing(at, kind, target, value, url, by, is_secret))

    def _take(self, doing: Doing) -> None:
        """Take it, unless there were too many by the same just now: what a page floods hides nobody else's."""
        now = time.monotonic()
        room, filled_at = self._rooms.get(doing.by, (A_SECOND, now))
        room = min(A_SECOND, room + (now - filled_at) * A_SECOND)
        self._rooms[doing.by] = max(0.0, room - 1), now
        if room >= 1:
            self.recent.append(doing)
            self._tell(doing)

    def _tell(self, what: Doing | Step) -> None:
        for listener in list(self._listeners):
            listener(what)
