"""Objects that are not in memory are read for an event loop while it goes on, so that it can run their calls itself.

A call that likely is quick waits here, and those on the same object behind it, until one statement has read the row
and the first pages of all objects that are asked for. Then it goes to the mailbox with what was read, as a guess: the
commit finds out whether anybody changed the object meanwhile. What cannot be read so goes there without, and the
engine's threads see to it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

import psycopg

from objects.engine.calls import Call, Outcome
from objects.engine.holding import Seen, keys_of, seen
from objects.engine.loop_line import LoopLine
from objects.engine.prepared import Record
from objects.engine.quick import Quick
from objects.engine.statements import statements
from teams.problems import Problem

if TYPE_CHECKING:
    from objects.engine.engine import Engine

Address = tuple[str, str]  # schema, path

AT_ONCE: Final = 64  # objects read by one statement
MOST_WAITING: Final = 1_024  # objects; calls on more of them go to the mailbox, which tells when there are too many
PATIENCE_S = 0.05  # for Postgres, after which the threads have what waits


class Waking(LoopLine):
    """What waits to be read for one event loop. Made and used on that loop.

    put: takes a call on, with `more` where others follow at once.
    waiting: calls by object, in the order in which their objects were asked for.
    """

    def __init__(
        self, engine: "Engine", loop: asyncio.AbstractEventLoop, quick: Quick, put: Callable[..., None]
    ) -> None:
        super().__init__(engine, loop)
        self.waiting: dict[Address, list[Call]] = {}
        self._quick = quick
        self._put = put
        self._asked: list[Address] = []  # being read now
        self._is_woken = self._is_late = False
        self._patience: asyncio.TimerHandle | None = None
        self._beside(self._connect)

    def takes(self, call: Call) -> bool:
        """Let a call wait here, where its object is to be read first and it is likely quick then; tells whether."""
        address = call.schema, call.path
        calls = self.waiting.get(address)
        if calls is not None:  # whatever it is, it comes after those
            calls.append(call)
            return True
        if (
            self._exchange is None
            or self._is_late
            or address in self.engine.known
            or address in self.engine.contested
            or len(self.waiting) >= MOST_WAITING
            or call.create is not None
            or call.work is not None
            or not self._quick.may_suit(call)
        ):
            return False
        self.waiting[address] = [call]
        self._wake()
        return True

    def _wake(self) -> None:
        if not self._is_woken and not self._asked:
            self._is_woken = True
            self.loop.call_soon(self._read)  # what comes in the same turn of the loop is read together

    def _read(self) -> None:
        """Ask for objects of the team that waits longest."""
        self._is_woken = False
        if self._exchange is None or self._asked or not self.waiting:
            return
        schema, _ = next(iter(self.waiting))
        asked = self._asked = list(islice((each for each in self.waiting if each[0] == schema), AT_ONCE))
        self._patience = self.loop.call_later(PATIENCE_S, self._lose_patience)
        keys = keys_of([path for _, path in asked])
        steps = self._prepared.rows_in_steps(statements(schema).look, [self.limits.READ_AHEAD_PAGES, keys])
        self._exchange.run(steps, partial(self._have_read, asked))

    def _have_read(self, asked: Sequence[Address], outcome: list[Record] | psycopg.Error) -> None:
        self._asked, self._is_late = [], False
        if isinstance(outcome, psycopg.OperationalError):
            self._lost()
        found = {} if isinstance(outcome, psycopg.Error) else {each.row.path: each for each in seen(outcome)}
        self._hand_on(asked, found)  # nothing is left of them where patience was lost
        if self._patience is not None:
            self._patience.cancel()
        if self.waiting and not self._is_stopped:
            self._wake()

    def _lose_patience(self) -> None:
        self._is_late = True
        self._hand_on(list(self.waiting), {})

    def _hand_on(self, addresses: Sequence[Address], found: Mapping[str, Seen]) -> None:
        calls = [call for address in addresses for call in self.waiting.pop(address, ())]
        for call in calls:
            call.seen = found.get(call.path)
            try:
                self._put(call, more=len(calls) > 1)
            except Problem as problem:  # too many wait
                call.answer(Outcome(problem=problem))

    def _is_there(self) -> None:
        pass

    def _is_away(self) -> None:
        """Leave all to the threads until there is a connection again."""
        self._asked, self._is_late = [], False
        self._hand_on(list(self.waiting), {})
