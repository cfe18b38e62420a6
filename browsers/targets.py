"""How people name what is on a page: by a number of `look`, by words on it, or as a CSS selector."""

import time
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import Error, Frame, Locator, Page

from browsers.scripts import script
from browsers.sessions import Session
from teams.problems import Conflict, NoSuch

EACH_S: Final = 0.1  # between two looks while what is named is not there yet
MOST: Final = 20  # of several that are named the same, the first that is seen is meant

_IS_CSS: Final = "(text) => { try { document.querySelector(text); return true } catch { return false } }"


@dataclass(frozen=True, slots=True)
class Found:
    """Something on the page. name: as people see it."""

    locator: Locator
    name: str


async def found(session: Session, page: Page, target: str, argument: str = "target", *, fields: bool = False) -> Found:
    """Find what is named, in the page or a frame of it, waiting a while. Raises NoSuch.

    argument: of the command, which names it. fields: it is a field, so labels count more than what is written.
    """
    if target.isdigit():
        return await _marked(session, page, int(target), argument)
    is_css = await page.evaluate(_IS_CSS, target)
    until = time.monotonic() + session.limits.BROWSER_ACT_S
    while True:
        for frame in [page.main_frame, *(each for each in page.frames if each is not page.main_frame)]:
            for way in _ways(frame, target, is_css=is_css, fields=fields):
                one = await _seen(way)
                if one is not None:
                    return one
        if time.monotonic() > until:
            raise NoSuch(
                f"{target[:80]}: nothing like that is on the page. `browser look` lists what can be clicked.",
                field=argument,
            )
        await page.wait_for_timeout(EACH_S * 1_000)


async def _marked(session: Session, page: Page, number: int, argument: str) -> Found:
    if not 1 <= number <= len(session.marks):
        raise NoSuch(f"{number}: `browser look` has listed no such number for this page.", field=argument)
    mark = session.marks[number - 1]
    locator = page.locator(mark.selector)
    if await locator.count() != 1:
        raise Conflict(f"{number}: '{mark.name}' is not on the page any more. Look again: `browser look`.")
    return Found(locator, str(await locator.evaluate(script("name"))))


async def lasting(session: Session, page: Page, number: int, *, fields: bool = False) -> str:
    """Name what has a number now so that it is still found later: by words on it, or else as a CSS selector."""
    if not 1 <= number <= len(session.marks):
        return str(number)
    mark = session.marks[number - 1]
    handle = await page.locator(mark.selector).first.element_handle()
    if mark.name and not mark.name.isdigit():
        is_css = await page.evaluate(_IS_CSS, mark.name)
        for way in _ways(page.main_frame, mark.name, is_css=is_css, fields=fields):
            one = await _seen(way)
            if one is not None:
                if await one.locator.evaluate("(each, other) => each === other", handle):
                    return mark.name
                break
    return mark.selector


async def _seen(way: Locator) -> Found | None:
    """Give the first of these that is seen; a single one also where it is not, since fields for files are hidden."""
    try:
        count = await way.count()
        for at in range(min(count, MOST)):
            one = way.nth(at)
            if count == 1 or await one.is_visible():
                return Found(one, str(await one.evaluate(script("name"), timeout=1_000)))
    except Error:  # it went away meanwhile, or the frame did
        return None
    return None


def _ways(frame: Frame, target: str, *, is_css: bool, fields: bool) -> list[Locator]:
    """Give the ways in which a name may be meant, the likeliest first."""
    roles: tuple[Any, ...] = ("button", "link", "tab", "menuitem")
    labelled = [frame.get_by_label(target, exact=True), frame.get_by_placeholder(target, exact=True)]
    acted = [frame.get_by_role(role, name=target, exact=True) for role in roles]
    css = [frame.locator(target)] if is_css else []
    loosely = [frame.get_by_label(target), frame.get_by_placeholder(target)]
    if fields:
        return [*css, *labelled, *loosely, *acted]
    return [*css, *acted, *labelled, frame.get_by_text(target, exact=True), *loosely, frame.get_by_text(target)]
