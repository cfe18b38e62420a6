"""How much memory pages take; what takes too much, or does not answer any more, is closed, and others are not hurt.

Two measures, since Chromium tells nobody which process is whose page's: each process as the machine sees it, and what a
page's engine says of its heap, which is added up for a team.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import psutil
from playwright.async_api import CDPSession, Error, Page

from browsers.chromium import Chromium
from browsers.roster import Sessions
from browsers.sessions import Session
from teams.limits import Limits

log = logging.getLogger("grove.browser")

ANSWER_S: Final = 1.0
COUNTED: Final = ("totalSize", "embedderHeapUsedSize", "backingStorageSize")


class Memory:
    """Looks after it. All of it is for the host's loop."""

    def __init__(self, sessions: Sessions, chromium: Chromium, limits: Limits) -> None:
        self._sessions = sessions
        self._chromium = chromium
        self._limits = limits
        self._lines: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()
        self._used: WeakKeyDictionary[Page, int] = WeakKeyDictionary()
        self._silent_since: WeakKeyDictionary[Page, float] = WeakKeyDictionary()

    def used(self, session: Session) -> int:
        """Give the bytes that a browser's pages said they use."""
        return sum(self._used.get(page, 0) for page in _pages(session))

    async def look(self, team_most: Callable[[str], int]) -> None:
        """Close what is too much. team_most: bytes of a team."""
        for process in await asyncio.to_thread(self._chromium.processes):
            with suppress(psutil.Error):
                if _is_page(process) and process.memory_info().rss > self._limits.BROWSER_PAGE_BYTES:
                    log.warning("a page took more memory than it may, and is ended: pid=%d", process.pid)
                    self._sessions.blame_memory()
                    process.kill()
        awake = self._sessions.awake()
        await asyncio.gather(*(self._ask(session, page) for session in awake for page in _pages(session)))
        for schema in {session.schema for session in awake}:
            await self._keep_within(schema, team_most(schema))

    async def _ask(self, session: Session, page: Page) -> None:
        """Ask a page what it uses; close it where it has not answered for long and nobody waits for it."""
        try:
            async with asyncio.timeout(ANSWER_S):
                if page not in self._lines:
                    self._lines[page] = await page.context.new_cdp_session(page)
                told: dict[str, Any] = await self._lines[page].send("Runtime.getHeapUsage")
        except TimeoutError:
            since = self._silent_since.setdefault(page, time.monotonic())
            if time.monotonic() - since > self._limits.BROWSER_STUCK_S and not session.lock.locked():
                await session.cut_page(
                    page, f"did not answer for {self._limits.BROWSER_STUCK_S:g} s (limit BROWSER_STUCK_S)"
                )
        except Error:
            self._lines.pop(page, None)  # it went away
        else:
            self._silent_since.pop(page, None)
            self._used[page] = sum(int(told.get(each, 0)) for each in COUNTED)

    async def _keep_within(self, schema: str, most: int) -> None:
        """Close a team's largest pages until all take no more than they may."""
        pages = [
            (self._used.get(page, 0), session, page)
            for session in self._sessions.awake()
            if session.schema == schema
            for page in _pages(session)
        ]
        pages.sort(key=lambda each: each[0])
        total = sum(used for used, _, _ in pages)
        while total > most and pages:
            used, session, page = pages.pop()
            total -= used
            why = f"was the largest of the team's pages, which took more than {most:,} bytes (limit BROWSER_TEAM_BYTES)"
            await session.cut_page(page, why)


def _pages(session: Session) -> list[Page]:
    return [each for each in (session.context.pages if session.context is not None else ()) if not each.is_closed()]


def _is_page(process: psutil.Process) -> bool:
    return "--type=renderer" in process.cmdline()
