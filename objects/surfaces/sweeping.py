"""Looks at the rights of all sockets of an event loop again and again: what is taken away ends on open ones too."""

import asyncio
import logging
from typing import Protocol

from objects.surfaces.identity import Identity
from teams.access import Caller
from teams.problems import Problem

log = logging.getLogger("grove.socket")

SWEEP_S = 0.5  # between two looks; with CALLER_KEEP_S, what is taken away ends within 2 s


class Open(Protocol):
    """An open socket."""

    who: Identity
    is_open: bool

    def check(self, caller: Caller) -> None:
        """Look whether all that it does is still its caller's to do."""

    def close(self, code: int, reason: str) -> None:
        """Say no more, and why."""


class Sweeper:
    """The sockets of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.sessions: set[Open] = set()
        self.loop = loop
        self._task = loop.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self._sweep()
            except Exception:
                log.exception("the rights of sockets could not be checked")

    async def _sweep(self) -> None:
        by_identity: dict[Identity, list[Open]] = {}
        for session in self.sessions:
            if session.is_open:
                by_identity.setdefault(session.who, []).append(session)
        for who, sessions in by_identity.items():
            try:
                caller = await who.caller()
            except Problem as problem:
                for session in sessions:
                    session.close(4000 + problem.status, problem.detail)
                continue
            for session in sessions:
                session.check(caller)


_sweepers: dict[asyncio.AbstractEventLoop, Sweeper] = {}


def sweeper() -> Sweeper:
    """Give the running loop's."""
    loop = asyncio.get_running_loop()
    found = _sweepers.get(loop)
    if found is None:
        for closed in [known for known in _sweepers if known.is_closed()]:
            del _sweepers[closed]
        found = _sweepers[loop] = Sweeper(loop)
    return found
