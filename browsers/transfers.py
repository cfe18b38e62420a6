"""Files that go through a browser: downloads that a command waits for, and files of the object that a page is given.

A download that nobody waits for is cancelled at once: pages may begin as many as they like, and nothing of it is kept.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from playwright.async_api import CDPSession, Download, Error, Page

from browsers import folders
from objects.sdk import Content, OutOfTime, TooLarge
from objects.sdk import Download as Given

if TYPE_CHECKING:
    from browsers.sessions import Session

CHUNK_BYTES: Final = 1 << 20
KEPT_FILES: Final = 4  # of the largest that may be, that are kept on disk for the pages that were given them

Tells = Callable[[float | None, str], None]


class OnDisk(Content):
    """The bytes of a file of this machine, which may be deleted meanwhile."""

    def __init__(self, file: BinaryIO, *, name: str) -> None:
        super().__init__(name=name)
        self._file = file
        self._bytes = os.fstat(file.fileno()).st_size

    @property
    def size(self) -> int:
        return self._bytes

    def read(self) -> bytes:
        return b"".join(self.chunks())

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        at = 0
        while chunk := os.pread(self._file.fileno(), size, at):
            at += len(chunk)
            yield chunk


class Wanted:
    """The download that a command waits for. most_bytes: what it may have."""

    def __init__(self, most_bytes: int, tells: Tells) -> None:
        self._most_bytes = most_bytes
        self._tells = tells
        self._is_too_large = False
        self._download: asyncio.Future[Download] = asyncio.get_running_loop().create_future()

    def take(self, download: Download) -> bool:
        """Take a download that begins; False where there is one already."""
        if self._download.done():
            return False
        self._download.set_result(download)
        return True

    def came(self, received: int, total: int) -> bool:
        """Tell how far it is; whether it is to be cancelled."""
        self._tells(received / total if total else None, f"{received:,} bytes")
        self._is_too_large |= max(received, total) > self._most_bytes
        return self._is_too_large

    async def content(self, what: str, seconds: float) -> tuple[str, Content]:
        """Give the name that the site gave it, and all of it. Raises OutOfTime where none begins, TooLarge."""
        try:
            async with asyncio.timeout(seconds):
                download = await self._download
        except TimeoutError:
            raise OutOfTime(f"{what}: no download began in {seconds:g} s.") from None
        name = download.suggested_filename
        try:
            opened = (await download.path()).open("rb")
            content = OnDisk(opened, name=name)
        except Error:
            if not self._is_too_large:
                raise
            raise self._too_large(name) from None
        finally:
            with suppress(Error):
                await download.delete()  # what is open stays readable
        if content.size > self._most_bytes:
            raise self._too_large(name)
        return name, content

    async def cancel(self) -> None:
        """Have no more of it come."""
        if self._download.done():
            await self._download.result().cancel()

    def _too_large(self, name: str) -> TooLarge:
        return TooLarge(
            f"{name[:200]}: a browser downloads files of at most {self._most_bytes:,} bytes here (limits "
            "BROWSER_FILE_BYTES and FILE_BYTES, the setting file.bytes, or the team's plan). Nothing of it was kept."
        )


class Transfers:
    """Of one browser. All of it is for the host's loop, but `put`."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._wanted: Wanted | None = None
        self._line: CDPSession | None = None
        self._folder = ""
        self._given: list[Path] = []

    # Downloads

    @contextmanager
    def wanting(self, most_bytes: int, tells: Tells) -> Iterator[Wanted]:
        """Wait for a download, within the block. tells: is told how far it is."""
        wanted = self._wanted = Wanted(most_bytes, tells)
        try:
            yield wanted
        finally:
            self._wanted = None

    def came(self, download: Download) -> None:
        """Take a download that a page begins, where it is wanted."""
        if self._wanted is not None and self._wanted.take(download):
            return
        session, most = self._session, self._session.limits.BROWSER_DOWNLOADS
        session.note(f"download left alone: {download.suggested_filename[:200]}; `browser download` keeps one")
        session.later(download.cancel())
        if session.unasked.is_too_much("downloads", most):
            why = f"began more than {most} downloads (limit BROWSER_DOWNLOADS) and was closed"
            session.later(session.cut_page(download.page, why))

    async def watch(self, page: Page, folder: str) -> None:
        """Hear from Chromium how far downloads are, which Playwright does not tell. folder: Playwright's for them."""
        if self._line is not None:
            return
        browser = page.context.browser
        assert browser is not None
        about = await (await page.context.new_cdp_session(page)).send("Target.getTargetInfo")
        line = await browser.new_browser_cdp_session()
        line.on("Browser.downloadProgress", self._on_progress)
        # As Playwright has set it: what is new is that this line hears of it, too. It stays, since its end would be
        # the end of downloads.
        await line.send("Browser.setDownloadBehavior", {
            "behavior": "allowAndName", "browserContextId": about["targetInfo"]["browserContextId"],
            "downloadPath": folder, "eventsEnabled": True,
        })  # fmt: skip
        self._line = line

    def _on_progress(self, event: dict[str, Any]) -> None:
        wanted = self._wanted
        if wanted is None or event["state"] != "inProgress":
            return
        if wanted.came(int(event["receivedBytes"]), int(event["totalBytes"])):
            self._session.later(wanted.cancel())

    # Files for pages

    def put(self, given: Given) -> Path:
        """Write a file of the object where a page can be given it; it stays until the browser sleeps."""
        if not self._folder:
            self._folder = folders.make("uploads")
        path = Path(tempfile.mkdtemp(dir=self._folder)) / given.name
        with path.open("wb") as written:
            for chunk in given.chunks():
                written.write(chunk)
        self._given.append(path)
        most = KEPT_FILES * self._session.limits.BROWSER_FILE_BYTES
        while len(self._given) > 1 and sum(each.stat().st_size for each in self._given) > most:
            self._given.pop(0).unlink()
        return path

    def clear(self) -> None:
        """Forget all: the browser sleeps, or is gone."""
        self._line, folder, self._folder = None, self._folder, ""
        self._given.clear()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
