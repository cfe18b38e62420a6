"""The queue: how full it is, what waits, and the dead letters."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse

from objects.surfaces.pages.object_tabs import TabRequest

LISTED: Final = 50
WIDTH: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what is in the queue, drawn to scale."""

    name: str
    count: int
    x: float
    width: float


def show(tab: TabRequest) -> HttpResponse:
    """Show what waits and what is dead."""
    after = tab.query.get("after", "")
    depth, waiting, dead = tab.answers(
        ("queue.depth", {}),
        ("queue.peek", {"limit": LISTED, "after": int(after) if after.isdecimal() and len(after) < 18 else 0}),
        ("queue.peek", {"limit": LISTED, "dead": True}),
    )
    return tab.show(
        depth=depth, waiting=waiting["messages"], next=waiting["next"], dead=dead["messages"], parts=_parts(depth)
    )


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
