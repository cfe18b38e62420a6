"""What all commands of browsers share: how they run, and what they answer."""

import time
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import Page

from browsers.context import SessionContext
from browsers.sessions import Session
from objects.sdk import Seconds, Task

ACTS: Final = Task(seconds=60, place="browser", repeatable=False)  # nobody knows whether the click has counted
READS: Final = Task(seconds=60, place="browser")


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did, and where the browser is now."""

    did: str
    url: str
    title: str
    tab: str  # "2 of 3"
    took: Seconds
    changed: list[str]  # what happened beside: a new tab, a dialog, a download, an error in the page


class Part:
    """A part of the facility."""

    context: Any

    @property
    def session(self) -> Session:
        """The object's browser."""
        context: SessionContext = self.context
        return context.session

    async def page(self) -> Page:
        """The page in front. Raises NoSuch where none is open."""
        self._before()
        return await self.session.page()

    def _before(self) -> None:
        session = self.session
        session.notes.clear()
        tab = session.tabs[session.front] if session.tabs else None
        page = tab.page if tab else None
        self._url = page.url if page is not None else tab.url if tab else ""
        self._title = tab.title if tab else ""

    async def done(self, did: str) -> Done:
        """Answer what was done, once what it set going has come to rest."""
        session = self.session
        await session.settled()
        session.adopt()
        page = await session.page() if session.tabs else None
        url, title = (page.url, await page.title()) if page else ("", "")
        changed = list(session.notes)
        if title != self._title and url == self._url:
            changed.insert(0, f"title: {title}")
        if url != self._url:
            changed.insert(0, f"went to {url}")
        session.notes.clear()
        place = f"{session.front + 1} of {len(session.tabs)}" if session.tabs else "none"
        took = round(time.monotonic() - self.context.began_at, 2)
        return Done(did, url, title, place, took, changed)
