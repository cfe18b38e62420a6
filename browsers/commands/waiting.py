"""Waiting for what a page is about to do."""

import asyncio
import time
from contextlib import suppress
from typing import Annotated, Final, Literal

from playwright.async_api import Error, Page

from browsers.commands.base import Done, Part
from browsers.tasks import READS
from objects.commands.words import split
from objects.sdk import BadRequest, Between, Conflict, Help, Length, OutOfTime, RestOfLine, WrongArgument, command

EXPECTED: Final = ("text", "url", "title", "selector")


class Waiting(Part):
    """Waits."""

    @command(task=READS)
    async def wait(
        self,
        what: Annotated[Literal["text", "selector", "url", "idle", "time"], Help("for what")],
        value: Annotated[RestOfLine, Help("the text, CSS selector, part of the address, or seconds")] = "",
        *,
        seconds: Annotated[float, Between(0, 50), Help("at most")] = 20,
    ) -> Done:
        """Wait for a text, an element, an address, until the network is idle, or a time.

        > browser open http://example.com/
        …
        > browser wait text Garden
        saw text Garden…
        """
        page = await self.page()
        most = seconds * 1_000
        if what != "idle" and not value:
            raise WrongArgument("value", f"wait {what}: for which? Write it behind.")
        try:
            if what == "text":
                await page.get_by_text(value).first.wait_for(timeout=most)
            elif what == "selector":
                await page.locator(value).first.wait_for(timeout=most)
            elif what == "url":
                await page.wait_for_url(lambda url: value in url, timeout=most, wait_until="domcontentloaded")
            elif what == "idle":
                await page.wait_for_load_state("networkidle", timeout=most)
            else:
                await asyncio.sleep(min(_seconds(value), 50))
        except Error as error:
            if "Timeout" not in str(error):
                raise
            raise OutOfTime(f"wait {what} {value[:80]}: not seen in {seconds:g} s.") from error
        said = {"idle": "the network was idle", "time": f"waited {value} s"}
        return await self.done(said.get(what, f"saw {what} {value}"))

    @command(task=READS)
    async def expect(
        self,
        that: Annotated[
            RestOfLine, Length(1, 4_000), Help("text, url, title or selector, and what; `no` turns it round")
        ],
        *,
        seconds: Annotated[float, Between(0, 50), Help("at most, until it is so")] = 10,
    ) -> Done:
        """Fail unless something is so, or comes to be so in time: for macros, and for tests of a site.

        `text Thank you`, `url /account`, `title Shop`, `selector .paid`; `no text Error` where it is not to be.

        > browser open http://example.com/
        …
        > browser expect selector h1
        as expected: selector h1…
        > browser expect no text Closed for winter
        as expected: no text Closed for winter…
        """
        page = await self.page()
        what, value, is_absent = expectation(that)
        if what not in EXPECTED or not value:
            raise WrongArgument(
                "that",
                f"{that[:60]}: write text, url, title or selector and what is expected: `expect text Thank you`.",
            )
        until = time.monotonic() + seconds
        while await _is_so(page, what, value) == is_absent:
            if time.monotonic() > until:
                told = {"url": f" It is {page.url}.", "title": f" It is {await page.title()!r}."}.get(what, "")
                way = "is still there after" if is_absent else "is not there after"
                raise Conflict(f"expected {that[:200]}: it {way} {seconds:g} s.{told}")
            await asyncio.sleep(0.1)
        return await self.done(f"as expected: {that}")


def expectation(that: str) -> tuple[str, str, bool]:
    """Take `no text "it's over"` apart: text, it's over, and that it is not to be."""
    is_absent = that.startswith("no ")
    what, _, value = that.removeprefix("no ").partition(" ")
    value = value.strip()
    if value[:1] in ("'", '"'):
        with suppress(BadRequest):
            words = split(value)
            value = words[0].text if len(words) == 1 else value
    return what, value, is_absent


async def _is_so(page: Page, what: str, value: str) -> bool:
    """Whether a text, an element, a title or an address is there now, in whichever frame."""
    if what == "url":
        return value in page.url
    try:
        if what == "title":
            return value in await page.title()
        for frame in page.frames:
            ways = frame.get_by_text(value) if what == "text" else frame.locator(value)
            for one in await ways.all():
                if await one.is_visible():
                    return True
    except Error as error:
        if "selector" in str(error) or "Unexpected token" in str(error):
            raise WrongArgument("that", f"{value[:80]}: is no CSS selector.") from error
        return False  # the page is on its way to another
    return False


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 50:
        raise WrongArgument("value", f"{text[:40]}: is no number of seconds from 0 to 50.")
    return seconds
