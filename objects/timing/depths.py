"""How full a queue was over time: a figure for each minute in which it changed, in the object's own file."""

from dataclasses import dataclass
from typing import Final

from objects.timing.messages import Sql

STEP_S: Final = 60
KEPT: Final = 1_440  # minutes that are remembered
COARSE: Final = 8  # a minute's figure is written anew once it is an eighth higher: not for each message


@dataclass(slots=True)
class Depths:
    """The figures of one object, within one call."""

    db: Sql

    def note(self, now: float, waiting: int) -> None:
        """Take note of how many messages wait now. Most calls write nothing: only the first of a minute, and those that
        are an eighth above what the minute had, or half of it, do. What a minute ends with is the figure of the next.
        """
        self.db.need("_depth")
        minute = int(now // STEP_S)
        known = dict(self.db.run("SELECT minute, most FROM _depth WHERE minute BETWEEN ? AND ?", (minute, minute + 1)))
        most = known.get(minute)
        if most is None or waiting >= most + max(1, most // COARSE):
            self._keep(minute, waiting)
        elif waiting <= most // 2 and (minute + 1 not in known or waiting < max(1, known[minute + 1] // 2)):
            self._keep(minute + 1, waiting)
        if most is None:
            self.db.run("DELETE FROM _depth WHERE minute < ?", (minute - KEPT,))

    def _keep(self, minute: int, most: int) -> None:
        self.db.run("INSERT OR REPLACE INTO _depth (minute, most) VALUES (?, ?)", (minute, most))

    def since(self, begin: float) -> list[tuple[float, int]]:
        """Give the figures from a moment on: when the minute began (Unix seconds), and how many waited at most."""
        if not self.db.has("_depth"):
            return []
        found = self.db.run("SELECT minute, most FROM _depth WHERE minute >= ? ORDER BY minute", (begin // STEP_S,))
        return [(float(minute * STEP_S), most) for minute, most in found]
