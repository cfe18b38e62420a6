"""What the Browser tab shows beneath the page: macros with how they went last, and tracked pages with what changed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from objects.commands.registry import registry
from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.spans import words

LISTED: Final = 20  # macros, and tracked pages; the rest is told by `browser macros`
STEPS: Final = 100  # of a play
RUNNING: Final = 20  # tasks that are looked at


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro. text: what `browser.show` gives. last: its newest play, None where there is none. took: of that."""

    line: Any
    text: Any
    last: Any
    took: str
    steps: Sequence[Any]
    is_tried: bool  # its last play failed or differed
    runs_alone: bool  # nothing has to be given to it
    key: str
    asks: str  # changes with what has to be given to it


@dataclass(frozen=True, slots=True)
class Page:
    """A tracked page. change: its newest."""

    line: Any
    change: Any
    key: str


@dataclass(frozen=True, slots=True)
class Shown:
    """All of it. recording: the macro that is recorded, and its steps. playing: tasks that play one."""

    macros: Sequence[Macro]
    pages: Sequence[Page]
    recording: Any
    playing: Sequence[Any]
    secrets: Sequence[Any]
    secrets_key: str  # changes with them
    more_macros: int
    more_pages: int


def macros_of(tab: TabRequest) -> Shown:
    """Ask for what there is."""
    lines, pages, recording, running, secrets = tab.answers(
        ("browser.macros", {}),
        ("browser.tracked", {}),
        ("browser.recorded", {}),
        ("task.list", {"state": "running", "limit": RUNNING}),
        ("browser.secrets", {}),
    )
    asked = [each["name"] for each in lines[:LISTED]]
    tracked = [each["name"] for each in pages[:LISTED]]
    found = tab.answers(
        *(("browser.show", {"name": name}) for name in asked),
        *(("browser.plays", {"name": name, "limit": 1}) for name in asked),
        *(("browser.changes", {"name": name, "limit": 1}) for name in tracked),
    )
    texts, plays, changes = found[: len(asked)], found[len(asked) : 2 * len(asked)], found[2 * len(asked) :]
    return Shown(
        [_macro(*each) for each in zip(lines, texts, plays, strict=False)],
        [Page(line, next(iter(change), None), key(line["name"])) for line, change in zip(pages, changes, strict=False)],
        recording,
        [each for each in running if is_of_browser(tab, each["command"], "play")],
        secrets,
        key(*(f"{each['name']} {each['changed_at']}" for each in secrets)),
        max(0, len(lines) - LISTED),
        max(0, len(pages) - LISTED),
    )


def key(*words: str) -> str:
    """Give what an element is known by, from one answer to the next: its place in a list is another's tomorrow."""
    return hashlib.blake2s("\n".join(words).encode(), digest_size=6).hexdigest()


def is_of_browser(tab: TabRequest, command: str, name: str = "") -> bool:
    """Whether a command is one of the browser, under either of its names, as `browser.open` and `open`. name: which."""
    spec = registry.commands(tab.facts["kind"]).get(command)
    return spec is not None and spec.facility == "browser" and (not name or spec.name.rpartition(".")[2] == name)


def _macro(line: Any, text: Any, plays: Any) -> Macro:
    last = next(iter(plays), None)
    took = "" if last is None else words(last["took"])
    steps = [] if last is None else last["steps"][-STEPS:]
    is_tried = last is not None and last["outcome"] in ("failed", "differs")
    runs_alone = not text["rows"] and all(each["kept"] or each["default"] is not None for each in text["parameters"])
    asks = key(*(f"{each['name']} {each['kept']}" for each in text["parameters"]))
    return Macro(line, text, last, took, steps, is_tried, runs_alone, key(line["name"]), asks)
