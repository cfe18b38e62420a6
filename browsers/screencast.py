"""The pictures of a page as it changes, at the pace of who takes them."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from playwright.async_api import CDPSession, Error, Page


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of a page. at: Unix seconds. width, height: of what is seen of the page, in its dots."""

    at: float
    jpeg: bytes
    width: int
    height: int


class Screencast:
    """Hands over a page's pictures one at a time: the next is made once `take` is done with one (back-pressure).

    Chromium makes one when something changes, and one at the beginning.
    """

    def __init__(self, page: Page, take: Callable[[Frame], Awaitable[None]], *, quality: int = 60) -> None:
        self.page = page
        self._take = take
        self._quality = quality
        self._line: CDPSession | None = None
        self._taking: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()  # Chromium sends up to three before it waits

    async def start(self, width: int, height: int) -> None:
        """Begin, with pictures of at most this size."""
        self._line = await self.page.context.new_cdp_session(self.page)
        self._line.on("Page.screencastFrame", self._on_frame)
        asked = {"format": "jpeg", "quality": self._quality, "maxWidth": width, "maxHeight": height}
        await self._line.send("Page.startScreencast", asked)

    async def stop(self) -> None:
        """End. What is being taken is taken to its end."""
        line, self._line = self._line, None
        if line is not None:
            with suppress(Error):
                await line.send("Page.stopScreencast")
                await line.detach()
        await asyncio.gather(*self._taking, return_exceptions=True)

    def _on_frame(self, told: dict[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._taken(told))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def _taken(self, told: dict[str, Any]) -> None:
        about = told["metadata"]
        size = round(about["deviceWidth"]), round(about["deviceHeight"])
        async with self._turn:
            await self._take(Frame(about["timestamp"], base64.b64decode(told["data"]), *size))
        if self._line is not None:
            with suppress(Error):
                await self._line.send("Page.screencastFrameAck", {"sessionId": told["sessionId"]})
