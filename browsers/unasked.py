"""What pages do unasked, and what was done about it when that was too much."""

from collections import Counter
from typing import Final

CUTS: Final = 20  # that are remembered


class Unasked:
    """Counts what pages began since the last command did, and remembers what was cut until somebody is told.

    A page may do so between two commands, too: then the next one tells.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._cuts: list[str] = []

    def begin(self) -> None:
        """Count anew: a command begins."""
        self._counts.clear()

    def is_too_much(self, what: str, most: int) -> bool:
        """Count one more; whether that is more than may be."""
        self._counts[what] += 1
        return self._counts[what] > most

    def cut(self, text: str) -> None:
        """Remember what was cut, and why."""
        if text not in self._cuts and len(self._cuts) < CUTS:
            self._cuts.append(text)

    def told(self) -> list[str]:
        """Give what was cut, to be told now."""
        cuts, self._cuts = self._cuts, []
        return cuts
