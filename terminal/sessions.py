"""All sessions of this process: opened, found again, watched over and kept.

A session lives in the process that opened it; `terminal.relay` leads to it from others. When its reader goes away it
waits TERMINAL_AWAY_S, and its commands go on; what brings it back in another process (`memory.Snapshot`) is in Postgres
at most KEEP_S old.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings

from teams.access import Caller
from teams.problems import NoSuch, OverLimit, Problem
from terminal import relay
from terminal.memory import Memory, Snapshot
from terminal.session import Session, Terminal
from terminal.world import TeamWorld, Who

log = logging.getLogger("grove.terminal")

SWEEP_S = 0.5  # between two looks at everybody's rights: with CALLER_KEEP_S, what is taken away ends within 2 s
KEPT_AT_ONCE = 8  # snapshots a look, or an eighth of all: 200 at once would hold everybody's keys up for 0.2 s
KEEP_S = 5.0  # between two snapshots of a session that changed: 1 ms of CPU each, with 200 that type 40 a second


class Sessions:
    """The sessions of one event loop."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._keeping: set[asyncio.Task[Any]] = set()
        self._kept_at: dict[str, float] = {}
        self._retired: set[str] = set()  # whose snapshots stay
        self._last: asyncio.Future[list[None]] | None = None

    async def open(self, who: Who, caller: Caller, path: str, terminal: Terminal, *, via: str) -> Session:
        """Open a new session. Raises NoSuch for a path that is not there, OverLimit."""
        self._refuse_too_many(caller)
        world = TeamWorld(who, caller)
        await world.kind_of(path)
        return self._begin(Session(world, path, terminal, via=via))

    async def resume(self, session_id: str, who: Who, caller: Caller, terminal: Terminal) -> Session | None:
        """Find a session of the same person again, here or in what was kept of it; None where there is none."""
        session = self.by_id.get(session_id)
        if session is None:
            snapshot = await Memory.of(caller).session(session_id)
            session = self.by_id.get(session_id)  # it may have been brought back meanwhile
            if session is None:
                if snapshot is None:
                    return None
                self._refuse_too_many(caller)
                world = TeamWorld(who, caller)
                path = snapshot.path
                try:
                    await world.kind_of(path)
                except Problem:
                    path = "/" if caller.sees("/") else ""
                if not path:
                    return None
                terminal.width, terminal.height = snapshot.width, snapshot.height
                return self._begin(Session(world, path, terminal, via="socket", snapshot=snapshot))
        if session.is_over or session.person != caller.id or session.world.caller.schema != caller.schema:
            return None
        session.world.who = who  # they may have signed in anew
        return session

    def find(self, session_id: str) -> Session:
        """Find a session that lives here. Raises NoSuch."""
        try:
            return self.by_id[session_id]
        except KeyError:
            raise NoSuch("There is no such terminal session any more.") from None

    async def keep(self, session: Session) -> None:
        """Write down what brings a session back."""
        if session.is_over:
            return
        session.is_changed = False
        self._kept_at[session.id] = time.monotonic()
        if not await self._save(session, session.snapshot()):  # Postgres is away: the next turn tries again
            session.is_changed = True

    async def _save(self, session: Session, snapshot: Snapshot) -> bool:
        try:
            await session.memory.save_session(snapshot)
        except Problem:
            return False
        return True

    async def keep_all(self) -> None:
        """Write all down that changed, as this process stops: done once, and awaited by all who ask."""
        if self._last is None:
            changed = [session for session in self.by_id.values() if session.is_changed or session.is_at_work]
            self._last = asyncio.gather(*map(self.keep, changed))
        await asyncio.shield(self._last)

    def _begin(self, session: Session) -> Session:
        self.by_id[session.id] = session
        session.on_end.append(lambda: self._ended(session))
        session.on_share.append(relay.welcome_guests)
        relay.welcome(session)
        session.is_changed = True
        session.start()
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())
        return session

    def _ended(self, session: Session) -> None:
        self.by_id.pop(session.id, None)
        self._kept_at.pop(session.id, None)
        if session.id in self._retired:
            self._retired.remove(session.id)
        else:
            self._spawn(self._forget(session))

    async def _forget(self, session: Session) -> None:
        with contextlib.suppress(Problem):
            await session.memory.forget_session(session.id)

    def _refuse_too_many(self, caller: Caller) -> None:
        limits = settings.GROVE
        team = [each for each in self.by_id.values() if each.world.caller.schema == caller.schema]
        if len(team) >= limits.TEAM_TERMINALS:
            raise OverLimit(
                f"The team has {limits.TEAM_TERMINALS:,} terminals open (limit TEAM_TERMINALS). Close some first."
            )
        own = [each for each in team if each.person == caller.id]
        if len(own) >= limits.PERSON_TERMINALS:
            away = [each for each in own if not each.readers and not each.is_at_work]
            if not away:
                raise OverLimit(
                    f"You have {limits.PERSON_TERMINALS} terminals open (limit PERSON_TERMINALS). Close one first."
                )
            # Nobody looks at it and nothing runs in it: it makes room, and can be brought back from its snapshot.
            oldest = min(away, key=lambda each: each.read_at)
            self._spawn(self._save(oldest, oldest.snapshot()))
            self._retire(oldest, "It made room for a newer one.")

    async def _sweep(self) -> None:
        while self.by_id:
            await asyncio.sleep(SWEEP_S)
            try:
                await self._look()
            except Exception:
                log.exception("terminal sessions could not be looked after")

    async def _look(self) -> None:
        now = time.monotonic()
        relay.drop_silent()
        for session in list(self.by_id.values()):
            refusal = await _refusal(session.world.who, session)
            if refusal is not None:
                session.end(refusal.detail, refusal)
                continue
            for reader in list(session.readers):
                refusal = await _refusal(reader.guest, session) if reader.guest is not None else None
                if refusal is not None:
                    reader.leave()
                    reader.reader.close(refusal.detail, refusal)
            self._tend(session, now)
        due = [each for each in self.by_id.values() if each.is_changed and now - self._kept_at.get(each.id, 0) > KEEP_S]
        due.sort(key=lambda each: self._kept_at.get(each.id, 0))
        for session in due[: max(KEPT_AT_ONCE, len(self.by_id) // KEPT_AT_ONCE)]:
            self._spawn(self.keep(session))

    def _tend(self, session: Session, now: float) -> None:
        limits = settings.GROVE
        if session.is_at_work:
            return
        if now - session.typed_at > limits.TERMINAL_IDLE_S:
            hours = limits.TERMINAL_IDLE_S / 3600
            session.end(f"Nothing was typed for {hours:g} h (limit TERMINAL_IDLE_S). Connect again to go on.")
        elif not session.readers and not session.is_changed and now - session.read_at > limits.TERMINAL_AWAY_S:
            self._retire(session, "Nobody came back.")

    def _retire(self, session: Session, reason: str) -> None:
        """Let a session go that nobody is at; its snapshot stays."""
        self._retired.add(session.id)
        session.end(reason)

    def _spawn(self, work: "asyncio._CoroutineLike[Any]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    def of_team(self, schema: str) -> Iterable[Session]:
        """Give the sessions of a team."""
        return [each for each in self.by_id.values() if each.world.caller.schema == schema]


async def _refusal(who: Who, session: Session) -> Problem | None:
    """Say why somebody may not be at a session any more; None when they may, or when nobody can tell."""
    try:
        caller = await who.caller()
    except Problem as problem:
        return problem if problem.status < 500 else None
    if caller.sees(session.shell.path):
        return None
    return NoSuch(f"{session.shell.path} is not yours to see any more.")


_all: dict[asyncio.AbstractEventLoop, Sessions] = {}


def sessions() -> Sessions:
    """Give the sessions of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _all.get(loop)
    if found is None:
        for closed in [known for known in _all if known.is_closed()]:
            del _all[closed]
        found = _all[loop] = Sessions()
    return found
