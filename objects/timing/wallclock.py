"""From the hands of a clock on the wall to moments, over the days on which the clocks change.

A `Pattern` knows which times of a wall clock it means. `next_moment` finds the moment at which the clock of a place
shows the next of them. Where it is told what to do (`Dst`), what is set to certain times of the day runs:

- "once": a time that the clocks leave out counts at the moment of the change; one that they show twice counts once.
- "skip": a time that they leave out does not count; one that they show twice counts once.
- "both": a time that they leave out does not count; one that they show twice counts both times.

What comes every hour or minute follows the hands whatever is said: it counts each time that the clock shows it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

Dst = Literal["once", "skip", "both"]

NEAR: Final = timedelta(days=1)  # no clock is changed twice within it, nor by more than it
LAST: Final = datetime(9000, 1, 1)  # noqa: DTZ001 -- on the wall; beyond it nothing is looked for


class Pattern(Protocol):
    """Times of a wall clock, without a zone."""

    is_fixed: bool  # set to certain times of the day

    def after(self, wall: datetime) -> datetime | None:
        """Give the first time after this one; None where there is none."""


def next_moment(pattern: Pattern, after: float, zone: ZoneInfo, dst: Dst) -> float | None:
    """Give the first moment after `after` (Unix seconds) at which the clock of the zone shows the pattern."""
    start = datetime.fromtimestamp(after, UTC)
    while True:
        offset = _offset(start, zone)
        wall = pattern.after(_wall(start, offset))
        if wall is None or wall > LAST:
            # A change back may still bring a time again that has passed already.
            return _within(pattern, start, start + NEAR, zone, dst)
        moment = (wall - offset).replace(tzinfo=UTC)
        if moment - start > 3 * NEAR:
            if _offset(start + NEAR, zone) < offset:  # what has passed already may come again
                found = _within(pattern, start, start + NEAR, zone, dst)
                if found is not None:
                    return found
            start = moment - 2 * NEAR  # nothing in between is meant, whatever else the clocks do
            continue
        found = _within(pattern, start, moment + NEAR, zone, dst)
        if found is not None:
            return found
        start = moment  # what was found is left out by a change


def _within(pattern: Pattern, start: datetime, end: datetime, zone: ZoneInfo, dst: Dst) -> float | None:
    """Look between two moments at most some days apart, with at most one change of the clocks within each day."""
    while start < end:
        stop = min(end, start + NEAR)
        before, then = _offset(start, zone), _offset(stop, zone)
        change = stop if before == then else _change(start, stop, zone)
        shown = _wall(start, before)
        if pattern.is_fixed and dst != "both":
            shown = max(shown, _shown(start, zone) - timedelta(microseconds=1))
        found = _first(pattern, shown, change, before)
        if found is not None and found < change:
            return found.timestamp()
        if before != then:
            found = _after_change(pattern, start, change, stop, (before, then), dst)
            if found is not None:
                return found.timestamp()
        elif found is not None and found == stop:
            return found.timestamp()
        start = stop
    return None


def _after_change(
    pattern: Pattern, start: datetime, change: datetime, stop: datetime, offsets: tuple[timedelta, timedelta], dst: Dst
) -> datetime | None:
    """Look from a change of the clocks, itself included, to `stop`."""
    before, then = offsets
    last, first = _wall(change, before), _wall(change, then)  # what the clock would have shown, and what it shows
    just_before = timedelta(microseconds=1)
    if pattern.is_fixed and then > before and dst == "once" and change > start:
        left_out = pattern.after(last - just_before)
        if left_out is not None and left_out < first:
            return change
    if pattern.is_fixed and then < before and dst != "both":
        first = last  # what it shows for the second time does not count
    wall = pattern.after(first - just_before)
    if wall is None:
        return None
    found = (wall - then).replace(tzinfo=UTC)
    return found if start < found <= stop else None


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """Give what the clock showed last before it was put back, if it was lately, and else what it shows."""
    before, now = _offset(moment - NEAR, zone), _offset(moment, zone)
    return _wall(_change(moment - NEAR, moment, zone), before) if now < before else _wall(moment, now)


def _first(pattern: Pattern, shown: datetime, end: datetime, offset: timedelta) -> datetime | None:
    """Give the first moment after the clock has shown a time, up to `end`, while the clock does not change."""
    wall = pattern.after(shown)
    if wall is None:
        return None
    found = (wall - offset).replace(tzinfo=UTC)
    return found if found <= end else None


def _change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """Find the moment between two at which the clocks change, to the second."""
    low, high = int(start.timestamp()), int(end.timestamp()) + 1
    before = _offset(start, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone) == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def changes(zone: ZoneInfo, after: float, within_s: float) -> Iterator[tuple[float, float]]:
    """Give the moments at which the clocks of a place change, and by how many seconds: more is forward."""
    start = datetime.fromtimestamp(after, UTC)
    end = start + timedelta(seconds=within_s)
    while start < end:
        stop = start + timedelta(days=7)
        before, then = _offset(start, zone), _offset(stop, zone)
        if before != then:
            yield _change(start, stop, zone).timestamp(), (then - before).total_seconds()
        start = stop


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _wall(moment: datetime, offset: timedelta) -> datetime:
    return (moment + offset).replace(tzinfo=None)


def moment_of(wall: datetime, zone: ZoneInfo) -> float:
    """Give the moment at which the clock of a place shows a time; the first, where it does so twice.

    A time that the clocks leave out counts at the moment of the change.
    """
    aware = wall.replace(tzinfo=zone)
    moment = aware.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment.timestamp()
    return _change(moment - NEAR, moment, zone).timestamp()


def moments(pattern: Pattern, after: float, zone: ZoneInfo, dst: Dst) -> Iterator[float]:
    """Give all moments after one, in order."""
    moment: float | None = after
    while moment is not None:
        moment = next_moment(pattern, moment, zone, dst)
        if moment is not None:
            yield moment


def utc(unix: float) -> datetime:
    """Give a moment as a datetime; one beyond the years that it knows as the last of them."""
    return datetime.fromtimestamp(min(max(unix, 0.0), 253_402_300_799.0), UTC)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name; raises KeyError where there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError) as error:  # a path out of the directory, a directory
        raise KeyError(name) from error
