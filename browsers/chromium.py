"""One Chromium, started when it is first needed and again when it is gone."""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any, Final

import psutil
from playwright.async_api import Browser, CDPSession, Error, Playwright, async_playwright

from browsers import folders
from browsers.egress import chromium as egress
from browsers.finding import Candidate, NoBrowser, candidates, missing

log = logging.getLogger("grove.browser")

FLAGS: Final = (
    *egress.FLAGS,
    "--disable-gpu",
    "--js-flags=--max-old-space-size=512",
)
NO_SANDBOX: Final = "No usable sandbox"  # so Chromium says where it may make no namespaces
START_S: Final = 30.0
ANSWER_S: Final = 5.0  # for one that lives to say so; one that is too busy for that lives, too
RETRY_S: Final = 5.0  # after a start that failed, nobody waits for another for so long


def is_sandboxed() -> bool:
    """Whether Chromium's own sandbox is on. It refuses to be, where the process is root's."""
    return os.geteuid() != 0


class Chromium:
    """Gives a running browser. All of it is for one event loop.

    gone: called when a browser ended that nobody stopped.
    """

    def __init__(self, executable: str, gone: Callable[[], None]) -> None:
        self.downloads = ""  # the folder that downloads come to, while it runs
        self._executable = executable
        self._gone = gone
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._line: CDPSession | None = None  # to the browser itself, not to a page
        self._chosen: Candidate | None = None
        self.launched: tuple[str | None, bool] = None, False  # as what, and whether its own sandbox is on
        self._starting = asyncio.Lock()
        self._failed: tuple[float, NoBrowser] | None = None

    async def browser(self) -> Browser:
        """Give the browser, started where there is none. Raises NoBrowser."""
        async with self._starting:
            if self._browser is not None and self._browser.is_connected():
                return self._browser
            now = asyncio.get_running_loop().time()
            if self._failed is not None and now < self._failed[0]:
                raise self._failed[1]
            try:
                self._browser = await self._start()
                self._line = await self._browser.new_browser_cdp_session()
            except NoBrowser as problem:
                self._failed = now + RETRY_S, problem
                raise
            self._failed = None
            self._browser.on("disconnected", self._ended)
            return self._browser

    async def lives(self) -> bool:
        """Whether there is one. It is asked: Playwright tells of one that was killed a moment later."""
        browser, line = self._browser, self._line
        if browser is None or line is None:
            return False
        try:
            async with asyncio.timeout(ANSWER_S):
                await line.send("Browser.getVersion")
        except TimeoutError:
            return True
        except Error:
            self._ended(browser)
            return False
        return True

    @property
    def devices(self) -> Mapping[str, Any]:
        """What is known of phones and the like; nothing before the first start."""
        return self._playwright.devices if self._playwright is not None else {}

    async def _start(self) -> Browser:
        if self._playwright is None or not await _answers(self._playwright):
            self._playwright = await async_playwright().start()
        if not self.downloads:
            folders.forget_dead()
            self.downloads = folders.make("downloads")
        reasons: list[str] = []
        for each in [self._chosen] if self._chosen else candidates(self._executable):
            try:
                found, is_safe = await self._launched(each)
            except Error as error:
                reasons.append(f"{each.name}: {str(error).strip().splitlines()[0][:200]}")
                continue
            self._chosen = each
            self.launched = each.path, is_safe
            log.info("browser started: %s %s, sandbox %s", each.name, found.version, "on" if is_safe else "off")
            return found
        self._chosen = None
        shown = reasons if self._executable else reasons[1:]  # that Playwright's own is not there is no news
        raise NoBrowser(missing(self._executable, f" What was tried: {'; '.join(shown)}." if shown else ""))

    async def _launched(self, candidate: Candidate) -> tuple[Browser, bool]:
        """Start it; gives whether its own sandbox is on, which the machine may not let it make."""
        assert self._playwright is not None
        wants = is_sandboxed()
        for is_safe in (True, False) if wants else (False,):
            try:
                found = await self._playwright.chromium.launch(
                    executable_path=candidate.path, args=[*FLAGS], chromium_sandbox=is_safe, timeout=START_S * 1_000,
                    proxy=egress.NOWHERE, downloads_path=self.downloads,
                    handle_sigint=False, handle_sigterm=False, handle_sighup=False,
                )  # fmt: skip
            except Error as error:
                if not is_safe or NO_SANDBOX not in str(error):
                    raise
                continue
            if wants and not is_safe:
                log.warning("Chromium's own sandbox is off: this machine lets users make no namespaces of their own")
            return found, is_safe
        raise AssertionError  # the last try gave a browser, or raised

    def _ended(self, browser: Browser) -> None:
        if browser is self._browser:
            self._browser = self._line = None
            log.warning("the browser ended; it is started again when it is needed")
            self._gone()

    def processes(self) -> list[psutil.Process]:
        """Give Chromium's processes, those of pages among them."""
        return [each for each in psutil.Process().children(recursive=True) if "chrom" in _name(each)]

    async def stop(self) -> None:
        """End it."""
        browser, self._browser, self._line = self._browser, None, None
        if browser is not None:
            try:
                await asyncio.wait_for(browser.close(), 5)
            except (Error, TimeoutError) as error:
                log.warning("the browser did not end by itself: %s", error)
        if self._playwright is not None:
            await self._playwright.stop()
            self._playwright = None
        folder, self.downloads = self.downloads, ""
        if folder:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _answers(playwright: Playwright) -> bool:
    """Whether Playwright's own process, which drives Chromium, is there still."""
    try:
        await (await playwright.request.new_context()).dispose()
    except Error:
        return False
    return True


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""
