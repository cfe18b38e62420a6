"""Which Chromium there is on this machine, in the order in which they are worth having.

The headless shell first: it needs a quarter of the memory of the full browser, and hardly any of its time when idle.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
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
