"""A browser host: runs commands of browsers in one event loop that owns a Chromium.

A worker's thread supervises each (`objects.work.running`): it speaks with the command over a `Line`, as it does with
the process of another task, makes its calls for it, stops it at its limit, and saves what the browser keeps in the
transaction that ends the task.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.conf import settings
from playwright.async_api import Error
from playwright.async_api import TimeoutError as TooLong

from browsers import profile
from browsers.chromium import Chromium
from browsers.context import Kept, SessionContext, Terms
from browsers.demo import Site as Demo
from browsers.egress.proxy import Door, Proxy
from browsers.egress.sites import Sites
from browsers.errors import first_line
from browsers.lines import Job, Line
from browsers.live.casting import Live
from browsers.macros import recording
from browsers.macros.store import Macros
from browsers.memory import Memory
from browsers.profile import Parts
from browsers.roster import Sessions
from browsers.sessions import Session
from browsers.usage import Usage
from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.engine import running
from objects.sdk import Content
from objects.work.context import Errand, Finish
from objects.work.running import Performance
from teams.access import Caller
from teams.limits import Limits
from teams.plans import Browsing, browsing
from teams.problems import Conflict, Moved, OutOfTime, Problem

log = logging.getLogger("grove.browser")

PLACE: Final = "browser"
SWEEP_S: Final = 2.0
LARGE_BYTES: Final = 8 << 20  # of files that are kept, beyond which that may take long
ENDED_AT_IT: Final = [
    "failed",
    Conflict("The browser ended while it was at it. Do it again: it is as it was saved last.").members(),
]
END_S: Final = 10.0  # from asking a command to end until its browser is given up


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in an object. parts: what its file keeps; None where that is what is awake."""

    parts: Parts | None
    allowed: Browsing
    file_bytes: int


