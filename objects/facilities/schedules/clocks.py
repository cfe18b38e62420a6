"""What a schedule does on the days on which the clocks change, where that depends on what is said of it (`dst`)."""

from typing import Final, Literal, get_args

from objects.facilities.schedules.shapes import ClockChange, fire
from objects.timing.specs import Spec, read, read_zone
from objects.timing.wallclock import Dst, changes, utc

YEAR_S: Final = 366 * 86_400.0
NEAR_S: Final = 3 * 3_600.0  # around a change: by as much, and some more, clocks are changed
FIRES: Final = 10


def clock_changes(spec: str, zone: str, dst: Dst, now: float) -> list[ClockChange]:
    """Give the changes of the next year around which it would fire at other moments, were something else said."""
    place = read_zone(zone)
    meant = {each: read(spec, zone=zone, dst=each, made_at=now) for each in get_args(Dst)}
    found = []
    for at, by_s in changes(place, now, YEAR_S):
        fires = {each: _around(one, at) for each, one in meant.items()}
        if any(each != fires[dst] for each in fires.values()):
            turn: Literal["forward", "back"] = "forward" if by_s > 0 else "back"
            found.append(ClockChange(utc(at), turn, [fire(each, place.key) for each in fires[dst]]))
    return found


def _around(meant: Spec, at: float) -> list[float]:
    fires: list[float] = []
    moment = meant.after(at - NEAR_S)
    while moment is not None and moment <= at + NEAR_S and len(fires) < FIRES:
        fires.append(moment)
        moment = meant.after(moment)
    return fires
