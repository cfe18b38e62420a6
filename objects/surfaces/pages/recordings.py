"""A recording of a browser, for people: its video, and what happened meanwhile on a line of time beneath it.

What is read here, `browsers.timeline` wrote, or anybody who put a file of that name into the object.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.spans import WIDTH, words
from teams.problems import Conflict, NoSuch, TooLarge

SUFFIX: Final = ".timeline.json"
MOST_BYTES: Final = 8 << 20
MOST: Final = 4_000  # entries that are shown
PARTS: Final = 4  # of the line of time
NARROWEST: Final = 4.0  # of what is drawn, so that it is seen
ROW: Final = 24  # height of a lane

LaneName = Literal["steps", "page", "console", "network"]
TITLES: Final[Mapping[LaneName, str]] = {
    "steps": "Steps", "page": "Page", "console": "Console", "network": "Network"
}  # fmt: skip
_PROTOCOL: Final = re.compile(r"\bhttps?://(?=\S)")  # what all have, and a narrow list has no room for
_SECONDS: Final = re.compile(r"\d{1,5}(\.\d{1,3})?")
Ms = Annotated[int, Field(ge=0, le=86_400_000)]


@dataclass(frozen=True)
class Happening:
    """Something that happened, as it was written down."""

    at_ms: Ms
    lane: LaneName
    kind: Annotated[str, Field(max_length=50)]
    text: Annotated[str, Field(max_length=1_000)]
    detail: Annotated[str, Field(max_length=1_000)] = ""
    took_ms: Ms | None = None
    by: Annotated[str, Field(max_length=50)] = ""
    is_bad: bool = False


@dataclass(frozen=True)
class _File:
    version: Literal[1]
    video: Annotated[str, Field(max_length=500)]
    har: Annotated[str, Field(max_length=500)]
    began_at: Annotated[str, Field(max_length=50)]
    length_ms: Ms
    entries: list[Happening]
    left_out: dict[LaneName, int] = field(default_factory=dict)


_READ: Final[TypeAdapter[_File]] = TypeAdapter(_File)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened. at: "1:02.5"; seconds: for the video. x, y, width: where it is drawn."""

    number: int
    at: str
    seconds: str
    at_ms: int
    lane: str
    text: str
    detail: str
    took: str
    by: str
    is_bad: bool
    x: float
    y: int
    width: float


@dataclass(frozen=True, slots=True)
class Lane:
    """What is of one sort. left_out: how many there was no room for."""

    name: str
    title: str
    y: int
    count: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Recording:
    """All that the page shows.

    video, har: names of files; "" where there is none of that name any more. begins: where the video does, in seconds,
    as the address has it.
    """

    name: str
    timeline: str
    video: str
    har: str
    begins: str
    began_at: str
    length_ms: int
    marks: Sequence[str]
    lanes: Sequence[Lane]
    entries: Sequence[Entry]
    width: int = int(WIDTH)
    height: int = ROW * len(TITLES)


def recording(tab: TabRequest, name: str) -> Recording:
    """Read a recording. name: of its timeline, with or without its ending. Raises NoSuch, Conflict, TooLarge."""
    timeline = name if name.endswith(SUFFIX) else name + SUFFIX
    download = tab.ask("files.get", name=timeline)
    if (download.size or 0) > MOST_BYTES:
        raise TooLarge(f"{timeline}: {download.size:,} bytes; a timeline has at most {MOST_BYTES:,}.")
    try:
        read = _READ.validate_json(b"".join(download.chunks()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise Conflict(f"{timeline} is no timeline as `browser record` keeps one: {where}: {first['msg']}.") from None
    begins = tab.query.get("at", "")
    seconds = max(0.1, read.length_ms / 1_000)
    entries = [shown(number, each, seconds) for number, each in enumerate(read.entries[:MOST])]
    beyond = len(read.entries) - MOST
    left_out = dict(read.left_out) | ({"network": read.left_out.get("network", 0) + beyond} if beyond > 0 else {})
    folder = timeline.rpartition("/")[0]
    return Recording(
        name=timeline.removesuffix(SUFFIX),
        timeline=timeline,
        video=_beside(tab, folder, read.video),
        har=_beside(tab, folder, read.har),
        begins=begins if _SECONDS.fullmatch(begins) else "",
        began_at=read.began_at,
        length_ms=round(seconds * 1_000),
        marks=marks(seconds),
        lanes=lanes(read.entries[:MOST], left_out),
        entries=entries,
    )


def marks(seconds: float) -> list[str]:
    """Give what stands beneath the line of time."""
    return [words(round(seconds * part / PARTS, 1)) for part in range(PARTS + 1)]


def lanes(happened: Sequence[Happening], left_out: Mapping[LaneName, int]) -> list[Lane]:
    """Give the lanes that things are drawn in."""
    counts = Counter(each.lane for each in happened)
    return [
        Lane(each, title, ROW * at, counts[each], left_out.get(each, 0))
        for at, (each, title) in enumerate(TITLES.items())
    ]


def _beside(tab: TabRequest, folder: str, name: str) -> str:
    """Give the full name of a file in the same folder; "" where there is none."""
    short = name.rpartition("/")[2]
    full = f"{folder}/{short}" if folder else short
    try:
        tab.ask("files.info", name=full)
    except NoSuch:
        return ""
    return full


def shown(number: int, each: Happening, seconds: float) -> Entry:
    """Give it as it is drawn and listed. seconds: how long all of it took."""
    row = list(TITLES).index(each.lane)
    x = WIDTH * min(1.0, each.at_ms / 1_000 / seconds)
    wide = WIDTH * (each.took_ms or 0) / 1_000 / seconds
    return Entry(
        number=number,
        at=_clock(each.at_ms),
        seconds=f"{each.at_ms / 1_000:g}",
        at_ms=each.at_ms,
        lane=each.lane,
        text=_PROTOCOL.sub("", each.text),
        detail=" · ".join(filter(None, [each.kind if each.lane in ("console", "network") else "", each.detail])),
        took="" if each.took_ms is None else f"{each.took_ms:,} ms",
        by=each.by,
        is_bad=each.is_bad,
        x=round(min(x, WIDTH - NARROWEST), 1),
        y=row * ROW + 4,
        width=round(max(NARROWEST, min(wide, WIDTH - x)), 1),
    )


def _clock(ms: int) -> str:
    return f"{ms // 60_000}:{ms // 1_000 % 60:02}.{ms // 100 % 10}"


def recordings(tab: TabRequest) -> list[Any]:
    """Give the newest recordings and traces, each with the name that its page has."""
    return [{**each, "short": each["name"].removesuffix(SUFFIX)} for each in tab.ask("browser.recordings")]
