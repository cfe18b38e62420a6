"""One batch from BEGIN to COMMIT: lock the objects, run each call in a savepoint, write it all in one round trip.

Where this process has all that the calls name in memory, it guesses that nobody changed it since: it runs the calls
first, and the one statement that writes also locks the rows and finds out whether the guess was right. A wrong guess
writes nothing; the batch runs again, the careful way. That halves the round trips of an object that one process serves.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import apsw
import orjson
import psycopg
from psycopg.pq import TransactionStatus

from objects.commands.registry import Registry
from objects.commands.spec import CommandSpec
from objects.engine.answers import Answers, fingerprint_of
from objects.engine.calls import Call, Event, Outcome
from objects.engine.commit import Commit
from objects.engine.context import Context
from objects.engine.frame import Frame, Line, Row
from objects.engine.interruptions import NeedsLock, NeedsThread, NotReading, WrongGuess
from objects.engine.prepared import Prepared
from objects.engine.statements import (
    BEGIN,
    BEGIN_READING,
    COMMIT,
    IDLE_LONG,
    PLAN_ANEW,
    ROLLBACK,
    XID,
    Statements,
    statements,
)
from objects.storage import pages
from objects.storage.cache import ImageCache
from objects.storage.image import Image
from objects.storage.vfs import PAGE_BYTES
from objects.timing import index
from objects.tree import tree
from objects.tree.paths import ObjectPath
from objects.tree.paths import key as path_key
from teams import clock
from teams.access import Caller, Role, decide, exists_for
from teams.limits import Limits
from teams.problems import (
    Conflict,
    Fault,
    Moved,
    NeedsConfirmation,
    NoSuch,
    OutOfTime,
    Problem,
    TooLarge,
)

log = logging.getLogger("grove.engine")

ASKED = ("page", "terminal")  # surfaces where a person can be asked
OVERRUN_S = 0.05  # what takes longer on an event loop is stopped or taken back, and left to a thread
SIZED = (str, list, dict)
TOUCH_LIMIT = 64  # objects in one transaction of one call


@dataclass(slots=True)
class _Permitted:
    """What a call was found to be allowed. Most calls of a batch are like the one before, and nothing of it changes."""

    caller: Caller
    row: Row
    name: str
    spec: CommandSpec


class Transaction:
    """One transaction for calls of one team; made anew for each batch, used by one thread.

    reading: a snapshot without locks, for batches in which every call only reads.
    claim: asks the mailbox for one more object of this process; says whether it was free.
    on_loop: nothing may wait here: what needs Postgres on its way raises NeedsThread. Only guesses are so.
    """

    def __init__(  # noqa: PLR0913 -- what a batch runs with
        self,
        connection: psycopg.Connection[Any],
        prepared: Prepared,
        schema: str,
        *,
        registry: Registry,
        cache: ImageCache,
        limits: Limits,
        claim: Callable[[str], bool],
        reading: bool,
        on_loop: bool = False,
    ) -> None:
        self.connection = connection
        self.prepared = prepared
        self.guessing = self.guessed = False  # the latter also once the guess was made sure of
        self.on_loop = on_loop
        self.before: Transaction | None = None  # whose commit is under way, while this one runs ahead
        self.schema = schema
        self.registry = registry
        self.cache = cache
        self.limits = limits
        self.claim = claim
        self.reading = reading
        self.statements: Statements = statements(schema)
        self.rows: dict[str, Row] = {}
        self.images: dict[int, Image] = {}
        self.events: list[tuple[Row, str, Any]] = []
        self.wakes: dict[tuple[int, str], index.Due] = {}  # by object and source
        self.lines: list[Line] = []
        self.xid = ""
        self._first_pages: dict[int, dict[int, bytes]] = {}
        self.answers = Answers()
        self._outcomes: list[tuple[Row, Outcome]] = []
        self._reload: set[int] = set()  # objects whose pages a command wrote past the image
        self._takes_long = False  # a call may work long between two words to Postgres
        self._new: dict[int, str] = {}  # objects made here whose first call has not run yet, with the mark before them
        self._permitted: _Permitted | None = None
        self._pg_marks = 0
        self._plans_anew = False

    # Opening

    def guess(self, calls: Sequence[Call], rows: dict[str, Row]) -> None:
        """Begin without a word to Postgres: `rows` are those that the calls name, as they were last seen."""
        self._takes_long = self._has_large(calls)
        self.rows = rows
        self.guessing = self.guessed = True

    @property
    def postgres(self) -> psycopg.Connection[Any]:
        """The connection, for what a call needs to know or do there: a guess is made sure of first."""
        if self.on_loop:
            raise NeedsThread
        if self.guessing:
            self._be_sure()
        return self.connection

    def _be_sure(self) -> None:
        """Lock the objects so far guessed at; raises WrongGuess where one of them was changed."""
        keys = [path_key(path) for path in self.rows]
        self.guessing = False
        with self.connection.pipeline():
            self._begin()
            found = self.connection.execute(self.statements.lock, (keys,))
        stamps = {}
        for row in found:
            stamps[row[0]] = row[6]
            self.xid = row[8]
        if stamps != {row.id: row.stamp for row in self.rows.values()}:
            raise WrongGuess

    def open(self, calls: Sequence[Call], cold: set[str]) -> None:
        """Begin, lock what the calls name and read what is needed of it, in one round trip.

        cold: paths of objects that are likely not in the cache; their first pages are read ahead.
        """
        paths = {call.path for call in calls}.union(*(call.needs for call in calls))
        keys = [path_key(path) for path in paths]
        asked = [] if self.reading else [(call.caller.id, call.key, path_key(call.path)) for call in calls if call.key]
        self._takes_long = self._has_large(calls)
        with self.connection.pipeline():
            self._begin()
            found = self.connection.execute(self.statements.read if self.reading else self.statements.lock, (keys,))
            first = answers = None
            if cold:
                cold_keys = [path_key(path) for path in cold]
                first = self.connection.execute(
                    self.statements.first_pages, (self.limits.READ_AHEAD_PAGES, cold_keys), binary=True
                )
            if asked:
                callers, names, at = zip(*asked, strict=True)
                answers = self.connection.execute(self.statements.answers, (list(callers), list(names), list(at)))
        for row in found:
            self.rows[row[1]] = Row(*row[:8])
            if not self.reading:
                self.xid = row[8]
        if not self.reading:
            self._create_absent(calls)
        for object_id, no, data in first or ():
            self._first_pages.setdefault(object_id, {})[no] = pages.expand(data)
        self.answers.found(answers or ())

    def _begin(self) -> None:
        self.connection.execute(BEGIN_READING if self.reading else BEGIN)
        if self._takes_long:
            self.connection.execute(IDLE_LONG, (f"{self.limits.LARGE_CALL_SECONDS:.0f}s",))

    def _has_large(self, calls: Sequence[Call]) -> bool:
        return any(call.seconds or self.registry.is_large(call.command) for call in calls)

    def further_row(self, path: str, caller: Caller) -> Row:
        """Give the row of an object that a call reached, locked; raises NeedsLock where it is at work elsewhere."""
        row = self.rows.get(path)
        if row is not None:
            return row
        if len(self.rows) >= TOUCH_LIMIT + self.limits.BATCH_CALLS:
            raise Conflict(f"{path}: one call may reach {TOUCH_LIMIT} objects. Do it in several calls.")
        if not self.claim(path):
            raise NeedsLock(path)
        row = self._lock(path)
        if row is None:
            raise self._nowhere(caller, path)
        return row

    def _lock(self, path: str) -> Row | None:
        key = path_key(path)
        if self.reading:
            found = self.postgres.execute(self.statements.read, ([key],)).fetchone()
        else:
            found = self.postgres.execute(self.statements.lock_one, (key,)).fetchone()
            if found is None and self.postgres.execute(self.statements.read, ([key],)).fetchone() is not None:
                raise NeedsLock(path)
        if found is None:
            return None
        row = self.rows[path] = Row(*found)
        return row

    def _moved_to(self, caller: Caller, path: str) -> str:
        """Tell where the object that had this path is now; "" where that is nowhere that the caller may see."""
        if not exists_for(caller, self.schema, path):
            return ""
        to = tree.where_to(self.postgres, self.schema, ObjectPath(path))
        return str(to) if to is not None and caller.sees(to) else ""

    def _nowhere(self, caller: Caller, path: str) -> Problem:
        """Say in the same words that an object is absent or hidden; or where it went."""
        to = self._moved_to(caller, path)
        return Moved(f"{path} is now {to}.", to=to) if to else NoSuch(f"{path}: no such object.")

    def image(self, row: Row) -> Image:
        """Give the object's image at the version of its row, begun."""
        image = self.images.get(row.id)
        if image is None:
            if self.before is not None:
                image = self.before.hand_over(row.id)
            if image is None:
                image = self.cache.take(self.schema, row.id)
                if image is not None and image.version != row.version:
                    image.close()
                    image = None
            if image is None:
                image = Image(row.id, row.version, row.pages)
                image.prime(self._first_pages.pop(row.id, {}))
            image.database.max_pages = max(1, row.settings.quota_bytes // PAGE_BYTES)
            image.begin(partial(self._fetch, row.id))
            self.images[row.id] = image
        return image

    def hand_over(self, object_id: int) -> Image | None:
        """Give an image to the batch that runs while this one's commit is under way, as it will be after that."""
        image = self.images.pop(object_id, None)
        if image is not None:
            image.version = self._commit.versions[object_id]
        return image

    def row_held(self, path: str) -> Row | None:
        """Give the row of an object that this batch has, or the one before it, whose commit will change the row."""
        row = self.rows.get(path)
        return self.before.rows.get(path) if row is None and self.before is not None else row

    def _fetch(self, object_id: int, first: int, count: int) -> dict[int, bytes]:
        return pages.fetch(self.postgres, self.schema, object_id, first, count)

    # Running

    def carry_out(self, call: Call) -> Outcome:
        """Run one call and say how it ended; the outcome holds once the transaction is committed.

        Raises NeedsLock when the call must begin again with another lock, psycopg.Error when the transaction is lost.
        """
        outcome = Outcome()
        row = None
        try:
            if call.deadline and time.monotonic() > call.deadline:
                raise OutOfTime(
                    f"{call.command}: waited {self.limits.CALL_SECONDS:g} s for its turn. Nothing was changed. "
                    "Try again later.",
                    retry_after_s=1,
                )
            row = self.rows.get(call.path) or self._absent(call)
            self._answer(call, row, outcome)
        except Problem as problem:
            outcome.problem = problem
        except (psycopg.OperationalError, psycopg.InterfaceError, NeedsLock, NeedsThread, NotReading, WrongGuess):
            raise
        except BaseException as error:  # a kind's SystemExit too: it ends its call, not the thread
            if self.on_loop and isinstance(error, apsw.InterruptError):  # it was stopped at BEGIN or COMMIT
                raise NeedsThread from error
            log.exception("a command failed by a fault of ours: %s on %s", call.command, call.path)
            outcome.problem = Fault(f"{call.command}: Grove made a mistake. Nothing was changed. It is in the log.")
        if row is not None and row.id in self._new:
            self._settle_new(row, outcome)
        if row is not None and row.path in self.rows:
            self._outcomes.append((row, outcome))
        return outcome

    def _absent(self, call: Call) -> Row:
        """Create the object on its first use, if asked to, or say that there is none."""
        if call.create is None or self.reading or self._moved_to(call.caller, call.path):
            raise self._nowhere(call.caller, call.path)
        decide(call.caller, self.schema, call.path, command="tree.create", verb="changes", needs=Role.EDITOR)
        self.registry.kind(call.create)
        mark = self.pg_save()
        try:
            node = tree.create(self.postgres, self.schema, call.path, call.create, parents=True)
        except Conflict:  # somebody else made it since the lock
            self.pg_undo(mark)
            row = self._lock(call.path)
            if row is None:
                raise self._nowhere(call.caller, call.path) from None
            return row
        except BaseException:
            self.pg_undo(mark)
            raise
        return self._made(node, mark)

    def _create_absent(self, calls: Sequence[Call]) -> None:
        """Create in one go the objects that the calls want to be created; what is not so plain is left to `_absent`."""
        asked = {
            ObjectPath(call.path): call.create
            for call in calls
            if call.create is not None
            and call.create in self.registry.kinds
            and call.path not in self.rows
            and call.caller.schema == self.schema
            and call.caller.role_at(call.path) >= Role.EDITOR
            and (call.caller.scope is None or call.caller.scope.permits("tree.create", "changes"))
        }
        if asked:
            for node in tree.create_many(self.connection, self.schema, asked):
                self._made(node)

    def _made(self, node: tree.Node, mark: str = "") -> Row:
        """Take note of an object that was made since the mark; it goes again if its first call is refused."""
        if not self.xid:
            (self.xid,) = self.connection.execute(XID).fetchone() or ("",)
        effective = orjson.dumps(node.effective).decode()
        row = self.rows[node.path] = Row(node.id, node.path, node.kind, node.version, node.pages, effective, "")
        self._new[node.id] = mark
        return row

    def _settle_new(self, row: Row, outcome: Outcome) -> None:
        """Keep an object that was made for this call, or take it away again where the call was refused."""
        mark = self._new.pop(row.id)
        if outcome.problem is None:
            return
        if mark:
            self.pg_undo(mark)
        else:
            self.connection.execute(self.statements.unmake, (row.id,))
        del self.rows[row.path]
        image = self.images.pop(row.id, None)
        if image is not None:
            image.close()
        self.lines = [line for line in self.lines if line.object_id != row.id]

    def _permit(self, call: Call, row: Row) -> CommandSpec:
        """Give the command, where the caller may call it."""
        before = self._permitted
        if before and before.caller is call.caller and before.row is row and before.name == call.command:
            return before.spec
        self._see(call, row)
        spec = self.registry.command(row.kind, call.command)
        decide(call.caller, self.schema, row.path, command=spec.name, verb=spec.verb, needs=spec.needs)
        self._permitted = _Permitted(call.caller, row, call.command, spec)
        return spec

    def _see(self, call: Call, row: Row) -> None:
        """Look whether the object exists for the caller, before a word about what it can do."""
        if not exists_for(call.caller, self.schema, row.path):
            raise NoSuch(f"{row.path}: no such object.")

    def _answer(self, call: Call, row: Row, outcome: Outcome) -> None:
        if call.work is not None:
            self._see(call, row)
            self._work(call, call.work, row, outcome)
            return
        spec = self._permit(call, row)
        reads = spec.verb == "reads"
        if self.reading and not reads:
            raise NotReading
        arguments = spec.check(call.arguments, text=call.text)
        fingerprint = b""
        if call.key and not reads:
            fingerprint = fingerprint_of(call)
            if self.answers.give_again(call, row.id, fingerprint, outcome):
                return
        frame = Frame(self, row, call.caller, call.via, reads=reads, deadline=self._deadline(call, spec))
        frame.must_ask = call.via in ASKED and not call.confirmed
        if spec.verb == "dangerous" and not call.confirmed:
            raise NeedsConfirmation(self._effect(frame, spec, arguments), command=spec.name)
        started = time.perf_counter_ns()
        try:
            outcome.value = frame.run(spec, arguments)
        except Problem as problem:
            if not reads:
                self.lines.append(frame.line(spec, arguments, started, problem))
            raise
        if spec.alone:
            self._reload.add(row.id)
        if fingerprint:
            self.answers.keep(call, row, fingerprint, outcome.value)

    def _deadline(self, call: Call, spec: CommandSpec) -> float:
        if self.on_loop:
            return time.monotonic() + OVERRUN_S
        return time.monotonic() + self.limits.LARGE_CALL_SECONDS if spec.large else call.deadline or math.inf

    def _work(self, call: Call, work: Callable[[Context], Any], row: Row, outcome: Outcome) -> None:
        """Let the platform itself do something in the object."""
        if self.reading:
            raise NotReading
        frame = Frame(self, row, call.caller, call.via, reads=False, deadline=call.deadline or math.inf)
        outcome.value = frame.work(work)

    def _effect(self, frame: Frame, spec: CommandSpec, arguments: dict[str, Any]) -> str:
        """Ask a dangerous command what it would do; it does nothing yet."""
        try:
            instance = (
                frame.facility(spec.facility) if spec.facility else self.registry.kind(frame.row.kind)(frame.context)
            )
            return spec.effect(instance, arguments)
        finally:
            frame.undo()

    def check_size(self, spec: CommandSpec, value: Any) -> None:
        """Refuse a result that is larger than an answer may be."""
        if isinstance(value, SIZED) and value:
            size_bytes = len(orjson.dumps(value))
            if size_bytes > self.limits.RESULT_BYTES:
                raise TooLarge(
                    f"{spec.name}: the result has {size_bytes:,} bytes, more than {self.limits.RESULT_BYTES:,} "
                    "(limit RESULT_BYTES). Nothing was changed. Ask for less at a time."
                )

    def accept(self, frame: Frame) -> None:
        """Take over what a call of this batch did: it will be committed with the others.

        Raises what SQLite has against it, such as a deferred foreign key without its row; then nothing is taken.
        """
        for image, _ in frame.marks:
            image.confirm()
        for image, mark in frame.marks:
            image.keep(mark)
        self.events += frame.events
        self.wakes |= frame.wakes
        self.lines += frame.lines

    def for_the_tree(self) -> psycopg.Connection[Any]:
        """Give the connection to those who ask about subtrees."""
        connection = self.postgres
        if not self._plans_anew:
            connection.execute(PLAN_ANEW)
            self._plans_anew = True
        return connection

    # Postgres's own savepoints, for the few commands that write there

    def pg_save(self) -> str:
        """Mark a place to come back to."""
        self._pg_marks += 1
        mark = f"call_{self._pg_marks}"
        self.postgres.execute(f"SAVEPOINT {mark}")
        return mark

    def pg_undo(self, mark: str) -> None:
        """Go back to the mark."""
        self.postgres.execute(f"ROLLBACK TO SAVEPOINT {mark}")

    # Ending

    def ending(self, bucket: int) -> Commit:
        """End the work in memory and give what is to be written; `committed` once that is done."""
        commit = self._commit = Commit(self, bucket)
        return commit

    def commit(self, bucket: int) -> list[Event]:
        """Write all of it in one round trip and give the events that may now be told.

        Raises CommitUnknown when the connection broke meanwhile, WrongGuess; any other psycopg.Error means that nothing
        was done.
        """
        commit = self.ending(bucket)
        if not self.reading:
            commit.write()
        return self.committed()

    def committed(self) -> list[Event]:
        """Take note that Postgres has it, and give the events that may now be told."""
        commit = self._commit
        versions = commit.versions
        for image in self.images.values():
            image.version = versions[image.object_id]
        for row, outcome in self._outcomes:
            if not outcome.replayed:
                outcome.version = versions[row.id]
        at = clock.now()
        told = [Event(self.schema, row.path, topic, data, versions[row.id], at) for row, topic, data in self.events]
        paths = {row.id: row.path for row in self.rows.values()}
        told += [
            Event(self.schema, paths[changed], "changed", {"version": versions[changed]}, versions[changed], at)
            for changed in commit.changed
        ]
        return told

    @property
    def written_pages(self) -> int:
        """How many pages it wrote."""
        return self._commit.page_count

    def known_rows(self) -> dict[str, Row]:
        """Give the rows as they are after the commit, for the next guess; none where that is not known."""
        if self.reading:
            return self.rows
        # What is written within a savepoint bears another stamp, and an answer that was lost told none.
        commit = self._commit
        if self._pg_marks or not commit.stamp:
            return {}
        for row in self.rows.values():
            if row.id in commit.changed:
                row.version, row.stamp = commit.versions[row.id], commit.stamp
                row.pages = commit.changed[row.id]
        return {path: row for path, row in self.rows.items() if row.stamp}  # one made here and left as it was has none

    def end_reading(self) -> None:
        """Let go of the snapshot; nobody waits for this."""
        with suppress(psycopg.OperationalError):  # lost meanwhile: the snapshot went with it
            self.connection.execute(COMMIT)

    def give_back(self) -> None:
        """Return the images to the cache, after a commit."""
        for object_id, image in self.images.items():
            if object_id in self._reload:
                image.close()
            else:
                self.cache.give(self.schema, object_id, image)
        self.images.clear()

    def abandon(self) -> None:
        """Throw away what this transaction did, in Postgres and in memory. Safe on a broken connection."""
        for image in self.images.values():
            image.close()
        self.images.clear()
        if self.on_loop:
            return  # all that it says to Postgres is one statement, and one of another's may be under way
        if not self.connection.broken and not self.connection.closed:
            # psycopg 3.3 keeps the name of a statement whose PARSE was skipped since one before it in the pipeline
            # failed, and would use it for ever. Forgetting all names makes it tell Postgres, too.
            self.connection._prepared.clear()  # noqa: SLF001 -- there is no public way
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                with suppress(psycopg.OperationalError):  # lost meanwhile: Postgres rolls back by itself
                    self.connection.execute(ROLLBACK, prepare=False)