class Host:
    """The browsers of this process. Begun by `start`; `begin` is how tasks come to it."""

    def __init__(self, proxy: "Callable[[Session], Any] | None" = None, limits: Limits | None = None) -> None:
        self.limits = limits or settings.GROVE
        self.sessions = Sessions(self.limits)
        self.loop = asyncio.new_event_loop()
        self._proxy = proxy
        self._gate: Proxy | None = None
        self._demo = Demo()
        self._opening = asyncio.Lock()
        self._chromium = Chromium(settings.BROWSER_EXECUTABLE, lambda: self.sessions.each(Session.lost))
        self._thread = threading.Thread(target=self._run, name="browsers", daemon=True)
        self._sweeping: asyncio.Task[None] | None = None
        self._memory = Memory(self.sessions, self._chromium, self.limits)
        self._usage = Usage(self.sessions, self.limits)
        self._live = Live(self.sessions)
        self._casting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Save every browser that is awake, and end."""
        if self._thread.is_alive():
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(30)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self._sweeping = self.loop.create_task(self._sweep())
        self._casting = self.loop.create_task(self._live.run())
        self.loop.run_forever()

    async def _stop(self) -> None:
        for task in (self._sweeping, self._casting):
            if task is not None:
                task.cancel()
        self._usage.count()  # for the last time: who sleeps uses nothing
        await asyncio.gather(*(self._put_to_sleep(each) for each in self.sessions.awake()), return_exceptions=True)
        await self._chromium.stop()
        await self._usage.write({}, ends=True)
        if self._gate is not None:
            await self._gate.stop()
            await self._demo.stop()
        await self.loop.shutdown_default_executor()

    # Commands

    @contextmanager
    def begin(self, errand: Errand) -> Iterator[Performance]:
        """Run a command, for the thread that is here."""
        line = Line(self.loop)
        session = self.sessions.of(errand.caller.schema, errand.object_id)
        job = Job(self.loop)
        performance = Performance(line, job)
        found = self._read(session, errand, line)
        if found is None:
            yield performance
            return
        work = self._perform(session, errand, found, performance)
        asyncio.run_coroutine_threadsafe(job.run(work), self.loop)
        yield performance
        job.join(END_S)
        if not job.is_over:
            log.warning("a browser did not come to an end, and is given up: %s on %s", errand.command, errand.path)
            self.loop.call_soon_threadsafe(session.later, session.sleep())

    def _read(self, session: Session, errand: Errand, line: Line) -> "Found | None":
        """Look into the object; None where it cannot be, or may not, and that has been said."""
        known = session.stamp

        def read(context: Any) -> Found:
            allow, deny = (context.settings.sites(name) for name in ("browser.allow", "browser.deny"))
            session.sites = Sites.read(allow, deny)
            session.recording, session.recorded = Macros(context.db).recording()
            allowed = browsing(context.pg.connection, errand.caller.schema, self.limits)
            allowed.refuse_used_up()
            return Found(profile.read(context, known), allowed, min(allowed.file_bytes, context.settings.file_bytes))

        outcome = running.engine().call(
            errand.caller.schema, errand.path, errand.command, {}, errand.caller, via=f"task {errand.task}", work=read
        )
        if outcome.problem is not None:
            line.say("failed", outcome.problem.members())
            return None
        found: Found = outcome.value
        return found

    async def _perform(self, session: Session, errand: Errand, found: Found, performance: Performance) -> None:
        line: Any = performance.line
        said: list[Any] = ["stopped"]
        files: dict[str, Content] = {}
        works: list[Kept] = []
        async with session.lock:
            session.path = errand.path
            try:
                with session.doings.command(errand) as ended:
                    said = ended.said = await self._said(session, errand, found, line, files, works)
            except asyncio.CancelledError:  # it is to be stopped: then what it did until now is kept
                if await session.cut_stuck():
                    log.info("a page that did not answer was closed: %s on %s", errand.command, errand.path)
            over = await session.taken_down()
            keep = await self._captured(session)
            session.used_at = time.monotonic()
            if driven := recording.taken(session):
                works.insert(0, Kept(lambda inside: recording.add(inside, *driven)))
        if keep is not None or files or works or over:
            performance.afterwards = lambda: _committed(works)
            performance.keeps = _keeper(keep, files if said[0] == "done" else {}, works, over)
            performance.is_large = sum(map(len, over.values()), sum(each.size for each in files.values())) > LARGE_BYTES
        line.say(*said)

    async def _said(
        self,
        session: Session,
        errand: Errand,
        found: Found,
        line: Line,
        files: dict[str, Content],
        works: list[Kept],
    ) -> list[Any]:
        """Run the command itself, and give what there is to say of it in the end.

        Where its browser ends meanwhile it is run once more, if it may be: see `Task.repeatable`.
        """
        spec = registry.command(errand.kind, errand.command)
        for is_last in (not (spec.task and spec.task.repeatable), True):
            said, is_lost = await self._tried(session, errand, found, spec, (line, files, works))
            if is_last or not is_lost:
                return said
            log.info("the browser ended, and what it was at is begun again: %s on %s", errand.command, errand.path)
            files.clear()
            works.clear()
        raise AssertionError  # the last try is one

    async def _tried(
        self, session: Session, errand: Errand, found: Found, spec: CommandSpec, told: "tuple[Line, Any, Any]"
    ) -> tuple[list[Any], bool]:
        """Run it once. Gives what there is to say of it, and whether its browser ended meanwhile."""
        losses = -1
        try:
            await self._awake(session, found)
            losses = session.losses
            await recording.hear(session)
            terms = Terms(
                found.allowed,
                found.file_bytes,
                self._chromium.downloads,
                self._usage.downloaded,
                self._chromium.launched,
            )
            line, files, works = told
            context = SessionContext(
                errand, session, limits=self.limits, line=line, files=files, works=works, terms=terms
            )
            owner: Any = registry.facility(spec.facility) if spec.facility else registry.kind(errand.kind)
            arguments = spec.check(orjson.loads(errand.arguments))
            doing = await recording.before(session, spec, arguments)
            value = await spec.run(owner(context), arguments)
            if doing is not None:
                step = recording.after(session, doing, spec.plain(value))
                context.keep(lambda inside: recording.add(inside, step))
        except Problem as problem:
            return ["failed", problem.members()], session.losses != losses >= 0
        except (TooLong, TimeoutError) as error:
            said = first_line(error) if isinstance(error, Error) else "it took too long."
            if await session.cut_stuck():
                said += " The page did not answer any more and was closed; the next command opens it again."
            return ["failed", OutOfTime(f"{errand.command}: {said}").members()], session.losses != losses
        except Error as error:
            if session.losses != losses or not await self._chromium.lives():
                return ENDED_AT_IT, True
            said = "; ".join([first_line(error), *session.unasked.told(), *session.notes])
            return ["failed", Conflict(f"{errand.command}: {said}").members()], False
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a command of a browser failed by a fault of ours: %s on %s", errand.command, errand.path)
            return ["fault", "Grove made a mistake. It is in the log."], False
        if session.losses != losses:
            return ENDED_AT_IT, True
        for each in session.unasked.told():
            context.write(f"- {each}\n")
        gives = isinstance(value, Finish)
        return ["done", None if gives else spec.plain(value), context.effect, gives], False

    async def _awake(self, session: Session, found: Found) -> None:
        """Have it awake, also where Chromium ended since the last command, or just now while it woke."""
        for is_last in (False, True):
            await self._chromium.lives()  # else it is not known yet that it ended
            try:
                await self._wake(session, found)
            except Error:
                if is_last or await self._chromium.lives():
                    raise
            else:
                return

    async def _wake(self, session: Session, found: Found) -> None:
        if session.context is None:
            sleepy = self.sessions.surplus(session, found.allowed.awake_most)
            session.is_waking = True
        else:
            sleepy = []
        try:
            for each in sleepy:
                await self._put_to_sleep(each)
            await self._ready(session, found.parts)
        finally:
            session.is_waking = False

    async def _ready(self, session: Session, parts: Parts | None) -> None:
        proxy = self._proxy(session) if self._proxy else (await self._door(session)).credentials()
        if parts is None and session.parts is None:
            raise Conflict("The browser ended just now. Do it again.")
        # Whoever is stopped meanwhile leaves it to the next, who would not know of one that is half begun.
        browser = await asyncio.shield(self._chromium.browser())
        await session.ready(parts, browser, self._chromium.devices, proxy)

    async def _door(self, session: Session) -> Door:
        """Give the browser's way out."""
        gate = await self._way_out()
        if session.door is None or session.context is None:
            session.door = gate.open(f"{session.schema}.{session.object_id}")
        session.door.sites = session.sites
        return session.door

    async def _way_out(self) -> Proxy:
        """Give the proxy, begun with the first browser: whole, also where that one's command is stopped meanwhile."""
        async with self._opening:
            if self._gate is None:
                gate = Proxy(own_sites=self._demo.own_sites)
                await gate.start()
                self._demo.start()
                self._gate = gate
            return self._gate

    # Saving

    async def _captured(self, session: Session) -> "Callable[[Any], None] | None":
        """Give what saves a browser inside a transaction; None where nothing changed since it was saved."""
        if session.parts is None:
            return None
        try:
            now = await session.capture()
        except Error as error:
            log.warning("a browser could not be captured: %s: %s", session.path, first_line(error))
            return None
        session.saved_at = time.monotonic()
        if now == session.parts:
            return None
        old, new = session.parts, profile.stamped(now)
        session.parts = session.now = (
            new  # where the transaction fails, the stamps differ, and what is awake here counts no more
        )
        return lambda context: profile.write(context, old, new, self.limits.BROWSER_PROFILE_BYTES)

    async def _save(self, session: Session, *, ends: bool = False) -> None:
        """Save a browser on its own account. ends: it goes to sleep, and what it records is over."""
        over = await session.taken_down(ends=ends)
        keep = await self._captured(session)
        driven = recording.taken(session)
        if driven or over:
            keep = _keeper(keep, {}, [lambda inside: recording.add(inside, *driven)] if driven else [], over)
        if keep is None:
            return
        caller = Caller.system(session.schema)
        for _ in range(2):
            outcome = await running.engine().acall(
                session.schema, session.path, "browser.sleep", {}, caller, via="browser", work=keep
            )
            if not isinstance(outcome.problem, Moved):
                break
            session.path = outcome.problem.extra["to"]
        if outcome.problem is not None:
            log.warning("a browser was not saved: %s: %s", session.path, outcome.problem.detail)

    async def _put_to_sleep(self, session: Session) -> None:
        async with session.lock:
            if session.context is not None:
                await self._save(session, ends=True)
                await session.sleep()
        if self._gate is not None:
            self._gate.close(session.door)
        self.sessions.forget(session)

    async def _sweep(self) -> None:
        """Put to sleep what is idle, save what has not been for a while, and end what takes too much memory."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self._sweep_once()
            except Exception:
                log.exception("browsers could not be swept")

    async def _sweep_once(self) -> None:
        now = time.monotonic()
        for session in self.sessions.awake():
            if session.lock.locked():
                continue
            if now - session.used_at > self.limits.BROWSER_IDLE_S:
                await self._put_to_sleep(session)
            elif now - session.saved_at > self.limits.BROWSER_SAVE_S:
                async with session.lock:
                    await self._save(session)
        self._usage.count()
        await self._memory.look(self._usage.team_bytes)
        awake = self.sessions.awake()
        await self._usage.write({(each.schema, each.object_id): self._memory.used(each) for each in awake})
        for session in awake:
            team = self._usage.teams.get(session.schema)
            if team is not None and team.used_s >= team.day_s and not session.lock.locked():
                log.info("a team's minutes are used up, and its browser sleeps: %s", session.path)
                await self._put_to_sleep(session)


def _committed(works: Sequence[Kept]) -> None:
    """Tell who waits for it what was done in the object, now that it holds."""
    for each in works:
        if each.then is not None:
            try:
                each.then(each.value)
            except Exception:
                log.exception("what was to follow a commit failed")


def _keeper(
    keep: "Callable[[Any], None] | None",
    files: dict[str, Content],
    works: Sequence["Callable[[Any], None]"],
    over: dict[str, bytes],
) -> "Callable[[Any], None]":
    """Give what keeps things in the object. files: without which it fails; over: of what ended by itself."""

    def keeps(context: Any) -> None:
        if keep is not None:
            keep(context)
        for work in works:
            work(context)
        for name, content in files.items():
            context.call(context.path, "files.put", name=name, content=content)
        for name, body in over.items():
            put = {"name": name, "content": Content(body, name=name)}
            ended = context.attempt(context.path, "files.put", put, caller_id=context.caller.id, via="browser")
            if ended.problem is not None:
                log.warning("what was recorded is not kept: %s: %s: %s", context.path, name, ended.problem.detail)

    return keeps
