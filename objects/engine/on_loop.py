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
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from objects.engine.calls import Call, Event, Outcome
from objects.engine.commit import Commit
from objects.engine.exchange import Exchange
from objects.engine.interruptions import CommitUnknown, NeedsThread, WrongGuess
from objects.engine.mailbox import Batch
from objects.engine.transaction import Transaction
from objects.engine.worker import RETRY_PAUSE_S, Unanswered, Worker
from teams.problems import NoSuch

if TYPE_CHECKING:
    from objects.engine.engine import Engine

log = logging.getLogger("grove.engine")

QUICK_S = 0.001  # of the processor, that a command takes on average that an event loop runs
BUDGET_S = 0.01  # of a batch: what has not started by then goes to the next one, and the loop can do other things
PATIENCE_S = 0.02  # for Postgres, after which threads take what waits
UNFIT_S = 1.0  # counted as what a command took that wants to wait: thirty runs later it is tried again
FINISH_S = 5.0  # for Postgres, when the loop is closed


@dataclass(slots=True)
class Turn:
    """A batch whose commit is under way."""

    batch: Batch
    tx: Transaction
    commit: Commit
    ran: list[tuple[Call, Outcome]]
    later: list[Call]


class LoopWorker(Worker):
    """Runs quick calls on an event loop, on a connection of its own. Made and used on that loop.

    is_free: it would take a batch at once.
    """

    def __init__(self, engine: "Engine", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(engine)
        self.loop = loop
        self.is_free = False
        self._thread = threading.get_ident()
        self._exchange: Exchange | None = None
        self._turn: Turn | None = None
        self._is_woken = self._is_late = self._is_stopped = self._is_answering = False
        self._was_alone = True  # the last batch was one call
        self._after: list[Callable[[], None]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._fitting: dict[tuple[str, str], bool] = {}  # by kind and command
        self._beside(self._connect)

    def submit(self, call: Call, *, more: bool = False) -> None:
        """Let a call wait for its turn, here where it is quick; see `Engine.submit`. more: others follow at once."""
        engine = self.engine
        engine.prepare(call)
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
        engine = self.engine
        address = call.schema, call.path
        row = engine.known.get(address)
        if row is None or call.key is not None or engine.pace.get(call.command, UNFIT_S) > QUICK_S:
            return False
        which = row.kind, call.command
        fits = self._fitting.get(which)
        if fits is None:
            fits = self._fitting[which] = self._fits(*which)
        return fits and address not in engine.contested

    def _fits(self, kind: str, command: str) -> bool:
        """Whether a command changes only its object, with what comes in JSON, and takes what it took before."""
        registry = self.engine.registry
        try:
            spec = registry.command(kind, command)
        except NoSuch:
            return False
        if spec.facility and not registry.facility(spec.facility).is_measured:
            return False
        return spec.verb == "changes" and not (spec.alone or spec.large or spec.uploads or spec.downloads)

    # A batch

    def _go(self) -> None:
        self._is_woken = False
        if self._turn is not None or self._exchange is None or self._is_stopped:
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
        self._begin(batch)
        rows = self._in_memory(batch.calls)
        if rows is None or any(call.path not in rows for call in batch.calls):
            self._leave(batch)
            return
        tx = self._transaction(batch, reading=False, on_loop=True)
        ran: list[tuple[Call, Outcome]] = []
        later: list[Call] = []
        try:
            tx.guess(batch.calls, rows)
            self._carry_out(tx, batch.calls, ran, later, budget_s=BUDGET_S)
            commit = tx.ending(self._bucket())
            if not commit.is_plain or commit.further():
                raise NeedsThread
            steps = self._prepared.steps(*commit.statement())
        except BaseException as error:
            if isinstance(error, NeedsThread):
                for call in batch.calls:
                    self.engine.pace[call.command] = UNFIT_S
            elif not isinstance(error, WrongGuess | psycopg.Error):
                log.exception("a batch on the event loop failed and is left to a thread")
            self._discard(tx)
            self._leave(batch)
            return
        turn = self._turn = Turn(batch, tx, commit, ran, later)
        self._patience = self.loop.call_later(PATIENCE_S, self._lose_patience)
        self._exchange.run(steps, partial(self._ended, turn))

    def _lose_patience(self) -> None:
        self._is_late = True
        self.engine.mailbox.wake()

    def _ended(self, turn: Turn, outcome: list[bytes | None] | psycopg.Error) -> None:
        if not isinstance(outcome, psycopg.Error):
            turn.commit.is_written(outcome)
            self._answer(turn)
            self._over(turn.batch)
            return
        failure = turn.commit.failure(outcome)
        if isinstance(failure, CommitUnknown):
            self._lost(reconnect=False)
            self._beside(self._find_out, turn, failure)
            return
        if isinstance(failure, WrongGuess):
            self._contest(turn.batch.schema, turn.batch.calls)
        self._discard(turn.tx)
        self._leave(turn.batch)

    def _answer(self, turn: Turn) -> None:
        is_here = threading.get_ident() == self._thread and not self._is_stopped
        events: list[Event] = []
        self._is_answering = is_here
        try:
            events = turn.tx.committed()
            self._done(turn.tx, turn.ran, turn.later)
            while self._after:
                self._after.pop()()
        except BaseException:  # a loop that was stuck would leave its objects to nobody
            log.exception("a batch was lost by a fault of ours")
            self._say_fault(turn.batch.calls)
        finally:
            self._is_answering = False
        if not events:
            return
        if is_here:
            self.loop.call_soon(self._tell, events)  # once all answers are on their way
        else:
            self._tell(events)

    def _leave(self, batch: Batch) -> None:
        """Let the threads run these calls, from the start."""
        for call in batch.calls:
            call.quick = False
        self.engine.mailbox.put_back(batch.calls)
        self._over(batch)

    def _over(self, batch: Batch) -> None:
        """Let go of the batch's objects, and look for the next one."""
        self._turn = None
        self._calls, self._late_at = [], math.inf
        self._is_late = False
        if self._patience is not None:
            self._patience.cancel()
        self.is_free = self._exchange is not None and not self._is_stopped and not self.loop.is_closed()
        self.engine.mailbox.release(batch.schema, batch.paths)
        batch.calls.clear()
        if self.is_free and not self._is_woken and self.engine.mailbox.waiting:
            self._is_woken = True
            self.loop.call_soon(self._go)

    # The connection

    def _connect(self) -> None:
        """Open the connection, beside the loop, however long Postgres stays away."""
        pause_s = RETRY_PAUSE_S
        while not (self._is_stopped or self.loop.is_closed()):
            try:
                self._connected()
            except psycopg.OperationalError:
                time.sleep(pause_s)
                pause_s = min(1.0, pause_s * 2)
            else:
                with suppress(RuntimeError):  # the loop was closed meanwhile
                    self.loop.call_soon_threadsafe(self._attach)
                return

    def _attach(self) -> None:
        if not self._is_stopped and self._connection is not None:
            self._exchange = Exchange(self.loop, self._connection, self._lost)
            self._go()

    def _lost(self, *, reconnect: bool = True) -> None:
        """Leave all to the threads until there is a connection again."""
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        self.is_free = False
        exchange.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.engine.mailbox.wake()
        if reconnect:
            self._beside(self._connect)

    def _find_out(self, turn: Turn, unknown: CommitUnknown) -> None:
        """Learn whether a commit without an answer took place, beside the loop, and go on accordingly."""
        batch = turn.batch
        try:
            took_place = self._took_place(unknown, batch.calls)
        except Unanswered:
            self._discard(turn.tx)
            self._say_unknown(batch.calls)
            self._over(batch)
        else:
            if took_place:
                self._answer(turn)
                self._over(batch)
            else:
                self._discard(turn.tx)
                self._leave(batch)
        self._connect()

    def _beside(self, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, name="engine-beside", daemon=True).start()

    def end(self) -> None:
        """End what is under way, from another thread: the loop is closed, or does not run any more."""
        self._is_stopped = True
        self.is_free = False
        if self._exchange is not None:
            self._exchange.finish(FINISH_S)
            self._exchange.close()
            self._exchange = None
        if self._connection is not None:
            self._connection.close()
        self.engine.mailbox.wake()
