"""Looks at tracked pages: in a page of its own beside the browser's tabs, with all that the browser has."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import BrowserContext, Error, Page

from browsers.addresses import is_web
from browsers.context import SessionContext
from browsers.errors import first_line
from browsers.tracking.comparing import Difference, picture_difference, plain, text_diff
from browsers.tracking.store import FOLDER, About, Tracked
from teams.problems import NoSuch, Problem

QUIET_S: Final = 2.0  # for a page that is loaded to come to rest
_HIDE: Final = """(selectors) => {
  for (const each of document.querySelectorAll(selectors)) each.style.setProperty("visibility", "hidden", "important");
}"""


@dataclass(frozen=True, slots=True)
class Look:
    """What a page was found to be. seen: its text, or its picture's file. picture: that picture.

    changed: it is another than the last time; None at the first. problem: why it could not be looked at.
    """

    page: Tracked
    seen: str = ""
    picture: bytes = b""
    changed: bool | None = None
    diff: str = ""
    difference: Difference | None = None
    problem: str = ""


async def look(context: SessionContext, page: Tracked) -> Look:
    """Open a page, and compare it with what it was."""
    about = page.about
    try:
        shot = await _shot(context.session.live(), about)
    except Problem as problem:
        return Look(page, problem=problem.detail)
    except (Error, TimeoutError) as error:
        return Look(page, problem=first_line(error) if isinstance(error, Error) else "it took too long.")
    if isinstance(shot, str):
        if page.seen is None:
            return Look(page, shot)
        return Look(page, shot, changed=shot != page.seen, diff=text_diff(page.seen, shot))
    name = picture_name(page.name)
    old = await _picture(context, page.seen) if page.seen else b""
    if not old:
        return Look(page, name, shot)
    try:
        difference = await asyncio.to_thread(picture_difference, old, shot)
    except (OSError, ValueError) as error:
        return Look(page, name, shot, problem=f"the pictures cannot be compared: {error}. The new one counts from now.")
    share = difference.share * 100
    return Look(
        page, name, shot, changed=share > about.threshold, diff=f"{share:.2g} % of it differs", difference=difference
    )


def picture_name(name: str) -> str:
    """Give the name of the file with a page's picture."""
    return f"{FOLDER}/{name.replace('/', '_')}.png"


async def _picture(context: SessionContext, name: str) -> bytes:
    try:
        got = await context.call(context.path, "files.get", name=name)
    except NoSuch:
        return b""
    return base64.b64decode(got["base64"])


async def _shot(browser: BrowserContext, about: About) -> str | bytes:
    """Give the text or the picture of a page as it is now."""
    if not is_web(about.url):
        raise NoSuch(f"{about.url[:80]}: is no address of the web.")
    page = await browser.new_page()
    try:
        answer = await page.goto(about.url, wait_until="load")
        if answer is not None and answer.status >= 400:
            raise NoSuch(f"it answered {answer.status} {answer.status_text}.")
        try:
            await page.wait_for_load_state("networkidle", timeout=QUIET_S * 1_000)
        except Error as error:
            if "Timeout" not in str(error):
                raise
        return await _taken(page, about)
    finally:
        await page.close()


async def _taken(page: Page, about: About) -> str | bytes:
    where = page.locator(about.selector or "body").first
    try:
        await where.wait_for(state="attached")
    except Error as error:
        if "Timeout" not in str(error):
            raise NoSuch(f"{about.selector[:80]}: is no CSS selector.") from error
        raise NoSuch(f"{about.selector[:80]}: nothing like that is on the page.") from error
    if about.ignore:
        await page.evaluate(_HIDE, ", ".join(about.ignore))
    if about.what == "text":
        return plain(await where.inner_text())
    options: Mapping[str, Any] = {"animations": "disabled", "caret": "hide", "scale": "css"}
    return await (where.screenshot(**options) if about.selector else page.screenshot(**options))
