"""What happens in a browser by itself: pages come and go, ask, fail, write to the console, and fetch things."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Download,
    Error,
    Page,
    Request,
    WebError,
)

from browsers.egress.chromium import watch
from browsers.errors import first_line
from browsers.talks import REMEMBERED as TALKS
from browsers.talks import Talk, overheard

if TYPE_CHECKING:
    from browsers.sessions import Session

SETTLE_S: Final = 5.0  # for a page that a click set going
BEGIN_S: Final = 0.03  # from a click to the request for another page
REMEMBERED: Final = 500  # lines of the console, requests, dialogs


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the console, or an error that a page did not catch."""

    at: float
    level: str
    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A dialog, and how it was answered."""

    at: float
    type: str
    message: str
    answer: str


class Meanwhile:
    """What happens in one browser, and what is remembered of it. All of it is for the host's event loop."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.console: deque[Said] = deque(maxlen=REMEMBERED)
        self.dialogs: deque[Asked] = deque(maxlen=REMEMBERED)
        self.requests: deque[Request] = deque(maxlen=REMEMBERED)
        self.talks: deque[Talk] = deque(maxlen=TALKS)
        self.answers: tuple[bool, str] = (False, "")  # to dialogs: whether they are accepted, and with which words
        self.going: set[Page] = set()  # pages that are on their way to another address

    async def settled(self) -> None:
        """Wait until what a command set going in the page in front has come to rest, or for a moment."""
        await asyncio.sleep(BEGIN_S)
        until = time.monotonic() + SETTLE_S
        while self.going and time.monotonic() < until:  # noqa: ASYNC110 -- many events end it, and some never come
            await asyncio.sleep(BEGIN_S)
        self.going.clear()

    def listen(self, context: BrowserContext) -> None:
        """Hear a context that is new."""
        context.on("page", self._on_page)
        context.on("dialog", lambda dialog: self._session.later(self._on_dialog(dialog)))
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("requestfailed", self._on_failed)
        context.on("requestfinished", self._on_answered)
        context.on("request", self._on_request)
        for page in context.pages:
            self._on_page(page)

    def _on_page(self, page: Page) -> None:
        if self._session.context is not None and len(self._session.context.pages) > self._session.limits.BROWSER_TABS:
            said = f"closed a tab beyond {self._session.limits.BROWSER_TABS} (limit BROWSER_TABS)"
            if said not in self._session.notes:
                self._session.note(said)
            is_flood = self._session.unasked.is_too_much("tabs", 2 * self._session.limits.BROWSER_TABS)
            self._session.later(self._refuse_tab(page, is_flood=is_flood))
            return
        if self._session.door is not None:
            watch(page, self._session.door)
        page.on("download", self._on_download)
        page.on("websocket", lambda socket: self.talks.append(overheard(socket)))
        page.on("crash", self._on_crash)
        page.on("domcontentloaded", self._on_rest)
        page.on("close", self._on_rest)
        self._session.later(self._session.settings.apply_to(page))

    async def _refuse_tab(self, page: Page, *, is_flood: bool) -> None:
        """Close a tab that is one too many. is_flood: who opened it does not stop, and is closed, too."""
        opener = await page.opener()
        if is_flood:
            front = self._session.tabs[self._session.front].page if self._session.tabs else None
            guilty = opener or front
            if guilty is not None and not guilty.is_closed():
                await self._session.cut_page(
                    guilty, f"opened tabs beyond {self._session.limits.BROWSER_TABS} (limit BROWSER_TABS)"
                )
        await page.close()

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)
        if self._session.recorder is not None:
            self._session.recorder.timeline.requested(time.time(), request)
        page = _page_that_goes(request)
        if page is not None:
            self.going.add(page)

    def _on_rest(self, page: Page) -> None:
        self.going.discard(page)

    def _on_failed(self, request: Request) -> None:
        page = _page_that_goes(request)
        if page is not None:
            self.going.discard(page)
        self._on_answered(request)

    def _on_answered(self, request: Request) -> None:
        if self._session.recorder is not None:
            self._session.recorder.timeline.answered(request)
            self._session.recorder.archive.take(request)
        if self._session.tracer is not None:
            self._session.later(self._session.tracer.answered(request))

    async def _on_dialog(self, dialog: Dialog) -> None:
        accepts, words = self.answers
        asks = dialog.type in ("confirm", "prompt", "beforeunload")
        answer = "accepted" if accepts or not asks or dialog.type == "beforeunload" else "dismissed"
        asked = Asked(time.time(), dialog.type, dialog.message[:1_000], answer)
        self.dialogs.append(asked)
        if self._session.recorder is not None:
            self._session.recorder.timeline.asked(asked.at, asked.type, asked.message, asked.answer)
        self._session.note(f"{dialog.type} {answer}: {dialog.message[:200]}")
        if (
            self._session.unasked.is_too_much("dialogs", self._session.limits.BROWSER_DIALOGS)
            and dialog.page is not None
        ):
            self._session.notes.clear()
            await self._session.cut_page(
                dialog.page, f"asked more than {self._session.limits.BROWSER_DIALOGS} dialogs (limit BROWSER_DIALOGS)"
            )
            return
        if answer == "accepted":
            await dialog.accept(words or dialog.default_value)
        else:
            await dialog.dismiss()

    def _on_console(self, message: ConsoleMessage) -> None:
        place = message.location
        where = f"{place.get('url', '')}:{place.get('lineNumber', 0)}"
        self._take(Said(time.time(), message.type, message.text[:2_000], where))

    def _on_error(self, error: WebError) -> None:
        text = first_line(error.error)
        self._take(Said(time.time(), "error", text, error.page.url if error.page else ""))
        self._session.note(f"error in the page: {text}")

    def _take(self, said: Said) -> None:
        self.console.append(said)
        if self._session.recorder is not None:
            self._session.recorder.timeline.said(said.at, said.level, said.text, said.where)

    def _on_download(self, download: Download) -> None:
        self._session.transfers.came(download)
        if self._session.recorder is not None:
            self._session.recorder.timeline.downloaded(time.time(), download.suggested_filename)

    def _on_crash(self, page: Page) -> None:
        for tab in self._session.tabs:
            if tab.page is page:
                tab.page = None
                why = self._session.why_crashed()
                self._session.unasked.cut(f"the page {tab.url[:200]} {why}; it is opened again when it is needed")
        self._session.later(page.close())


def _page_that_goes(request: Request) -> Page | None:
    """Give the page that a request is to bring elsewhere; None for any other request."""
    try:
        frame = request.frame if request.is_navigation_request() else None
    except Error:  # of a page that is only being made, or of a service worker
        return None
    return frame.page if frame is not None and frame.parent_frame is None else None
