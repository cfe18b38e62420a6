"""Which calls are quick enough for an event loop to run them itself (see `on_loop`)."""

import time
from enum import Enum
from typing import Final

from objects.commands.registry import Registry
from objects.commands.spec import CommandSpec
from objects.engine.calls import Call
from objects.engine.transaction import SIZED
from teams.problems import NoSuch

QUICK_S = 0.001  # of the processor, that a command takes on average
# Letters, items or members of an argument. What is done to more of them threads do beside one another.
LONG: Final = 4_096
UNFIT_S: Final = 1.0  # counted as what a command took that wants to wait: thirty runs later it is tried again
ALLOWED_S = 0.04  # that what a team wrote may hold the loop up, before the rest of it is left to the threads ...
# ... and of each second that goes by, what is allowed again. Not less: a virtual machine that is made to wait by its
# host takes that for work of whoever was at it, and a hundredth of the time was so where this was measured.
ALLOWED_AGAIN: Final = 0.05
MOST_DEBTS: Final = 1_000  # kept about that, before those that are paid are dropped


class _Fit(Enum):
    """Whether a command is for the loop: never, if what it took before was quick, or if what its caller wrote is."""

    NEVER = 0
    AS_MEASURED = 1
    AS_WRITTEN = 2


class Quick:
    """Knows it of each command, and of each team whose callers write what is run. Used by one thread.

    pace: seconds of the processor that each command takes on average.
    """

    def __init__(self, registry: Registry, pace: dict[str, float]) -> None:
        self._registry = registry
        self._pace = pace
        self._fits: dict[tuple[str, str], _Fit] = {}  # by kind and command
        self._unfit: set[str] = set()  # commands that are never for the loop, of one kind at least
        self._debts: dict[tuple[str, str], tuple[float, float]] = {}  # by schema and command; see `_debt_s`

    def may_suit(self, call: Call) -> bool:
        """Whether a call is likely quick, where nobody knows yet what kind of object it is for."""
        return call.command not in self._unfit and self._pace.get(call.command, UNFIT_S) <= QUICK_S and _is_plain(call)

    def suits(self, call: Call, kind: str) -> bool:
        """Whether an object of this kind likely answers the call at once, without a word to anybody else."""
        if not _is_plain(call):
            return False
        fit = self._fit(kind, call.command)
        if fit is _Fit.AS_MEASURED:
            return self._pace.get(call.command, UNFIT_S) <= QUICK_S
        return fit is _Fit.AS_WRITTEN and self._debt_s(call.schema, call.command) < ALLOWED_S

    def is_as_written(self, call: Call, kind: str) -> bool:
        """Whether how long it takes is up to who wrote it, as with SQL, and no other call tells."""
        return self._fit(kind, call.command) is _Fit.AS_WRITTEN

    def keep_off(self, call: Call) -> None:
        """Leave its command to the threads for its next runs."""
        self._pace[call.command] = UNFIT_S

    def held_up(self, call: Call, seconds: float) -> None:
        """Take note that what its caller wrote held the loop up: too much of that is its team's alone to pay for."""
        if len(self._debts) >= MOST_DEBTS:
            self._debts = {which: debt for which, debt in self._debts.items() if self._debt_s(*which) > 0.0}
        which = call.schema, call.command
        self._debts[which] = self._debt_s(*which) + seconds, time.monotonic()

    def _debt_s(self, schema: str, command: str) -> float:
        """Give for how long texts of a team held the loop up, less what time has made good."""
        debt = self._debts.get((schema, command))
        return 0.0 if debt is None else max(0.0, debt[0] - (time.monotonic() - debt[1]) * ALLOWED_AGAIN)

    def _fit(self, kind: str, command: str) -> _Fit:
        fit = self._fits.get((kind, command))
        if fit is None:
            try:
                spec = self._registry.command(kind, command)
            except NoSuch:  # a caller's word, which is not remembered
                return _Fit.NEVER
            fit = self._fits[kind, command] = self._fit_of(spec)
            if fit is _Fit.NEVER:
                self._unfit.add(command)
        return fit

    def _fit_of(self, spec: CommandSpec) -> _Fit:
        """Look whether a command changes only its object, with what comes in JSON."""
        if spec.verb != "changes" or spec.alone or spec.large or spec.uploads or spec.downloads:
            return _Fit.NEVER
        is_measured = not spec.facility or self._registry.facility(spec.facility).is_measured
        return _Fit.AS_MEASURED if is_measured else _Fit.AS_WRITTEN


def _is_plain(call: Call) -> bool:
    if call.key is not None:
        return False
    for value in call.arguments.values():  # noqa: SIM110 -- a generator would cost more than all else here
        if type(value) in SIZED and len(value) > LONG:
            return False
    return True
