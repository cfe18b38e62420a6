"""Waiting for what a page is about to do."""

import asyncio
from typing import Annotated, Literal

from playwright.async_api import Error

from browsers.commands.base import READS, Done, Part
from objects.sdk import Between, Help, OutOfTime, RestOfLine, WrongArgument, command


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


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 50:
        raise WrongArgument("value", f"{text[:40]}: is no number of seconds from 0 to 50.")
    return seconds
