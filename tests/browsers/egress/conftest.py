"""Chromium twice: as anybody has it, and as Grove starts it behind its proxy."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright

from browsers.egress.chromium import FLAGS, NOWHERE
from browsers.egress.proxy import Door, Proxy
from objects.network import guard as guards
from tests.browsers.egress.trap import Evil, Trap

PATIENCE_S = 20


def executable() -> str:
    found = os.environ.get("BROWSER_EXECUTABLE") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert found, "No Chromium: install one (apt-get install chromium) or name it in BROWSER_EXECUTABLE."
    return found


async def until(is_so: Callable[[], object], what: str) -> None:
    """Wait for a condition; fails with `what` where it does not come."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110 -- of any condition, of another process too
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"not within {PATIENCE_S} s: {what}")


@dataclass
class Way:
    """A browser, what it must not reach, and its door where it has one."""

    context: BrowserContext
    trap: Trap
    door: Door | None = None

    async def page(self) -> Page:
        """Give the one page, without what the last test opened beside it."""
        first, *others = self.context.pages or [await self.context.new_page()]
        for each in others:
            await each.close()
        return first


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evil() -> AsyncIterator[Evil]:
    async with Evil() as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_way(playwright: Playwright) -> AsyncIterator[Way]:
    """Chromium as anybody has it."""
    async with Trap() as trap:
        browser = await playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        yield Way(await browser.new_context(ignore_https_errors=True), trap)
        await browser.close()


def resolve(host: str, port: int) -> list[str]:
    """Names as a stranger's server gives them."""
    strange = {"private.example": ["127.0.0.1"], "mixed.example": ["93.184.216.34", "127.0.0.1"]}
    return strange.get(host) or guards._resolve(host, port)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy(evil: Evil) -> AsyncIterator[Proxy]:
    by = guards.guard()
    made = Proxy(replace(by, resolve=resolve), {("evil.localhost", evil.port): ("127.0.0.1", evil.port)})
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded_browser(playwright: Playwright) -> AsyncIterator[Browser]:
    browser = await playwright.chromium.launch(
        executable_path=executable(), args=[*FLAGS, "--no-sandbox"], proxy=NOWHERE
    )
    yield browser
    await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded_way(guarded_browser: Browser, proxy: Proxy) -> AsyncIterator[Way]:
    """Chromium as Grove starts it."""
    async with Trap() as trap:
        door = proxy.open("team.1")
        context = await guarded_browser.new_context(ignore_https_errors=True, proxy=door.credentials())
        yield Way(context, trap, door)
        await context.close()
