"""A trace of a browser, for people: its steps, the page before and after each, and what was said and fetched meanwhile.

The file is Playwright's (version 10 of its format), or anybody's who put one into the object: nothing in it is trusted,
and of all that it holds only texts and JPEGs are shown. Its snapshots of pages, which are HTML of anybody's, are not:
Playwright's own viewer shows those, elsewhere, and not with the rights of who is signed in here.
"""

import base64
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.recordings import (
    MOST,
    ROW,
    TITLES,
    Entry,
    Happening,
    Lane,
    LaneName,
    lanes,
    marks,
    shown,
)  # fmt: skip
from objects.surfaces.pages.spans import WIDTH
from teams.problems import Conflict, TooLarge

SUFFIX: Final = "trace.zip"
MOST_BYTES: Final = 128 << 20  # of the file
PART_BYTES: Final = 64 << 20  # of a part of it, unpacked
PICTURE_BYTES: Final = 2 << 20
LOG_LINES: Final = 40
DAY_MS: Final = 86_400_000
# What the host asks pages by itself, for what it keeps and shows: no steps of anybody's.
QUIET: Final = frozenset({
    "evaluateExpression", "evaluateExpressionHandle", "title", "cookies", "storageState", "screenshot", "newPage",
    "newCDPSession", "detach", "send", "contentFrame", "resolveSelector", "queryCount", "addInitScript", "content",
    "waitForTimeout", "waitForSelector", "setNetworkInterceptionPatterns", "tracingStart",
})  # fmt: skip

_INTERNAL: Final = re.compile(r'internal:(\w+)="(.*?)"[si]?')  # how Playwright writes what is found by its label


