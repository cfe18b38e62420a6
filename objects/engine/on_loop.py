"""Quick calls run on an event loop's own thread: none is handed from thread to thread.

A call alone would go from the loop to an engine thread, to Postgres and back, and each hand-over waits for the
interpreter. Nearly all calls are guesses of a tenth of a millisecond (see `transaction`), so the loop runs those itself
and goes on while Postgres writes; what comes meanwhile is the next batch. Whatever is not so plain is left to the
engine's threads, which know how to wait: a command that is slow, or new, or has a key; an object that is not in memory
or that other processes write to; a call that turns out to need Postgres on its way. Where a batch fails here in any
way, nothing of it took place, and the threads run it again from the start.
"""

import asyncio
import logging
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from objects.engine.calls import Call, Event, Outcome
from objects.engine.commit import Commit
from objects.engine.frame import Row
from objects.engine.interruptions import CommitUnknown, NeedsThread, WrongGuess
from objects.engine.loop_line import LoopLine
from objects.engine.mailbox import Batch
from objects.engine.quick import Quick
from objects.engine.transaction import Transaction
from objects.engine.waking import Waking
from objects.engine.worker import LONG_S, Unanswered
from teams.problems import OutOfTime

if TYPE_CHECKING:
    from objects.engine.engine import Engine

log = logging.getLogger("grove.engine")

BUDGET_S = 0.01  # of a batch: what has not started by then goes to the next one, and the loop can do other things
PATIENCE_S = 0.02  # for Postgres, after which threads take what waits


@dataclass(slots=True)
class Turn:
    """A batch that runs, has run, or is being committed."""

    batch: Batch
    tx: Transaction
    ran: list[tuple[Call, Outcome]] = field(default_factory=list)
    later: list[Call] = field(default_factory=list)


