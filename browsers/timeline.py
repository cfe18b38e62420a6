"""What happened while a browser was recorded, on one line of time: steps, pages, console, network.

A file beside the video, in JSON:

    {"version": 1, "video": "session.webm", "har": "session.har", "began_at": "2026-05-17T09:30:00.000+00:00",
     "length_ms": 5200, "left_out": {"network": 12}, "entries": [
       {"at_ms": 120, "lane": "steps", "kind": "click", "text": "click Order", "detail": "clicked Order",
        "took_ms": 310, "by": "command", "is_bad": false}, …]}

Entries are in their order in time; `at_ms` counts from the video's beginning.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson
from playwright.async_api import Request

from browsers.doings import Doing, Step
from objects.commands.render import visible
from objects.commands.words import quote

SUFFIX: Final = ".timeline.json"
MOST: Final = 1_000  # entries of a lane
TEXT_CHARS: Final = 300
# Arguments of commands that may be secret, or long.
UNTOLD: Final = frozenset({"text", "value", "words", "script", "headers"})

Lane = Literal["steps", "page", "console", "network"]
LANES: Final[tuple[Lane, ...]] = ("steps", "page", "console", "network")


@dataclass(slots=True)
class Entry:
    """Something at a moment. took_ms: how long it took; null where that is not known."""

    at_ms: int
    lane: Lane
    kind: str
    text: str
    detail: str = ""
    took_ms: int | None = None
    by: str = ""
    is_bad: bool = False


class Timeline:
    """Takes what happens from a moment on. All of it is for the host's event loop."""

    def __init__(self, began_at: float) -> None:
        self._began_at = began_at
        self._entries: list[Entry] = []
        self._count: Counter[str] = Counter()
        self._open: dict[Request, Entry] = {}

    def hear(self, what: Doing | Step) -> None:
        """Take what was done: to pages, or by a command."""
        match what:
            case Doing(kind="navigate"):
                self._add(what.at, "page", "navigate", f"went to {what.url}", by=what.by)
            case Doing(kind="press"):
                self._add(what.at, "page", "press", f"press {what.value}", what.target, by=what.by)
            case Doing():
                value = "•••" if what.is_secret else what.value.replace("\n", ", ")
                self._add(what.at, "page", what.kind, f"{what.kind} {what.target}".strip(), value, by=what.by)
            case Step(command=command) if command != "browser.record":
                took_ms = round(what.took_s * 1_000)
                told = what.problem["detail"] if what.problem else _answer(what.value)
                self._add(
                    what.at, "steps", command.rpartition(".")[2], _line(what), told, took_ms=took_ms, by="command",
                    is_bad=what.problem is not None,
                )  # fmt: skip

    def said(self, at: float, level: str, text: str, where: str) -> None:
        """Take a line of the console."""
        self._add(at, "console", level, text, "" if where.startswith(":") else where, is_bad=level == "error")

    def asked(self, at: float, kind: str, message: str, answer: str) -> None:
        """Take a dialog."""
        self._add(at, "page", "dialog", f"{kind}: {message}", answer, by="page")

    def downloaded(self, at: float, name: str) -> None:
        """Take a download that began."""
        self._add(at, "page", "download", f"download: {name}", by="page")

    def requested(self, at: float, request: Request) -> None:
        """Take a request that begins."""
        entry = self._add(at, "network", request.resource_type, f"{request.method} {request.url}", "no answer yet")
        if entry is not None:
            self._open[request] = entry

    def answered(self, request: Request) -> None:
        """Take the end of a request."""
        entry = self._open.pop(request, None)
        if entry is None:
            return
        timing, response = request.timing, request.existing_response
        if timing["startTime"] > 0:
            entry.at_ms = max(0, round(timing["startTime"] - self._began_at * 1_000))
            entry.took_ms = max(0, round(timing["responseEnd"]))
        entry.detail = request.failure or (f"{response.status} {response.status_text}".strip() if response else "")
        entry.is_bad = bool(request.failure) or (response is not None and response.status >= 400)

    def _add(self, at: float, lane: Lane, kind: str, text: str, detail: str = "", **more: Any) -> Entry | None:
        self._count[lane] += 1
        if self._count[lane] > MOST:
            return None
        at_ms = max(0, round((at - self._began_at) * 1_000))
        entry = Entry(at_ms, lane, kind, _short(text), _short(detail), **more)
        self._entries.append(entry)
        return entry

    def finish(self, ended_at: float, video: str, har: str) -> bytes:
        """Give the file."""
        length_ms = max(0, round((ended_at - self._began_at) * 1_000))
        told = {
            "version": 1,
            "video": video,
            "har": har,
            "began_at": datetime.fromtimestamp(self._began_at, UTC).isoformat(timespec="milliseconds"),
            "length_ms": length_ms,
            "left_out": {lane: count - MOST for lane, count in self._count.items() if count > MOST},
            "entries": sorted(
                (asdict(each) for each in self._entries if each.at_ms <= length_ms), key=lambda each: int(each["at_ms"])
            ),
        }
        return orjson.dumps(told)


def _short(text: str) -> str:
    return visible(text[: TEXT_CHARS * 2])[:TEXT_CHARS]


def _line(step: Step) -> str:
    """Give a command as it would be typed, without what may be secret."""
    words = [step.command.removeprefix("browser.")]
    for name, value in step.arguments.items():
        if name in UNTOLD:
            words.append("…")
        elif value is True:
            words.append(f"--{name.replace('_', '-')}")
        elif isinstance(value, list):
            words += [quote(str(each)) for each in value]
        elif value not in (None, False):
            words.append(quote(str(value)))
    return " ".join(words)


def _answer(value: Any) -> str:
    """Say in a line what a command answered."""
    if isinstance(value, dict) and "did" in value:
        return " · ".join([str(value["did"]), *map(str, value.get("changed", []))])
    return "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
