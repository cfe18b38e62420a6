"""How long ago a moment was, or how soon it is: in the words of static/src/js/moments.js, so that nothing moves."""

import math
from typing import Final

STEPS: Final = (
    ("yr.", 31_536_000), ("mo.", 2_592_000), ("day", 86_400), ("hr.", 3_600), ("min.", 60), ("sec.", 1),
)  # fmt: skip
ONE: Final = {"yr.": ("last yr.", "next yr."), "mo.": ("last mo.", "next mo."), "day": ("yesterday", "tomorrow")}
JUST_NOW_S: Final = 5


def ago(seconds: float) -> str:
    """Say it of a moment so many seconds from now; those that are over are negative."""
    if abs(seconds) < JUST_NOW_S:
        return "just now"
    unit, length = next(each for each in STEPS if abs(seconds) >= each[1])
    count = math.floor(seconds / length + 0.5)  # as JavaScript rounds
    if abs(count) == 1 and unit in ONE:
        return ONE[unit][count > 0]
    word = "days" if unit == "day" else unit
    return f"in {count:,} {word}" if count > 0 else f"{-count:,} {word} ago"