class LoopWorker(LoopLine):
    """Runs quick calls on an event loop, on a connection of its own. Made and used on that loop.

    is_free: it would take a batch at once.
    """

    def __init__(self, engine: "Engine", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(engine, loop)
        self.is_free = False
        self._thread = threading.get_ident()
        self._turn: Turn | None = None  # whose commit is under way
        self._ahead: Turn | None = None  # what was run meanwhile
        self._is_woken = self._is_late = self._is_answering = False
        self._was_alone = True  # the last batch was one call
        self._after: list[Callable[[], None]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._quick = Quick(engine.registry, engine.pace)
        self.waking = Waking(engine, loop, self._quick, self._put)
        self._beside(self._connect)

    def submit(self, call: Call, *, more: bool = False) -> None:
        """Let a call wait for its turn, here where it is quick; see `Engine.submit`. more: others follow at once."""
        self.engine.prepare(call)
        if not self.waking.takes(call):
            self._put(call, more=more)

    def _put(self, call: Call, *, more: bool = False) -> None:
        engine = self.engine
        call.quick = self._exchange is not None and not self._is_late and self._is_quick(call)
        engine.mailbox.put(call)
        if not call.quick or self._is_woken:
            return
        if self._was_alone and self.is_free and not more and engine.mailbox.waiting == 1:  # what would it wait for?
            self._go()
        else:
            self._is_woken = True
            self.loop.call_soon(self._go)

    def afterwards(self, work: Callable[[], None]) -> None:
        """Do something on this loop, of which we are on the thread, once all answers of a commit are given."""
        if self._is_answering:
            self._after.append(work)
        else:
            self.loop.call_soon(work)

    def wake(self) -> bool:
        """Look for quick calls; from any thread. False where the loop is closed."""
        try:
            if not self._is_woken:
                self._is_woken = True  # first: `_go` may begin at once
                self.loop.call_soon_threadsafe(self._go)
        except RuntimeError:
            self.is_free = False
        return self.is_free

    def _is_quick(self, call: Call) -> bool:
        row = self._row_of(call)
        return (
            row is not None
            and (call.schema, call.path) not in self.engine.contested
            and self._quick.suits(call, row.kind)
        )

    def _row_of(self, call: Call) -> Row | None:
        row = self.engine.known.get((call.schema, call.path))
        return call.seen.row if row is None and call.seen is not None else row

    def _took_long(self, call: Call, outcome: Outcome, worked_s: float) -> None:
        row = self._row_of(call)
        if worked_s > LONG_S and row is not None and self._quick.is_as_written(call, row.kind):
            self._quick.held_up(call, worked_s)
        if isinstance(outcome.problem, OutOfTime):  # a thread has more of it
            raise NeedsThread

    # A batch

    def _go(self) -> None:
        self._is_woken = False
        if self._exchange is None or self._is_stopped:
            return
        if self._turn is not None:
            self._run_ahead(self._turn)
            return
        if self._connection is None or self._connection.closed:
            self._lost()
            return
        batch = self.engine.mailbox.take_quick()
        if batch is None:
            self.is_free = True
            return
        self.is_free = False
        self._was_alone = len(batch.calls) == 1
        turn = Turn(batch, self._transaction(batch, reading=False, on_loop=True))
        rows = self._guessed(batch.calls)
        if rows is None:
            self._leave(turn)
        elif self._runs(turn, batch.calls, rows):
            self._commit(turn)

    def _run_ahead(self, under_way: Turn) -> None:
        """Run what came while a commit is under way, to be committed next.

        It works on images as they will be after that commit. Should that fail, all of it is thrown away and run again.
        """
        turn, mailbox = self._ahead, self.engine.mailbox
        if self._is_late or under_way.later or (turn is not None and turn.later):
            return
        room = mailbox.batch_calls - (0 if turn is None else len(turn.batch.calls))
        held = under_way.batch.paths if turn is None else under_way.batch.paths | turn.batch.paths
        batch = mailbox.take_ahead(under_way.batch.schema, held, room) if room > 0 else None
        if batch is None:
            return
        rows = self._held_or_guessed(batch.calls, under_way.tx if turn is None else turn.tx)
        if rows is None:
            self._put_back(batch.calls)
            mailbox.release(batch.schema, batch.paths - held)
            return
        if turn is None:
            tx = self._transaction(batch, reading=False, on_loop=True)
            tx.before = under_way.tx
            turn = self._ahead = Turn(batch, tx)
        else:
            turn.batch.calls += batch.calls
            turn.batch.paths |= batch.paths
        if not self._runs(turn, batch.calls, rows):
            self._ahead = None

    def _guessed(self, calls: Sequence[Call]) -> dict[str, Row] | None:
        """Give the rows of what calls name, where all of it is in memory or was read; None where something is not."""
        rows = self._in_memory(calls)
        if rows is None:
            return None
        for call in calls:
            if call.path not in rows:
                if call.seen is None:
                    return None
                rows[call.path] = call.seen.row
        return rows

    def _held_or_guessed(self, calls: Sequence[Call], tx: Transaction) -> dict[str, Row] | None:
        held = {call.path: row for call in calls if (row := tx.row_held(call.path)) is not None}
        guessed = self._guessed([call for call in calls if call.path not in held])
        return None if guessed is None else held | guessed

    def _runs(self, turn: Turn, calls: Sequence[Call], rows: dict[str, Row]) -> bool:
        """Run calls; where one is not for the loop, leave the batch to the threads and tell."""
        try:
            turn.tx.guess(calls, turn.tx.rows | rows)
            for call in calls:
                if call.seen is not None and call.seen.row is rows[call.path]:
                    turn.tx.have_read(call.seen)
            self._carry_out(turn.tx, calls, turn.ran, turn.later, budget_s=BUDGET_S)
        except BaseException as error:  # noqa: BLE001 -- told in `_fail`
            self._fail(turn, error)
            return False
        return True

    def _commit(self, turn: Turn) -> None:
        """Send what was run to Postgres, and go on."""
        if self._exchange is None or self._is_stopped:
            self._fail(turn, WrongGuess())
            return
        self._begin(turn.batch)
        try:
            commit = turn.tx.ending(self._bucket())
            if not commit.is_plain or commit.further():
                raise NeedsThread
            steps = self._prepared.steps(*commit.statement())
        except BaseException as error:  # noqa: BLE001 -- told in `_fail`
            self._fail(turn, error)
            return
        self._turn = turn
        self._patience = self.loop.call_later(PATIENCE_S, self._lose_patience)
        self._exchange.run(steps, partial(self._ended, turn, commit))

    def _fail(self, turn: Turn, error: BaseException) -> None:
        """Leave a batch to the threads that failed here; nothing of it took place."""
        if isinstance(error, NeedsThread):
            self._keep_off(turn.batch.calls)
        elif not isinstance(error, WrongGuess | psycopg.Error):
            log.error("a batch on the event loop failed and is left to a thread", exc_info=error)
        self._discard(turn.tx)
        self._leave(turn)

    def _keep_off(self, calls: Sequence[Call]) -> None:
        """Run these commands here no more for a while; of some that are up to their callers, only those."""
        rows = [(call, row.kind) for call in calls if (row := self._row_of(call)) is not None]
        written = next((call for call, kind in rows if self._quick.is_as_written(call, kind)), None)
        if written is not None:  # others must not pay for what a caller wrote
            self._quick.held_up(written, LONG_S)
        else:
            for call, _ in rows:
                self._quick.keep_off(call)

    def _lose_patience(self) -> None:
        self._is_late = True
        self.engine.mailbox.wake()

    def _ended(self, turn: Turn, commit: Commit, outcome: list[bytes | None] | psycopg.Error) -> None:
        if not isinstance(outcome, psycopg.Error):
            commit.is_written(outcome)
            self._answer(turn)
            return
        self._drop_ahead()
        failure = commit.failure(outcome)
        if isinstance(failure, CommitUnknown):
            self._lost(reconnect=False)
            self._beside(self._find_out, turn, failure)
            return
        if isinstance(failure, WrongGuess):
            self._contest(turn.batch.schema, turn.batch.calls)
        self._discard(turn.tx)
        self._leave(turn)

    def _answer(self, turn: Turn) -> None:
        """After the commit: send the next one on its way where it was run ahead, and answer before all else."""
        is_here = threading.get_ident() == self._thread and not self._is_stopped
        events: list[Event] = []
        self._is_answering = is_here
        try:
            events = turn.tx.committed()
            has_next = self._ahead is not None
            if has_next:
                self._go_on(turn)
            for call, outcome in turn.ran:
                call.answer(outcome)
            while self._after:
                self._after.pop()()
            if not has_next:
                self._go_on(turn)
        except BaseException:  # a loop that was stuck would leave its objects to nobody
            log.exception("a batch was lost by a fault of ours")
            self._say_fault(turn.batch.calls)
            if self._turn is turn:
                self._over(turn)
        finally:
            self._is_answering = False
        if not events:
            return
        if is_here:
            self.loop.call_soon(self._tell, events)  # once all answers are on their way
        else:
            self._tell(events)

    def _go_on(self, turn: Turn) -> None:
        """Keep what the next batch can use, and let go of this one."""
        self._keep(turn.tx)
        if turn.later:
            self.engine.mailbox.put_back(turn.later)
        self._over(turn)

    def _leave(self, turn: Turn) -> None:
        """Let the threads run these calls, from the start."""
        self._put_back(turn.batch.calls)
        self._over(turn)

    def _put_back(self, calls: Sequence[Call]) -> None:
        for call in calls:
            call.quick = False
        self.engine.mailbox.put_back(calls)

    def _drop_ahead(self) -> None:
        """Throw away what was run on the strength of a commit that failed."""
        turn, self._ahead = self._ahead, None
        if turn is not None:
            self._discard(turn.tx)
            self._leave(turn)

    def _over(self, turn: Turn) -> None:
        """Let go of the batch's objects, and go on with what was run ahead, or look for the next batch."""
        under_way = self._turn
        ahead = self._ahead
        if under_way is not None and under_way is not turn:  # it was run ahead of this one, whose objects it shares
            self.engine.mailbox.release(turn.batch.schema, turn.batch.paths - under_way.batch.paths)
            return
        self._turn = self._ahead = None
        self._calls, self._late_at = [], math.inf
        self._is_late = False
        if self._patience is not None:
            self._patience.cancel()
        kept = set() if ahead is None else ahead.batch.paths
        self.engine.mailbox.release(turn.batch.schema, turn.batch.paths - kept)
        if ahead is not None:
            ahead.tx.before = None
            self._commit(ahead)
            return
        self.is_free = self._exchange is not None and not self._is_stopped and not self.loop.is_closed()
        if self.is_free and not self._is_woken and self.engine.mailbox.waiting:
            self._is_woken = True
            self.loop.call_soon(self._go)

    # The connection

    def _is_there(self) -> None:
        self._go()

    def _is_away(self) -> None:
        """Leave all to the threads until there is a connection again."""
        self.is_free = False
        self.engine.mailbox.wake()

    def end(self) -> None:
        self.is_free = False  # first: threads leave nothing to it while it waits for its last commit
        super().end()
        self.waking.end()

    def _find_out(self, turn: Turn, unknown: CommitUnknown) -> None:
        """Learn whether a commit without an answer took place, beside the loop, and go on accordingly."""
        try:
            took_place = self._took_place(unknown, turn.batch.calls)
        except Unanswered:
            self._discard(turn.tx)
            self._say_unknown(turn.batch.calls)
            self._over(turn)
        else:
            if took_place:
                self._answer(turn)
            else:
                self._discard(turn.tx)
                self._leave(turn)
        self._connect()
