"""What all commands of browsers share: how they run, and what they answer."""

import asyncio
import base64
import io
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image
from playwright.async_api import Error, Page

from browsers.context import SessionContext
from browsers.sessions import Session
from objects.commands.render import visible
from objects.sdk import Picture, Seconds

PICTURE: Final = (400, 300)  # dots at most


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did, and where the browser is now."""

    did: str
    url: str
    title: str
    tab: str  # "2 of 3"
    took: Seconds
    changed: list[str]  # what happened beside: a new tab, a dialog, a download, an error in the page
    picture: Picture  # of the page, small; "" where there is none

    @staticmethod
    def as_text(done: Mapping[str, Any], width: int) -> str:  # noqa: ARG004 -- what every record that does this takes
        """Write it for people: what was done, where that is, and what else happened."""
        tab = "" if done["tab"] in ("none", "1 of 1") else f"  (tab {done['tab']})"
        where = f"{done['title']}  {done['url']}{tab}".strip()
        lines = [
            f"{done['did']}, {done['took']} s",
            *([where] if where else []),
            *(f"- {each}" for each in done["changed"]),
        ]
        return "\n".join(visible(line) for line in lines)


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
        self.begun()
        return await self.session.page()

    def begun(self) -> None:
        """Take note of how things are, for `done` to say what changed."""
        session = self.session
        session.notes.clear()
        session.unasked.begin()
        session.is_secret = False
        tab = session.tabs[session.front] if session.tabs else None
        page = tab.page if tab else None
        self._url = page.url if page is not None else tab.url if tab else ""
        self._title = tab.title if tab else ""

    async def done(self, did: str) -> Done:
        """Answer what was done, once what it set going has come to rest."""
        session = self.session
        await session.meanwhile.settled()
        session.adopt()
        page = await session.page() if session.tabs else None
        url, title = (page.url, await page.title()) if page else ("", "")
        changed = [*session.unasked.told(), *session.notes]
        if title != self._title and url == self._url:
            changed.insert(0, f"title: {title}")
        if url and url != self._url:
            changed.insert(0, f"went to {url}")
        session.notes.clear()
        place = f"{session.front + 1} of {len(session.tabs)}" if session.tabs else "none"
        picture = await small_picture(page) if page and self.context.shows else ""
        took = round(time.monotonic() - self.context.began_at, 2)
        return Done(did, url, title, place, took, changed, picture)


async def small_picture(page: Page) -> str:
    """Give what is seen of a page, small, as a data: address; "" where it does not say."""
    with suppress(Error):
        shot = await page.screenshot(type="jpeg", quality=60, scale="css", timeout=2_000)
        return await asyncio.to_thread(_small, shot)
    return ""


def _small(shot: bytes) -> str:
    with Image.open(io.BytesIO(shot)) as opened:
        opened.draft("RGB", PICTURE)
        opened.thumbnail(PICTURE)
        small = io.BytesIO()
        opened.save(small, "JPEG", quality=60)
    return f"data:image/jpeg;base64,{base64.b64encode(small.getvalue()).decode()}"
