"""What pages store: asked for frame by frame, and put back before a page is opened again (scripts/storage.js)."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import orjson
from playwright.async_api import BrowserContext, Frame, Page, Route

from browsers.addresses import is_web
from browsers.profile import ORIGIN
from browsers.scripts import script

ASK_S: Final = 2.0  # for a page to say what it stores: one that is stuck keeps what it said before

_COLLECT: Final = f"{script('storage').strip()}.collect()"
_RESTORE: Final = f"(kept) => {script('storage').strip()}.restore(kept)"


async def collected(page: Page) -> tuple[str, list[dict[str, Any]]]:
    """Give a page's title, and what it stores, once for each origin in it, its own first.

    Raises Error, TimeoutError, ValueError or TypeError where it does not answer, or not as it should.
    """
    frames: dict[str, Frame] = {}
    for frame in [page.main_frame, *page.frames]:
        origin = _origin(frame.url)
        if origin:
            frames.setdefault(origin, frame)
    title = await asyncio.wait_for(page.title(), ASK_S)
    return title, [orjson.loads(await asyncio.wait_for(each.evaluate(_COLLECT), ASK_S)) for each in frames.values()]


async def put_back(context: BrowserContext, parts: Mapping[str, str]) -> None:
    """Put back what a file keeps of origins, into a context that is new."""
    kept = {part.removeprefix(ORIGIN): text for part, text in parts.items() if part.startswith(ORIGIN)}
    if not kept:
        return
    page = await context.new_page()
    await page.route("**/*", _blank)
    for origin, text in kept.items():
        if is_web(origin):
            await page.goto(origin)
            await page.evaluate(_RESTORE, orjson.loads(text))
    await page.close()


async def put_back_sessions(page: Page, storage: Mapping[str, Any]) -> None:
    """Put back a tab's session storage, by origin."""
    for origin, kept in storage.items():
        if kept and is_web(origin):
            await page.route("**/*", _blank)
            await page.goto(origin)
            await page.evaluate(_RESTORE, {"session": kept})
            await page.unroute("**/*", _blank)


async def _blank(route: Route) -> None:
    await route.fulfill(body="<!doctype html><title></title>", content_type="text/html")


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3]) if is_web(url) else ""
