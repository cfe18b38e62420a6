"""A task in a terminal: its output as it comes, a bar of how far it is, and its result as if it had been any command.

Ctrl-C stops the task, as it would stop a program.
"""

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from objects.surfaces.following import result_of
from teams.problems import Problem
from terminal.rendering import cut_to, visible
from terminal.values import close

if TYPE_CHECKING:
    from terminal.shell import Shell

SHOWN_S: Final = 0.1  # between two bars
CLEAR: Final = "\r\x1b[K"


async def result(shell: "Shell", path: str, task: str) -> Any:
    """Follow a task until it is over and give its result; raises what it failed with."""
    told = shell.world.task(path, task)
    bar = Bar(shell)
    try:
        async for news in told:
            if "created_at" in news:
                return result_of(news)
            if news.get("output"):
                await bar.write(visible(news["output"], lines=True))
            await bar.show(news)
    except asyncio.CancelledError:
        with suppress(Problem):
            await shell.world.call(path, "task.cancel", {"task": task})
        raise
    finally:
        await bar.clear()
        await close(told)
    raise AssertionError("a task is followed to its end")


class Bar:
    """One line at the bottom that tells how far a task is; none where nobody looks."""

    def __init__(self, shell: "Shell") -> None:
        self._screen = shell.screen
        self._silent = shell.is_background
        self._bars = not self._silent and bool(self._screen.colours) and not self._screen.plain
        self._line = ""
        self._is_shown = False
        self._at_start = True
        self._shown_at = 0.0

    async def write(self, text: str) -> None:
        """Show what the task wrote, above the bar."""
        if self._silent:
            return
        await self.clear()
        await self._screen.write(text)
        self._at_start = text.endswith("\n")

    async def show(self, news: dict[str, Any]) -> None:
        """Show how far it is."""
        if "done" in news:
            self._line = self._text(news["done"], news["note"])
        elif "turn" in news:
            self._line = f"Waits for a worker: {ordinal(news['turn'])} in the queue."
        elif news["state"] == "running" and self._line.startswith("Waits"):
            self._line = ""
            await self.clear()
        elif news["state"] == "waiting" and news.get("problem"):
            self._line = f"{news['problem']['detail'][:80]} Trying again in {news['after_s']:.0f} s."
        now = time.monotonic()
        if not self._bars or not self._line or now - self._shown_at < SHOWN_S:
            return
        if not self._at_start:
            await self._screen.write("\n")
            self._at_start = True
        self._shown_at, self._is_shown = now, True
        await self._screen.write(CLEAR + cut_to(visible(self._line), self._screen.width - 1))

    async def clear(self) -> None:
        """Take the bar away."""
        if self._is_shown:
            self._is_shown = False
            await self._screen.write(CLEAR)

    def _text(self, done: float | None, note: str) -> str:
        if done is None:
            return f"… {note}"
        wide = max(10, min(40, self._screen.width - 30))
        full = round(wide * done)
        return f"{'█' * full}{'░' * (wide - full)} {done:4.0%}  {note}"


def ordinal(number: int) -> str:
    """Give a number as people say which: 1st, 22nd, 113th."""
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{'th' if number % 100 in (11, 12, 13) else last}"
