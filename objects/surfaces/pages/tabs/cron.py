"""Schedules: what fires when, on a line of time; one of them with its next moments and what it did."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse

from objects.commands.registry import registry
from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.spans import span, words
from teams import clock
from teams.problems import WrongArgument

LISTED: Final = 100
DRAWN: Final = 20  # schedules whose next moments are drawn
SPANS: Final = [
    ("hour", 3_600, ("now", "15 min", "30 min", "45 min", "1 h")),
    ("day", 86_400, ("now", "6 h", "12 h", "18 h", "1 day")),
    ("week", 7 * 86_400, ("now", "2 d", "4 d", "5 d", "1 week")),
    ("month", 30 * 86_400, ("now", "8 d", "15 d", "23 d", "30 d")),
    ("year", 364 * 86_400, ("now", "13 weeks", "26 weeks", "39 weeks", "1 year")),
]
MARKS: Final = 100  # moments of a schedule that are drawn
RUNS: Final = 60  # bars
WIDTH, HEIGHT = 1_000, 48  # of a drawing


@dataclass(frozen=True, slots=True)
class Line:
    """A schedule in the list. marks: where in the span it fires, 0 to 1,000. goes_on: and more often than is drawn."""

    item: Any
    address: str
    marks: Sequence[int]
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A run, drawn: the longer it took the higher."""

    x: float
    y: float
    width: float
    height: float
    outcome: str
    title: str


def show(tab: TabRequest) -> HttpResponse:
    """Show all, or one: `:/cron/nightly`; with `spec` in the query what that text means."""
    if "spec" in tab.query:
        return _preview(tab)
    if tab.rest:
        return _one(tab)
    found = tab.ask("cron.list", after=tab.query.get("after", ""), limit=LISTED)
    items = found["schedules"]
    drawn = [item for item in items if item["state"] == "on"][:DRAWN]
    fires = tab.answers(*(("cron.next", {"name": item["name"], "count": MARKS}) for item in drawn))
    now = clock.now()
    moments = {
        item["name"]: [_unix(fire["at"]) - now for fire in each] for item, each in zip(drawn, fires, strict=True)
    }
    name, seconds, axis = _span([each[0] for each in moments.values() if each])
    lines = []
    for item in items:
        away = moments.get(item["name"], [])
        marks = [round(WIDTH * max(0.0, each) / seconds) for each in away if each <= seconds]
        lines.append(Line(item, tab.at(item["name"]), marks, goes_on=len(marks) == MARKS))
    return tab.show(lines=lines, span=name, axis=axis, next=found["next"], preview=None)


def _one(tab: TabRequest) -> HttpResponse:
    before = tab.query.get("before", "")
    earlier = {"before": int(before)} if before.isascii() and before.isdigit() and len(before) < 18 else {}
    about, fires, past = tab.answers(
        ("cron.show", {"name": tab.rest}),
        ("cron.next", {"name": tab.rest, "count": 20}),
        ("cron.history", {"name": tab.rest, "limit": RUNS, **earlier}),
    )
    runs = past["runs"]
    clocks = []
    if not about["alarm"] and fires:
        clocks = tab.ask("cron.preview", spec=about["spec"], zone=about["zone"], dst=about["dst"], count=1)["clocks"]
    now = clock.now()
    away = [_unix(fire["at"]) - now for fire in fires]
    drawn = span(max(away, default=1.0))
    return tab.show(
        "tabs/cron_one.html",
        about=about,
        fires=fires,
        marks=[drawn.at(each) for each in away],
        axis=("now", *drawn.marks[1:]),
        clocks=clocks,
        runs=[(run, words(run["took"])) for run in runs],
        bars=_bars(runs),
        longest=words(max((run["took"] for run in runs), default=0.0)),
        older=f"?before={past['next']}" if past["next"] else "",
        is_latest=not earlier,
        filled=_filled(tab, about),
    )


def _filled(tab: TabRequest, about: Any) -> dict[str, Any]:
    """Give what the form that changes a schedule begins with: what is said of it by now."""
    filled = {}
    for parameter in registry.command(tab.facts["kind"], "cron.edit").parameters:
        value = about.get(parameter.name)
        if value in (None, "", [], {}, 0):
            continue
        if isinstance(value, dict):
            value = json.dumps(value, ensure_ascii=False)
        elif parameter.name in ("starts", "ends"):
            value = value[:19]  # as browsers write a moment
        filled[parameter.name] = value
    return filled


def _preview(tab: TabRequest) -> HttpResponse:
    """Say what a text means, or what is wrong with it, while it is typed."""
    query = tab.query
    preview, refusal = None, ""
    zone, dst = query.get("zone") or "UTC", query.get("dst") or "once"
    try:
        if query.get("spec", "").strip():
            preview = tab.ask("cron.preview", spec=query["spec"], zone=zone, dst=dst)
    except WrongArgument as problem:
        refusal = problem.detail
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    said = {"preview": preview, "refusal": refusal, "spec": query["spec"], "zone": zone, "dst": dst}
    return tab.show("tabs/cron_preview.html", status=status, **said)


def _span(first: Sequence[float]) -> tuple[str, int, tuple[str, ...]]:
    """Choose the span that shows when each fires the first time."""
    farthest = max(first, default=0.0)
    return next((each for each in SPANS if farthest <= each[1] * 0.9), SPANS[-1])


def _bars(runs: Sequence[Any]) -> list[Bar]:
    """Draw runs, the latest on the right."""
    most = max((run["took"] for run in runs), default=0.0) or 1.0
    width = WIDTH / RUNS
    bars = []
    for place, run in enumerate(runs):
        height = max(4.0, HEIGHT * run["took"] / most)
        title = f"{run['meant']}: {run['outcome']}, {words(run['took'])}"
        x = WIDTH - (place + 1) * width
        bars.append(
            Bar(round(x, 1), round(HEIGHT - height, 1), round(width - 2, 1), round(height, 1), run["outcome"], title)
        )
    return bars


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()
