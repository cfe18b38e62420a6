"""What an engine thread does: it takes batches from the mailbox, runs each in a transaction, and answers its calls.

Where a batch is lost, to a deadlock, a broken connection or a fault, its calls are run again one by one.
"""

import logging
import math
import os
import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

from objects.engine.calls import Call, Event, Outcome
from objects.engine.frame import Row
from objects.engine.interruptions import CommitUnknown, NeedsLock, NotReading, WrongGuess
from objects.engine.mailbox import Batch
from objects.engine.memory import LARGE_PAGES, give_back
from objects.engine.prepared import Prepared
from objects.engine.statements import END_BACKEND, END_XACT, IS_AT_WORK, SESSION, XACT_STATUS
from objects.engine.transaction import Transaction
from teams import clock
from teams.problems import Fault, OutOfTime, Overloaded

if TYPE_CHECKING:
    from objects.engine.engine import Engine

log = logging.getLogger("grove.engine")

RETRY_PAUSE_S = 0.05  # between tries while Postgres does not answer; doubles to a second
UNKNOWN_S = 10.0  # past a call's deadline, to learn whether a commit without an answer took place
LOCK_WAITS = 4  # a call waits so many times for a row that others hold, before its time is up
ASK_BEFORE_ENDING = 3  # times to ask about a transaction in progress before its connection is ended in Postgres

