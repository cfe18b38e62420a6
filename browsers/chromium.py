"""One Chromium, started when it is first needed and again when it is gone."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import psutil
from playwright.async_api import Browser, Error, Playwright, async_playwright

from browsers.egress import chromium as egress
from browsers.finding import HOW_TO_INSTALL, Candidate, NoBrowser, candidates

log = logging.getLogger("grove.browser")

FLAGS: Final = (
    *egress.FLAGS,
    "--disable-gpu",
    "--js-flags=--max-old-space-size=512",
)
START_S: Final = 30.0
RETRY_S: Final = 5.0  # after a start that failed, nobody waits for another for so long


def is_sandboxed() -> bool:
    """Whether Chromium's own sandbox is on. It refuses to be, where the process is root's."""
    return os.geteuid() != 0


class Chromium:
    """Gives a running browser. All of it is for one event loop.

    gone: called when a browser ended that nobody stopped.
    """

    def __init__(self, executable: str, gone: Callable[[], None]) -> None:
        self._executable = executable
        self._gone = gone
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._chosen: Candidate | None = None
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
            except NoBrowser as problem:
                self._failed = now + RETRY_S, problem
                raise
            self._failed = None
            self._browser.on("disconnected", self._ended)
            return self._browser

    @property
    def devices(self) -> Mapping[str, Any]:
        """What is known of phones and the like; nothing before the first start."""
        return self._playwright.devices if self._playwright is not None else {}

    async def _start(self) -> Browser:
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        reasons: list[str] = []
        for each in [self._chosen] if self._chosen else candidates(self._executable):
            try:
                found = await self._playwright.chromium.launch(
                    executable_path=each.path, args=[*FLAGS], chromium_sandbox=is_sandboxed(), timeout=START_S * 1_000,
                    proxy=egress.NOWHERE,
                    handle_sigint=False, handle_sigterm=False, handle_sighup=False,
                )  # fmt: skip
            except Error as error:
                reasons.append(f"{each.name}: {str(error).strip().splitlines()[0][:200]}")
                continue
            self._chosen = each
            log.info("browser started: %s %s, sandbox %s", each.name, found.version, "on" if is_sandboxed() else "off")
            return found
        self._chosen = None
        told = "" if len(reasons) < 2 else f" What was tried: {'; '.join(reasons[1:])}."
        raise NoBrowser(f"No browser was found on this machine. {HOW_TO_INSTALL}{told}")

    def _ended(self, browser: Browser) -> None:
        if browser is self._browser:
            self._browser = None
            log.warning("the browser ended; it is started again when it is needed")
            self._gone()

    def processes(self) -> list[psutil.Process]:
        """Give Chromium's processes, those of pages among them."""
        return [each for each in psutil.Process().children(recursive=True) if "chrom" in _name(each)]

    async def stop(self) -> None:
        """End it."""
        browser, self._browser = self._browser, None
        if browser is not None:
            try:
                await asyncio.wait_for(browser.close(), 5)
            except (Error, TimeoutError) as error:
                log.warning("the browser did not end by itself: %s", error)
        if self._playwright is not None:
            await self._playwright.stop()
            self._playwright = None


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""