@dataclass(slots=True)
class Call:
    """A step. Times are milliseconds from the beginning."""

    title: str
    at_ms: int
    ended_ms: int
    error: str = ""
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picture:
    """The page as it was at a moment."""

    at_ms: int
    file: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is looked at. before, after: data: addresses of pictures; "" where there is none."""

    number: int
    title: str
    before: str
    after: str
    error: str
    log: Sequence[str]


@dataclass(frozen=True, slots=True)
class Trace:
    """All that the page shows."""

    name: str
    began_at: str
    marks: Sequence[str]
    lanes: Sequence[Lane]
    entries: Sequence[Entry]
    chosen: Chosen | None
    width: int = int(WIDTH)
    height: int = ROW * len(TITLES)


def trace(tab: TabRequest, name: str) -> Trace:
    """Read a trace. `?step=` says which entry is looked at. Raises NoSuch, Conflict, TooLarge."""
    download = tab.ask("files.get", name=name)
    if (download.size or 0) > MOST_BYTES:
        raise TooLarge(f"{name}: {download.size:,} bytes; a trace is shown here up to {MOST_BYTES:,}. Download it.")
    try:
        with zipfile.ZipFile(io.BytesIO(b"".join(download.chunks()))) as packed:
            return read(packed, name, tab.query.get("step", ""))
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Conflict(f"{name} is no trace as `browser trace` keeps one.") from error


def read(packed: zipfile.ZipFile, name: str, step: str) -> Trace:
    """Read it from its archive."""
    reader = _Reader()
    for told in _lines(packed, "trace.trace"):
        reader.take(told)
    if "trace.network" in packed.namelist():
        for told in _lines(packed, "trace.network"):
            reader.fetched(told)
    happened = sorted(reader.happened(), key=lambda each: each.at_ms)
    left_out: dict[LaneName, int] = {"network": len(happened) - MOST} if len(happened) > MOST else {}
    happened = happened[:MOST]
    seconds = max([1, *(each.at_ms + (each.took_ms or 0) for each in happened)]) / 1_000
    return Trace(
        name=name,
        began_at=datetime.fromtimestamp(min(reader.began_at, 1e11), UTC).isoformat(timespec="seconds"),
        marks=marks(seconds),
        lanes=lanes(happened, left_out),
        entries=[shown(number, each, seconds) for number, each in enumerate(happened)],
        chosen=_chosen(packed, reader, happened, step),
    )


def _lines(packed: zipfile.ZipFile, part: str) -> Iterator[Mapping[str, Any]]:
    if packed.getinfo(part).file_size > PART_BYTES:
        raise TooLarge(f"{part} of it is larger than {PART_BYTES:,} bytes. Download it, and look with Playwright.")
    with packed.open(part) as opened:
        for line in opened:
            told = orjson.loads(line)
            if isinstance(told, dict):
                yield told


class _Reader:
    """Takes one line after the other."""

    def __init__(self) -> None:
        self.began_at = 0.0
        self.pictures: list[Picture] = []
        self.calls: dict[str, Call] = {}
        self._others: list[Happening] = []
        self._zero = 0.0  # of the clock that it is written by

    def take(self, told: Mapping[str, Any]) -> None:
        call = self.calls.get(_text(told.get("callId")))
        match told.get("type"):
            case "context-options" if not self._zero:
                self._zero = _number(told.get("monotonicTime"))
                self.began_at = _number(told.get("wallTime")) / 1_000
            case "before" if told.get("method") not in QUIET:
                at = self._ms(told.get("startTime"))
                self.calls[_text(told.get("callId"))] = Call(_title(told.get("method"), told.get("params")), at, at)
            case "after" if call is not None:
                call.ended_ms = max(call.at_ms, self._ms(told.get("endTime")))
                call.error = _text(_part(told, "error").get("message"), 1_000)
            case "log" if call is not None and len(call.log) < LOG_LINES:
                call.log.append(_text(told.get("message")))
            case "screencast-frame":
                file = told.get("file") or f"resources/{_text(told.get('sha1'))}"
                self.pictures.append(Picture(self._ms(told.get("timestamp")), _text(file)))
            case "console":
                level, where = _text(told.get("messageType"), 20), _text(_part(told, "location").get("url"))
                at, text = self._ms(told.get("time")), _text(told.get("text"), 1_000)
                self._others.append(Happening(at, "console", level, text, where, is_bad=level == "error"))

    def fetched(self, told: Mapping[str, Any]) -> None:
        entry = _part(told, "snapshot")
        if told.get("type") != "resource-snapshot":
            return
        request, answer = _part(entry, "request"), _part(entry, "response")
        status = _whole(answer.get("status"))
        text = f"{_text(request.get('method'), 10)} {_text(request.get('url'), 900)}"
        at, took_ms = self._ms(entry.get("_monotonicTime")), _whole(entry.get("time"))
        kind = _text(_part(answer, "content").get("mimeType"), 60)
        told_as = str(status) if status else "no answer"
        is_bad = status == 0 or status >= 400
        self._others.append(Happening(at, "network", told_as, text, kind, took_ms, is_bad=is_bad))

    def happened(self) -> list[Happening]:
        steps = [
            Happening(
                each.at_ms, "steps", "", each.title, each.error, each.ended_ms - each.at_ms, is_bad=bool(each.error)
            )
            for each in self.calls.values()
        ]
        return [*steps, *self._others]

    def _ms(self, at: Any) -> int:
        return _whole(_number(at) - self._zero)


def _chosen(packed: zipfile.ZipFile, reader: _Reader, happened: Sequence[Happening], step: str) -> Chosen | None:
    """Give what is looked at: what the address says, else the first step that failed, else the first step."""
    steps = [number for number, each in enumerate(happened) if each.lane == "steps"]
    bad = [number for number in steps if happened[number].is_bad]
    number = int(step) if step.isascii() and step.isdigit() and len(step) < 6 else (bad or steps or [0])[0]
    if number >= len(happened):
        return None
    entry = happened[number]
    ended_ms = entry.at_ms + (entry.took_ms or 0)
    call = next((each for each in reader.calls.values() if (each.at_ms, each.title) == (entry.at_ms, entry.text)), None)
    before = [each for each in reader.pictures if each.at_ms <= entry.at_ms][-1:]
    after = [each for each in reader.pictures if each.at_ms > ended_ms][:1] or reader.pictures[-1:]
    return Chosen(
        number, entry.text, _picture(packed, before), _picture(packed, after), call.error if call else "",
        call.log if call else (),
    )  # fmt: skip


def _picture(packed: zipfile.ZipFile, pictures: Sequence[Picture]) -> str:
    for each in pictures:
        if each.file in packed.NameToInfo and packed.getinfo(each.file).file_size <= PICTURE_BYTES:
            jpeg = packed.read(each.file)
            if jpeg.startswith(b"\xff\xd8"):
                return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    return ""


def _title(method: Any, given: Any) -> str:
    """Name a step, and what it was done to."""
    known = given if isinstance(given, dict) else {}
    what = next((known[each] for each in ("url", "selector", "key", "text") if isinstance(known.get(each), str)), "")
    plain = _INTERNAL.sub(r'\1 "\2"', what[:300].removesuffix(" >> nth=0"))
    return f"{_text(method, 40)} {plain}".strip()


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: Any, most: int = 500) -> str:
    return value[:most] if isinstance(value, str) else ""


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e14 else 0.0


def _whole(value: Any) -> int:
    return round(min(DAY_MS, _number(value)))
