"""Time drawn as a line: where a moment lies on it, and the words that stand beneath. Drawings are 1,000 wide.

Words stand at equal distances, so that a style sheet can place them: a policy forbids styles that say where.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

WIDTH: Final = 1_000.0
MINUTE_S, HOUR_S, DAY_S = 60.0, 3_600.0, 86_400.0

# What comes soon is looked at closely, and next week is still on the line. Seconds from now, and what stands there.
AHEAD: Final[Sequence[tuple[float, str]]] = (
    (0.0, "now"),
    (10 * MINUTE_S, "10 min"),
    (HOUR_S, "1 h"),
    (6 * HOUR_S, "6 h"),
    (DAY_S, "1 day"),
    (7 * DAY_S, "1 week"),
    (31 * DAY_S, "1 month"),
)
STEPS: Final = (
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, MINUTE_S, 2 * MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 15 * MINUTE_S, 30 * MINUTE_S,
    HOUR_S, 2 * HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, DAY_S, 2 * DAY_S, 7 * DAY_S, 14 * DAY_S, 30 * DAY_S,
)  # fmt: skip


def ahead(seconds: float) -> float:
    """Place a moment so many seconds from now on the line of AHEAD; what is later than all of it is at its end."""
    parts = len(AHEAD) - 1
    for number, ((begin, _), (end, _)) in enumerate(pairwise(AHEAD)):
        if seconds < end:
            return round(WIDTH * (number + max(0.0, seconds - begin) / (end - begin)) / parts, 1)
    return WIDTH


@dataclass(frozen=True, slots=True)
class Span:
    """An even line of time that begins at zero. marks: words at equal distances, the first at its begin."""

    seconds: float
    marks: tuple[str, ...]

    def at(self, seconds: float) -> float:
        """Place a moment so many seconds from the begin."""
        return round(WIDTH * min(1.0, max(0.0, seconds / self.seconds)), 1)


def span(seconds: float, parts: int = 4) -> Span:
    """Give a line that is long enough, of four parts or so of a length that people count in."""
    step = next((each for each in STEPS if each * parts >= seconds), 0.0)
    if not step:
        step = 30 * DAY_S * max(1.0, -(-seconds // (30 * DAY_S * parts)))
    return Span(step * parts, tuple(words(step * number) for number in range(parts + 1)))


def words(seconds: float) -> str:
    """Say how long something is in the largest unit that fits: "90 s", "5 min", "36 h", "3 d"."""
    if seconds < 1:
        return f"{_short(seconds * 1_000)} ms" if seconds else "0"
    for length, unit, from_ in ((DAY_S, "d", 2 * DAY_S), (HOUR_S, "h", 2 * HOUR_S), (MINUTE_S, "min", 2 * MINUTE_S)):
        if seconds >= from_ or (seconds >= length and seconds % length == 0):
            return f"{_short(seconds / length)} {unit}"
    return f"{_short(seconds)} s"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
