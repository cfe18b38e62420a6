"""What a batch holds in Postgres: the rows of its objects, guessed or locked, and marks to go back to.

Where nobody else is likely to be at work on the same objects, a batch guesses: it has the rows and images in memory, or
reads them by one statement without locks. It runs its calls, and the one statement that writes also locks the rows and
finds out whether the guess was right. A wrong guess writes nothing; the batch runs again, the careful way: locks first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg.pq import TransactionStatus

from objects.commands.registry import Registry
from objects.engine.answers import Answers
from objects.engine.calls import Call
from objects.engine.frame import Row
from objects.engine.interruptions import NeedsLock, NeedsThread, WrongGuess
from objects.engine.prepared import Parameter, Prepared, Record
from objects.engine.statements import (
    BEGIN,
    BEGIN_READING,
    COMMIT,
    IDLE_LONG,
    PLAN_ANEW,
    ROLLBACK,
    Statements,
    statements,
)
from objects.storage import pages
from objects.tree import tree
from objects.tree.changes import most_objects
from objects.tree.paths import ObjectPath
from objects.tree.paths import key as path_key
from teams.access import Caller, Role, exists_for
from teams.limits import Limits
from teams.problems import Conflict, Moved, NoSuch, Problem

TOUCH_LIMIT = 64  # objects in one transaction of one call


@dataclass(frozen=True, slots=True)
class Unmade:
    """An object whose first call makes it, and that is in no table yet: its batch writes it. parent_id: what it is in.

    Its settings are those of its parent, as this batch saw them.
    """

    row: Row
    parent_id: int

    def written(self, version: int, page_count: int) -> dict[str, Any]:
        """Give it as `statements.make` takes it."""
        path = ObjectPath(self.row.path)
        return {
            "id": self.row.id,
            "parent_id": self.parent_id,
            "above": path.parent,
            "name": path.name,
            "path": path,
            "kind": self.row.kind,
            "effective": orjson.Fragment(self.row.effective),
            "version": version,
            "pages": page_count,
        }


@dataclass(slots=True)
class Seen:
    """An object as it was read without locks: its row, and its first pages as they came."""

    row: Row
    _pages: dict[int, bytes]
    _version: int

    def take_pages(self) -> dict[int, bytes]:
        """Give the pages, once; none where the row is of a later version by now, since they are older."""
        first_pages, self._pages = self._pages, {}
        return first_pages if self.row.version == self._version else {}


class Holding:
    """The rows of one batch; used by one thread.

    reading: a snapshot without locks, for batches in which every call only reads.
    claim: asks the mailbox for one more object of this process; says whether it was free.
    on_loop: nothing may wait here: what needs Postgres on its way raises NeedsThread. Only guesses are so.
    rows: by path. unmade: by id, those of them that are in no table yet.
    new: by id, objects that are made by a call that has not run yet, with the mark before they were.
    guessing: nothing is locked. guessed: nothing was to begin with.
    is_fresh: all rows are as they were at one moment since the batch began.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        prepared: Prepared,
        schema: str,
        *,
        registry: Registry,
        limits: Limits,
        claim: Callable[[str], bool],
        reading: bool,
        on_loop: bool,
    ) -> None:
        self.connection = connection
        self.prepared = prepared
        self.schema = schema
        self.registry = registry
        self.limits = limits
        self.claim = claim
        self.reading = reading
        self.on_loop = on_loop
        self.statements: Statements = statements(schema)
        self.guessing = self.guessed = self.is_fresh = False
        self.rows: dict[str, Row] = {}
        self.unmade: dict[int, Unmade] = {}
        self.new: dict[int, str] = {}
        self.xid = ""
        self.pg_marks = 0
        self._packed_pages: dict[int, dict[int, bytes]] = {}  # as they came, by object
        self._read_ahead: dict[int, Seen] = {}  # before the locks, by object
        self.answers = Answers()
        self._takes_long = False  # a call may work long between two words to Postgres
        self._plans_anew = False

    # Opening

    def guess(self, calls: Sequence[Call], rows: dict[str, Row]) -> None:
        """Begin without a word to Postgres: `rows` are those that the calls name, as they were last seen."""
        self._takes_long = self._has_large(calls)
        self.rows = rows
        self.guessing = self.guessed = True

    def look(self, calls: Sequence[Call], rows: dict[str, Row]) -> bool:
        """Begin without locks: `rows` are in memory; the others are read, with their first pages, in one round trip.

        With them comes what it takes to make those that are not there yet. Tells whether all that the calls name is
        there or can be made; where not, `open` is to begin.
        """
        self.guess(calls, rows)
        self.is_fresh = not rows
        asked = {call.path for call in calls if call.path not in rows}
        look: list[Parameter] = [self.limits.READ_AHEAD_PAGES, keys_of(asked)]
        makers = {call.path: call for call in calls if call.path in asked and self.may_make(call)}
        if makers:
            paths = [ObjectPath(path) for path in makers]
            above, at = keys_of({path.parent for path in paths}), keys_of(paths)
            room_for: list[Parameter] = [above, at, len(paths), self.schema]
            seen, room = self.prepared.run_all([(self.statements.look, look), (self.statements.room_for, room_for)])
            self._take_seen(seen)
            self._prepare_making(makers, orjson.loads(room[0][0] or b""))
        else:
            self._take_seen(self.prepared.ask(self.statements.look, look))
        return asked <= self.rows.keys()

    def _take_seen(self, records: Sequence[Record]) -> None:
        for each in seen(records):
            self.rows[each.row.path] = each.row
            self.have_read(each)

    def have_read(self, seen: Seen) -> None:
        """Have an object's first pages, should they be wanted."""
        self._read_ahead[seen.row.id] = seen

    def may_make(self, call: Call) -> bool:
        """Whether the call makes its object where there is none; where not, `_absent` says why."""
        caller = call.caller
        return (
            call.create is not None
            and call.create in self.registry.kinds
            and caller.schema == self.schema
            and caller.role_at(call.path) >= Role.EDITOR
            and (caller.scope is None or caller.scope.permits("tree.create", "changes"))
        )

    def _prepare_making(self, makers: Mapping[str, Call], room: dict[str, Any]) -> None:
        """Have rows for what is not there yet; leave to `tree.create` what is not so plain."""
        absent = [path for path in makers if path not in self.rows and path not in (room["moved"] or ())]
        if room["objects"] + len(absent) > most_objects(room["most"]):
            return
        above = {path: (parent_id, effective) for path, parent_id, effective in room["above"] or ()}
        for path, object_id in zip(absent, room["ids"], strict=False):
            parent_id, effective = above.get(ObjectPath(path).parent, (0, ""))
            if parent_id:
                row = self.rows[path] = Row(object_id, path, makers[path].create or "", 0, 0, effective, "")
                self.unmade[object_id], self.new[object_id] = Unmade(row, parent_id), ""

    def open(self, calls: Sequence[Call], cold: set[str]) -> None:
        """Begin, lock what the calls name and read what is needed of it, in one round trip.

        cold: paths of objects that are likely not in the cache; their first pages are read ahead.
        """
        self.guessing = self.guessed = self.is_fresh = False
        self.rows = {}
        self._read_ahead.clear()
        self.unmade.clear()
        self.new.clear()
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
        for object_id, no, page in first or ():
            self._packed_pages.setdefault(object_id, {})[no] = page
        self.answers.found(answers or ())

    def _begin(self) -> None:
        self.connection.execute(BEGIN_READING if self.reading else BEGIN)
        if self._takes_long:
            self.connection.execute(IDLE_LONG, (f"{self.limits.LARGE_CALL_SECONDS:.0f}s",))

    def _has_large(self, calls: Sequence[Call]) -> bool:
        return any(call.seconds or self.registry.is_large(call.command) for call in calls)

    # Being sure

    @property
    def postgres(self) -> psycopg.Connection[Any]:
        """The connection, for what a call needs to know or do there: a guess is made sure of first."""
        if self.on_loop:
            raise NeedsThread
        if self.guessing:
            self.be_sure()
        return self.connection

    def be_sure(self) -> None:
        """Lock the objects so far guessed at.

        Raises WrongGuess where one of them was changed, or is to be made: then another batch makes it first.
        """
        if self.unmade:
            raise WrongGuess
        self.guessing = False
        with self.connection.pipeline():
            self._begin()
            found = self.connection.execute(self.statements.lock, ([path_key(path) for path in self.rows],))
        stamps = {}
        for row in found:
            stamps[row[0]] = row[6]
            self.xid = row[8]
        if stamps != {row.id: row.stamp for row in self.rows.values()}:
            raise WrongGuess

    def for_the_tree(self) -> psycopg.Connection[Any]:
        """Give the connection to those who ask about subtrees."""
        connection = self.postgres
        if not self._plans_anew:
            connection.execute(PLAN_ANEW)
            self._plans_anew = True
        return connection

    # Further objects

    def further_row(self, path: str, caller: Caller) -> Row:
        """Give the row of an object that a call reached, locked; raises NeedsLock where it is at work elsewhere."""
        row = self.rows.get(path)
        if row is not None:
            return row
        if len(self.rows) >= TOUCH_LIMIT + self.limits.BATCH_CALLS:
            raise Conflict(f"{path}: one call may reach {TOUCH_LIMIT} objects. Do it in several calls.")
        if not self.claim(path):
            raise NeedsLock(path)
        row = self.lock(path)
        if row is None:
            raise self.nowhere(caller, path)
        return row

    def lock(self, path: str) -> Row | None:
        """Lock one more object and give its row; None where there is none."""
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

    def moved_to(self, caller: Caller, path: str) -> str:
        """Tell where the object that had this path is now; "" where that is nowhere that the caller may see."""
        if not exists_for(caller, self.schema, path):
            return ""
        to = tree.where_to(self.postgres, self.schema, ObjectPath(path))
        return str(to) if to is not None and caller.sees(to) else ""

    def nowhere(self, caller: Caller, path: str) -> Problem:
        """Say in the same words that an object is absent or hidden; or where it went."""
        to = self.moved_to(caller, path)
        return Moved(f"{path} is now {to}.", to=to) if to else NoSuch(f"{path}: no such object.")

    def first_pages(self, object_id: int) -> dict[int, bytes]:
        """Give the pages that were read ahead, once."""
        seen = self._read_ahead.pop(object_id, None)
        packed = self._packed_pages.pop(object_id, {}) if seen is None else seen.take_pages()
        return {no: pages.expand(page) for no, page in packed.items()}

    # Postgres's own savepoints, for the few commands that write there

    def pg_save(self) -> str:
        """Mark a place to come back to."""
        self.pg_marks += 1
        mark = f"call_{self.pg_marks}"
        self.postgres.execute(f"SAVEPOINT {mark}")
        return mark

    def pg_undo(self, mark: str) -> None:
        """Go back to the mark."""
        self.postgres.execute(f"ROLLBACK TO SAVEPOINT {mark}")

    # Letting go

    def end_reading(self) -> None:
        """Let go of the snapshot; nobody waits for this."""
        with suppress(psycopg.OperationalError):  # lost meanwhile: the snapshot went with it
            self.connection.execute(COMMIT)

    def let_go(self) -> None:
        """Undo what was done in Postgres. Safe on a broken connection."""
        if not self.connection.broken and not self.connection.closed:
            # psycopg 3.3 keeps the name of a statement whose PARSE was skipped since one before it in the pipeline
            # failed, and would use it for ever. Forgetting all names makes it tell Postgres, too.
            self.connection._prepared.clear()  # noqa: SLF001 -- there is no public way
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                with suppress(psycopg.OperationalError):  # lost meanwhile: Postgres rolls back by itself
                    self.connection.execute(ROLLBACK, prepare=False)


def seen(records: Sequence[Record]) -> list[Seen]:
    """Read what `statements.look` gave."""
    number = int.from_bytes
    found: list[Seen] = []
    last = -1
    for id_, path, kind, version, page_count, effective, stamp, is_paused, no, page in records:
        assert id_ and path and kind and version and page_count and effective and stamp and is_paused  # noqa: PT018
        object_id = number(id_)
        if object_id != last:
            last = object_id
            row = Row(object_id, path.decode(), kind.decode(), number(version), number(page_count),
                      effective.decode(), stamp.decode(), is_paused != b"\0")  # fmt: skip
            pages_of: dict[int, bytes] = {}
            found.append(Seen(row, pages_of, row.version))
        if no is not None and page is not None:
            pages_of[number(no)] = page
    return found


def keys_of(paths: Iterable[str]) -> str:
    """Write the paths' keys as an array."""
    return "{" + ",".join([path_key(path).hex for path in paths]) + "}"
