"""Which Chromium there is on this machine, in the order in which they are worth having.

The headless shell first: it needs a quarter of the memory of the full browser, and hardly any of its time when idle.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from teams.problems import Problem

NAMES: Final = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
    "microsoft-edge",
)  # fmt: skip
HOW_TO_INSTALL: Final = (
    "On Debian and Ubuntu: `sudo apt install chromium-headless-shell` (or chromium). Anywhere: `.venv/bin/playwright "
    "install --only-shell chromium`. Or name one in GROVE_BROWSER_EXECUTABLE."
)


class NoBrowser(Problem):
    """There is no browser on this node, or none that starts."""

    type, title, status = "no-browser", "There is no browser here", 503


@dataclass(frozen=True, slots=True)
class Candidate:
    """A browser that may be there. path: None is the one that Playwright downloads."""

    name: str
    path: str | None


def candidates(executable: str) -> Iterator[Candidate]:
    """Give what to try, the best first; only `executable` where the operator named one."""
    if executable:
        yield Candidate(executable, executable)
        return
    yield Candidate("Playwright's headless shell", None)
    for name in NAMES:
        path = shutil.which(name)
        if path is not None:
            yield Candidate(name, path)


def is_any_there(executable: str) -> bool:
    """Whether there is a browser to try, by a look at the disk alone: starting it is what tells whether it works."""
    return any(_downloaded() if each.path is None else shutil.which(each.path) for each in candidates(executable))


def missing(executable: str, reasons: str = "") -> str:
    """Say that there is no browser, or that none starts, and what to do about it."""
    if executable:
        named = f"GROVE_BROWSER_EXECUTABLE names {executable}, which does not start as a browser."
        return f"{named}{reasons} Name another, or leave it out and have one looked for. {HOW_TO_INSTALL}"
    return f"No browser was found on this machine.{reasons} {HOW_TO_INSTALL}"


def _downloaded() -> bool:
    """Whether Playwright has downloaded its headless shell."""
    usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "ms-playwright"
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or usual)
    return next(folder.glob("chromium_headless_shell-*"), None) is not None