# Where nothing answers any more, the kernel says so after about 10 s. Seconds, but for tcp_user_timeout.
PATIENCE = {
    "connect_timeout": 3,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
LATE_S = 1.0  # past a call's deadline, when its thread still waits: then Postgres is looked at
LONG_S = 0.002  # of a call: who runs it may want to know
CONTESTED_S = 1.0  # after a wrong guess about an object, for so long nobody guesses about it
KNOWN_OBJECTS = 200_000  # hints kept a process: about 40 MB


class Unanswered(Exception):  # noqa: N818 -- a state of affairs
    """A commit got no answer and Postgres stays away."""


class Worker:
    """What one engine thread does, with its own connection."""

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self.limits = engine.limits
        self._connection: psycopg.Connection[Any] | None = None
        self._prepared: Prepared
        self._calls: list[Call] = []  # under way
        self._late_at = math.inf  # time.monotonic() past which nobody waits for them any more

    def work(self) -> None:
        mailbox = self.engine.mailbox
        done: Batch | None = None
        while True:
            batch = mailbox.take(5.0, done)
            done = None
            if batch is None:
                if mailbox.is_done():
                    break
                continue
            try:
                self._begin(batch)
                self._serve(batch)
            except BaseException:  # a thread that ended would leave its objects to nobody
                log.exception("a batch was lost by a fault of ours")
                self._say_fault(batch.calls)
            self._calls, self._late_at = [], math.inf
            batch.calls.clear()  # what answers hold, such as a connection of a download nobody reads, goes with them
            done, batch = batch, None
        if self._connection is not None:
            self._connection.close()

    def _begin(self, batch: Batch) -> None:
        self._calls = list(batch.calls)
        late_at = max(call.deadline for call in batch.calls)
        if any(self.engine.registry.is_large(call.command) for call in batch.calls):
            late_at += self.limits.LARGE_CALL_SECONDS
        self._late_at = late_at + LATE_S

    def look(self) -> None:
        """Where the calls under way are late since Postgres does not answer, tell so and free the thread.

        Called from another thread. A statement that works long, such as the copy of a large subtree, may go on.
        """
        connection, calls = self._connection, self._calls
        if time.monotonic() < self._late_at or connection is None or connection.closed or self._is_at_work(connection):
            return
        why = (
            f"the database did not answer in {self.limits.CALL_SECONDS:g} s, so nobody knows whether it took place. "
            "Ask again with the same idempotency key, or look at the object."
        )
        for call in calls:
            call.answer(Outcome(problem=OutOfTime(f"{call.command}: {why}", retry_after_s=5)))
        log.warning("Postgres neither answers nor ends: a connection is given up")
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    def _is_at_work(self, connection: psycopg.Connection[Any]) -> bool:
        """Ask Postgres by a new connection whether it works for this one."""
        try:
            with psycopg.connect(make_conninfo(self.engine.conninfo, **PATIENCE), autocommit=True) as asking:
                return asking.execute(IS_AT_WORK, (connection.info.backend_pid,)).fetchone() is not None
        except psycopg.OperationalError:
            return False

    def _serve(self, batch: Batch) -> None:
        """Run a batch; where it is lost, to a deadlock, a broken connection or a fault, run its calls one by one."""
        reading = all(self.engine.reads(call) for call in batch.calls)
        careful = False
        pause_s = RETRY_PAUSE_S
        groups = deque([batch.calls])
        while groups:
            calls = groups.popleft()
            try:
                self._run(batch, calls, reading=reading, guess=not careful)
            except NotReading:
                reading = False
                groups.appendleft(calls)
            except WrongGuess:
                self._contest(batch.schema, calls)
                careful = True
                groups.appendleft(calls)
            except Unanswered:
                self._say_unknown(calls)
            except psycopg.errors.LockNotAvailable:  # another process holds an object long: it may have been stopped
                groups = self._strangers_first(calls, groups)
            except psycopg.errors.DiskFull:
                log.warning("Postgres has no room on its disk")
                _refuse(calls, "the database's disk is full. Nothing was changed. Its operator has to make room.", 30)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if self._connection is None or self._connection.broken or self._connection.closed:
                    log.warning("Postgres does not answer: %s", error)
                    self._connection = None
                # A deadlock or a serialization failure is over: no need to wait.
                if not isinstance(error, psycopg.errors.TransactionRollback):
                    time.sleep(pause_s)
                    pause_s = min(1.0, pause_s * 2)
                groups.extendleft([call] for call in reversed(self._in_time(calls)))
            except Exception:  # before the commit, so nothing took place: only the call whose fault it is must fail
                if len(calls) > 1:
                    groups.extendleft([call] for call in reversed(calls))
                    continue
                log.exception("a call was lost by a fault of ours: %s on %s", calls[0].command, calls[0].path)
                problem = Fault(f"{calls[0].command}: Grove made a mistake. Nothing was changed. It is in the log.")
                calls[0].answer(Outcome(problem=problem))

    @staticmethod
    def _say_fault(calls: Sequence[Call]) -> None:
        for call in calls:
            call.answer(Outcome(problem=Fault(f"{call.command}: Grove made a mistake. It is in the log.")))

    @staticmethod
    def _say_unknown(calls: Sequence[Call]) -> None:
        _refuse(
            calls,
            "the database went away during the commit, so nobody knows whether it took place. "
            "Ask again with the same idempotency key, or look at the object.",
            5,
        )

    def _strangers_first(self, calls: Sequence[Call], groups: "deque[list[Call]]") -> "deque[list[Call]]":
        """Order what is left after a wait for a row was in vain: each call alone, those on the same object in order."""
        left = [[call] for call in self._in_time(calls)]
        if len(calls) > 1:
            return deque([*left, *groups])
        path = calls[0].path
        behind = [group for group in groups if any(call.path == path for call in group)]
        return deque([*(group for group in groups if group not in behind), *left, *behind])

    def _in_time(self, calls: Sequence[Call]) -> list[Call]:
        """Keep the calls somebody still waits for; tell the others."""
        now = time.monotonic()
        for call in calls:
            if call.deadline <= now:
                call.answer(
                    Outcome(
                        problem=OutOfTime(
                            f"{call.command}: the database did not answer in {self.limits.CALL_SECONDS:g} s. "
                            "Nothing was changed. Try again later.",
                            retry_after_s=1,
                        )
                    )
                )
        return [call for call in calls if call.deadline > now]

    def _run(self, batch: Batch, calls: Sequence[Call], *, reading: bool, guess: bool) -> None:
        """Run calls in one transaction and answer them. Raises psycopg.Error when nothing of it took place."""
        tx = self._transaction(batch, reading=reading)
        ran: list[tuple[Call, Outcome]] = []
        later: list[Call] = []
        try:
            if reading or not (guess and self._guess(tx, calls)):
                tx.open(calls, self._cold(calls))
            self._carry_out(tx, calls, ran, later, budget_s=self.limits.BATCH_BUDGET_MS / 1000)
            events = tx.commit(self._bucket())
        except CommitUnknown as unknown:
            if not self._took_place(unknown, calls):
                tx.abandon()
                raise psycopg.OperationalError("the commit did not take place") from unknown
            events = tx.committed()
        except BaseException:
            self._discard(tx)
            raise
        self._done(tx, ran, later)
        if events:
            self._tell(events)
        if reading:
            tx.end_reading()

    def _transaction(self, batch: Batch, *, reading: bool, on_loop: bool = False) -> Transaction:
        connection = self._connected()
        return Transaction(
            connection,
            self._prepared,
            batch.schema,
            registry=self.engine.registry,
            cache=self.engine.cache,
            limits=self.limits,
            claim=partial(self._claim, batch),
            reading=reading,
            on_loop=on_loop,
        )

    def _bucket(self) -> int:
        return int(clock.now() // self.limits.HISTORY_BUCKET_S)

    def _discard(self, tx: Transaction) -> None:
        """Throw away what a transaction did, and what was known of its objects."""
        tx.abandon()
        for path in tx.rows:
            self.engine.known.pop((tx.schema, path), None)

    def _done(self, tx: Transaction, ran: Sequence[tuple[Call, Outcome]], later: Sequence[Call]) -> None:
        """After the commit: keep what the next batch can use, and answer."""
        self._keep(tx)
        if later:
            self.engine.mailbox.put_back(later)
        for call, outcome in ran:
            call.answer(outcome)
        if tx.written_pages > LARGE_PAGES:
            give_back()

    def _carry_out(
        self,
        tx: Transaction,
        calls: Sequence[Call],
        ran: list[tuple[Call, Outcome]],
        later: list[Call],
        *,
        budget_s: float,
    ) -> None:
        """Run the calls in order, as long as the batch's time lasts; `later` are those that must wait again."""
        slow, slow_s = self.engine.slow, self.limits.SLOW_CALL_MS / 1000
        began = started = time.monotonic()
        worked = time.thread_time()
        ends_at = started + budget_s
        held: set[str] = set()  # objects of which a call must begin again: later ones wait behind it
        for call in calls:
            if (held and call.path in held) or (ran and started > ends_at):
                later.append(call)
                held.add(call.path)
                continue
            outcome = None
            try:
                outcome = tx.carry_out(call)
                ran.append((call, outcome))
            except NeedsLock as lock:
                call.needs |= {lock.path}
                call.quick = False
                later.append(call)
                held.add(call.path)
            ended = time.monotonic()
            took_s = ended - started
            if took_s > slow_s or slow:
                self._measure(call.command, took_s)
            if took_s > LONG_S and outcome is not None:
                # Those before it worked no longer than they took: the rest of the processor's time is its own.
                self._took_long(call, outcome, time.thread_time() - worked - (started - began))
            started = ended
        self._pace(ran, time.thread_time() - worked)

    def _took_long(self, call: Call, outcome: Outcome, worked_s: float) -> None:
        """A call took longer than LONG_S, and at least `worked_s` of the processor: a thread does not mind."""

    def _pace(self, ran: Sequence[tuple[Call, Outcome]], worked_s: float) -> None:
        """Learn how much of the processor commands take, and so which an event loop can run.

        Not how long they take: on a busy machine even the shortest call takes long now and then.
        """
        pace = self.engine.pace
        mean_s = worked_s / max(1, len(ran))
        for command in {call.command for call, outcome in ran if outcome.problem is None}:  # no other need be one
            known_s = pace.get(command)
            # The first time it is loaded, compiled and planned, which says little about the next ones.
            pace[command] = min(mean_s, LONG_S) if known_s is None else known_s * 0.8 + mean_s * 0.2

    def _keep(self, tx: Transaction) -> None:
        """Keep what the next batch can use. After the commit nothing may stand between a call and its answer."""
        try:
            self._remember(tx)
            tx.give_back()
        except Exception:
            tx.images.clear()
            log.exception("images could not be kept by a fault of ours")

    def _tell(self, events: Sequence[Event]) -> None:
        try:
            self.engine.publish(events)
        except Exception:
            log.exception("events of a commit were not told")

    def _claim(self, batch: Batch, path: str) -> bool:
        if path in batch.paths:
            return True
        if not self.engine.mailbox.claim(batch.schema, path):
            return False
        batch.paths.add(path)
        return True

    def _guess(self, tx: Transaction, calls: Sequence[Call]) -> bool:
        """Begin without locks, where that may go well; tells whether it did."""
        rows = self._in_memory(calls)
        if rows is None:
            return False
        if all(call.path in rows for call in calls):
            tx.guess(calls, rows)
            return True
        return tx.look(calls, rows)

    def _in_memory(self, calls: Sequence[Call]) -> dict[str, Row] | None:
        """Give the rows of what calls name and is in memory; None where guesses would only cost."""
        engine = self.engine
        rows: dict[str, Row] = {}
        for call in calls:
            address = (call.schema, call.path)
            if call.needs:
                return None
            if address in engine.contested:
                if engine.contested[address] > time.monotonic():
                    return None
                engine.contested.pop(address, None)
            # Of platform's work (`work`) the next comes to any process: what this one knows is old more often than not.
            row = engine.known.get(address) if call.work is None else None
            if row is not None and engine.cache.has(call.schema, row.id):
                rows[call.path] = row
        return rows

    def _contest(self, schema: str, calls: Sequence[Call]) -> None:
        """Take note that other processes are at work on one of these objects: guesses would only cost."""
        contested = self.engine.contested
        if len(contested) > KNOWN_OBJECTS:
            contested.clear()
        until = time.monotonic() + CONTESTED_S
        for call in calls:
            contested[schema, call.path] = until

    def _cold(self, calls: Sequence[Call]) -> set[str]:
        engine = self.engine
        cold = set()
        for call in calls:
            hint = engine.known.get((call.schema, call.path))
            if hint is None or not engine.cache.has(call.schema, hint.id):
                cold.add(call.path)
        return cold

    def _remember(self, tx: Transaction) -> None:
        known = self.engine.known
        if len(known) > KNOWN_OBJECTS:
            known.clear()
        rows = tx.known_rows()
        for path in tx.rows:
            if path in rows:
                known[tx.schema, path] = rows[path]
            else:
                known.pop((tx.schema, path), None)

    def _measure(self, command: str, took_s: float) -> None:
        """Learn which commands are slow, so that nobody waits behind one in a batch."""
        slow = self.engine.slow
        limit_s = self.limits.SLOW_CALL_MS / 1000
        known = slow.get(command)
        if known is None:
            if took_s > limit_s:
                slow[command] = took_s
            return
        slow[command] = known = known * 0.8 + took_s * 0.2
        if known < limit_s / 2:
            slow.pop(command, None)

    def _connected(self) -> psycopg.Connection[Any]:
        connection = self._connection
        if connection is None or connection.closed:
            connection = psycopg.connect(
                make_conninfo(self.engine.conninfo, **PATIENCE), autocommit=True, prepare_threshold=1
            )
            connection.prepared_max = 1_500
            call_ms = int(self.limits.CALL_SECONDS * 1000)
            connection.execute(SESSION, (f"{call_ms // LOCK_WAITS}ms", f"{call_ms}ms"))
            self._connection, self._prepared = connection, Prepared(connection)
        return connection

    def _took_place(self, unknown: CommitUnknown, calls: Sequence[Call]) -> bool:
        """Ask Postgres, once it answers again, whether the transaction whose COMMIT got no answer was committed.

        Raises Unanswered when Postgres stays away: then nobody can tell, and running again could do it twice.
        """
        self._connection = None
        if unknown.line is None:
            return False  # it changed no object; what it did beside is as well done again
        pause_s = RETRY_PAUSE_S
        ends_at = max(call.deadline for call in calls) + UNKNOWN_S
        self._late_at = max(self._late_at, ends_at + LATE_S)
        asked = 0
        while time.monotonic() < ends_at:
            try:
                connection = self._connected()
                if not unknown.xid:
                    if connection.execute(END_BACKEND, (unknown.backend_pid,)).fetchone() is None:
                        return connection.execute(unknown.took_place, unknown.line).fetchone() is not None
                    time.sleep(pause_s)  # it is ending
                    continue
                (status,) = connection.execute(XACT_STATUS, (unknown.xid,)).fetchone() or (None,)
                if status == "aborted":
                    return False
                if status != "in progress":
                    # A number that was given out shortly before Postgres crashed is given out again after it (Postgres
                    # 18, tests/chaos/test_lost_commits.py), so "committed" may be said of another's transaction.
                    return connection.execute(unknown.took_place, unknown.line).fetchone() is not None
                asked += 1
                if asked == ASK_BEFORE_ENDING:  # it waits for a COMMIT that was lost on the way
                    connection.execute(END_XACT, (unknown.xid,))
            except psycopg.errors.InvalidParameterValue:
                return False  # a number that Postgres has not given out since its crash
            except psycopg.OperationalError:
                self._connection = None
            time.sleep(pause_s)
            pause_s = min(1.0, pause_s * 2)
        raise Unanswered


def _refuse(calls: Sequence[Call], why: str, retry_after_s: float) -> None:
    for call in calls:
        call.answer(Outcome(problem=Overloaded(f"{call.command}: {why}", retry_after_s=retry_after_s)))
