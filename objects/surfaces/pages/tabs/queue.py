"""The queue: how full it is, what waits, and the dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse

from objects.surfaces.pages.forms import Option
from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.spans import words
from teams import clock

LISTED: Final = 50
WIDTH, HEIGHT = 1_000.0, 96.0
SPANS: Final = {"hour": 3_600.0, "day": 86_400.0}
PARTS: Final = 4  # of the line of time


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what is in the queue, drawn to scale."""

    name: str
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Chart:
    """How many messages waited over time. line: points of a polyline; marks: what stands beneath."""

    line: str
    area: str
    most: int
    marks: Sequence[str]


def show(tab: TabRequest) -> HttpResponse:
    """Show what waits and what is dead; `?span=day` draws the last day."""
    after = tab.query.get("after", "")
    span = tab.query.get("span", "")
    span = span if span in SPANS else "hour"
    depth, depths, waiting, dead = tab.answers(
        ("queue.depth", {}),
        ("queue.depths", {"since": SPANS["day"]}),
        ("queue.peek", {"limit": LISTED, "after": int(after) if after.isdecimal() and len(after) < 18 else 0}),
        ("queue.peek", {"limit": LISTED, "dead": True}),
    )
    return tab.show(
        depth=depth,
        oldest=words(round(depth["age"], 1)),
        chart=_chart(depths, depth["waiting"], SPANS[span]) if depths else None,
        spans=[Option(f"?span={name}", f"last {name}", name == span) for name in SPANS],
        waiting=waiting["messages"],
        next=waiting["next"],
        dead=dead["messages"],
        parts=_parts(depth),
    )


def _chart(depths: Sequence[Any], waiting: int, seconds: float) -> Chart:
    """Draw how full the queue was, up to now; between two figures it was as full as at the first."""
    now = clock.now()
    begin = now - seconds
    known = [(datetime.fromisoformat(each["at"]).timestamp(), each["waiting"]) for each in depths]
    before = [most for at, most in known if at <= begin]
    steps = [
        (begin, before[-1] if before else 0),
        *((at, most) for at, most in known if begin < at < now),
        (now, waiting),
    ]
    top = max(most for _, most in steps) or 1
    points: list[str] = []
    last = 0.0
    for at, most in steps:
        x, y = WIDTH * (at - begin) / seconds, HEIGHT - (HEIGHT - 4.0) * most / top
        points += [f"{x:.1f},{last:.1f}"] * bool(points) + [f"{x:.1f},{y:.1f}"]
        last = y
    line = " ".join(points)
    marks = [f"{words(seconds * part / PARTS)} ago" for part in range(PARTS, 0, -1)]
    return Chart(line, f"0,{HEIGHT:g} {line} {WIDTH:g},{HEIGHT:g}", top, (*marks, "now"))


def _parts(depth: Any) -> list[Part]:
    counts = {name: depth[name] for name in ("due", "leased", "delayed", "dead")}
    counts["behind"] = depth["waiting"] - depth["due"] - depth["leased"] - depth["delayed"]
    total, x, parts = sum(counts.values()), 0.0, []
    for name, count in counts.items():
        if count > 0:
            width = WIDTH * count / total
            parts.append(Part(name, count, round(x, 1), round(width, 1)))
            x += width
    return parts
