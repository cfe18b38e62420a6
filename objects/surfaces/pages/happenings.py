"""What happens in a team, out of its journal: the latest calls, those that failed, and how many there are.

Only of objects that the caller sees. A look at the latest lines, never at all of them: what a busy team did an hour
ago is beyond it, and `is_more` says so.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

from django.db import connection

from objects.surfaces.pages.asking import ask, top_of
from objects.tree.nodes import Sight, sql
from teams.access import Caller

LOOKED_AT: Final = 3_000  # lines of the journal
LISTED: Final = 12
FAILED: Final = 6
STEPS: Final = 30  # of the last hour
STEP: Final = timedelta(minutes=2)
AMOUNT_KEPT_S: Final = 30  # how long a count of all objects is told again

_LATEST: LiteralString = (
    "select o.path, o.kind, l.at, l.caller, l.via, l.command, l.arguments, l.outcome, l.detail"
    " from (select * from {s}.journal order by id desc limit %(looked_at)s) l"
    " join {s}.object o on o.id = l.object_id and o.trashed_at is null and "
)
_FAILED: LiteralString = (
    "select o.path, o.kind, l.at, l.caller, l.via, l.command, l.arguments, l.outcome, l.detail"
    " from (select * from {s}.journal where outcome <> 'ok' order by id desc limit %(looked_at)s) l"
    " join {s}.object o on o.id = l.object_id and o.trashed_at is null and "
)
_PACE: LiteralString = (
    "select floor(extract(epoch from %(now)s::timestamptz - l.at) / %(step_s)s)::int, count(*),"
    " count(*) filter (where l.outcome <> 'ok')"
    " from (select object_id, at, outcome from {s}.journal order by id desc limit %(looked_at)s) l"
)
_LAST_HOUR: LiteralString = " where l.at > %(now)s::timestamptz - %(step_s)s * %(steps)s * interval '1 second'"
# To look at the objects of 3,000 lines takes 40 ms: only for who must not know of all.
_SEEN: LiteralString = " join {s}.object o on o.id = l.object_id and o.trashed_at is null and "


@dataclass(frozen=True, slots=True)
class Happening:
    """A call, or several of one sort in a row."""

    path: str
    kind: str
    at: datetime
    caller: str
    via: str
    command: str
    arguments: Any
    outcome: str
    detail: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of the last hour, as the chart draws it: places in a box 100 high."""

    x: int
    calls_y: int
    calls_height: int
    failed_y: int
    failed_height: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls of the last hour. is_more: there were more than was looked at."""

    calls: int
    failed: int
    is_more: bool
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Amount:
    """All that the caller sees."""

    objects: int
    size: int


NO_PACE: Final = Pace(0, 0, is_more=False, bars=())
_amounts: dict[tuple[str, Sight], tuple[float, Amount]] = {}


def latest(caller: Caller, schema: str) -> list[Happening]:
    """Give the latest calls, the newest first; the same again and again is one, with how many times."""
    joined: list[Happening] = []
    for each in _happenings(_LATEST, caller, schema, LISTED * 12):
        last = joined[-1] if joined else None
        if last is not None and (last.path, last.command, last.outcome, last.caller) == (
            each.path, each.command, each.outcome, each.caller,
        ):  # fmt: skip
            joined[-1] = replace(last, times=last.times + 1)
        elif len(joined) == LISTED:
            break
        else:
            joined.append(each)
    return joined


def failed(caller: Caller, schema: str) -> list[Happening]:
    """Give the latest calls that failed, one an object."""
    seen: dict[str, Happening] = {}
    for each in _happenings(_FAILED, caller, schema, FAILED * 12):
        seen.setdefault(each.path, each)
    return list(seen.values())[:FAILED]


def _happenings(text: LiteralString, caller: Caller, schema: str, most: int) -> list[Happening]:
    sight = Sight.of(caller)
    if sight.is_empty:
        return []
    statement = f"{text}{sight.condition()} order by l.id desc limit %(most)s"
    rows = _rows(schema, statement, {"looked_at": LOOKED_AT if not sight.is_whole else most, "most": most}, sight)
    return [Happening(*row) for row in rows]


def pace(caller: Caller, schema: str) -> Pace:
    """Count the calls of the last hour."""
    sight = Sight.of(caller)
    if sight.is_empty:
        return NO_PACE
    now = datetime.now(UTC)
    parameters = {"looked_at": LOOKED_AT, "now": now, "step_s": STEP.total_seconds(), "steps": STEPS}
    seen: LiteralString = "" if sight.is_whole else f"{_SEEN}{sight.condition()}"
    rows = _rows(schema, f"{_PACE}{seen}{_LAST_HOUR} group by 1", parameters, sight)
    steps = {min(max(step, 0), STEPS - 1): (calls, failures) for step, calls, failures in rows}
    calls = sum(each for each, _ in steps.values())
    most = max((each for each, _ in steps.values()), default=0) or 1
    bars = [_bar(STEPS - 1 - step, calls, failures, most) for step, (calls, failures) in sorted(steps.items())]
    return Pace(calls, sum(each for _, each in steps.values()), is_more=calls >= LOOKED_AT, bars=bars)


def _bar(place: int, calls: int, failures: int, most: int) -> Bar:
    height = max(round(calls / most * 100), 3)
    part = 0 if not failures else max(round(failures / most * 100), 3)
    return Bar(place * 10, 100 - height, height, 100 - part, part)


def _rows(schema: str, text: str, parameters: dict[str, Any], sight: Sight) -> list[tuple[Any, ...]]:
    """Ask on this thread's connection, which pages use."""
    connection.ensure_connection()
    asked = connection.connection.execute(sql(schema, text), {**parameters, **sight.parameters()})
    return asked.fetchall()  # type: ignore[no-any-return]


def known_amount(caller: Caller) -> Amount | None:
    """Give how much the caller sees where it was counted in the last half minute."""
    known = _amounts.get((caller.schema, Sight.of(caller)))
    return known[1] if known is not None and time.monotonic() - known[0] < AMOUNT_KEPT_S else None


def amount(caller: Caller) -> Amount:
    """Count all objects that the caller sees."""
    known = known_amount(caller)
    if known is not None:
        return known
    top = top_of(caller)
    counted = ask(caller, top, "tree.measure")
    made = Amount(counted["objects"] - (top == "/"), counted["size"])  # the root is not one of them
    if len(_amounts) > 1_000:
        _amounts.clear()
    _amounts[caller.schema, Sight.of(caller)] = (time.monotonic(), made)
    return made
