"""The dispatcher: takes what is due from the index and hands it to workers.

Any number of them may run, and any of them may die: a row is taken with SKIP LOCKED for a lease, after which it is
ready again, and a worker that gets something twice finds the second time that nothing is due. What one team has
waiting does not delay another's: each has at most WAKE_WINDOW rows at work, and teams take turns in what is handed
over.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, Final

import psycopg

from objects.timing import index
from objects.timing.index import Taken
from teams import clock
from teams.limits import Limits

log = logging.getLogger("grove.timing")

POLL_S: Final = 0.1  # between looks at the index while nothing is due
BUSY_S: Final = 0.05  # while something was
FULL_S: Final = 0.15  # while much was: what comes due meanwhile is handed over together
MUCH: Final = 8  # rows
TOGETHER: Final = 16  # rows that a worker is handed at once: a task of Celery costs more than one of them

HandOver = Callable[[Sequence[Taken]], None]
"""Gives a worker what it has to look after."""


class Dispatcher:
    """One connection's way through the index. hand_over: raises where it can't; then the rows are ready again."""

    def __init__(self, connection: psycopg.Connection[Any], hand_over: HandOver, limits: Limits) -> None:
        self.connection = connection
        self.hand_over = hand_over
        self.limits = limits

    def run(self, seconds: float) -> None:
        """Hand over what is due and becomes due, for so long."""
        ends_at = time.monotonic() + seconds
        while (left_s := ends_at - time.monotonic()) > 0:
            time.sleep(min(self._pause_s(self.turn()), left_s))

    def turn(self) -> int:
        """Hand over what is due now; gives how much that was."""
        now = clock.now()
        if index.next_ready(self.connection) > now:
            return 0
        limits = self.limits
        taken = index.claim(self.connection, now=now, window=limits.WAKE_WINDOW, lease_s=limits.WAKE_LEASE_S)
        left = dict.fromkeys(taken)  # in the order in which they came
        try:
            for together in handfuls(taken):
                self.hand_over(together)
                for row in together:
                    left.pop(row)
        finally:
            if left:  # the broker is away: give back what it did not take
                self._give_back(list(left))
        return len(taken)

    def _pause_s(self, taken: int) -> float:
        if not taken:
            return min(POLL_S, max(0.0, self._until_next_s()))
        return FULL_S if taken >= MUCH else BUSY_S

    def _until_next_s(self) -> float:
        return index.next_ready(self.connection) - clock.now()

    def _give_back(self, rows: Sequence[Taken]) -> None:
        for schema in {row.schema for row in rows}:
            theirs = [(row.object_id, row.source) for row in rows if row.schema == schema]
            index.postpone(self.connection, schema, theirs, until=clock.now())


def handfuls(taken: Sequence[Taken]) -> Iterator[list[Taken]]:
    """Part what was taken into handfuls, the first of every team before the second of any."""
    teams: dict[str, list[Taken]] = {}
    for row in taken:
        teams.setdefault(row.schema, []).append(row)
    in_turns = [row for turn in zip_longest(*teams.values()) for row in turn if row is not None]
    for first in range(0, len(in_turns), TOGETHER):
        yield in_turns[first : first + TOGETHER]
