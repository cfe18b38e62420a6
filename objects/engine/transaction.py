"""One batch: take hold of its objects, run each call in a savepoint, write it all in one round trip."""

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

from objects.commands.registry import Registry
from objects.commands.spec import CommandSpec
from objects.engine.answers import fingerprint_of
from objects.engine.calls import Call, Event, Outcome
from objects.engine.commit import Commit
from objects.engine.context import Context
from objects.engine.frame import Frame, Line, Row
from objects.engine.holding import Holding
from objects.engine.interruptions import NeedsLock, NeedsThread, NotReading, WrongGuess
from objects.engine.prepared import Prepared
from objects.engine.statements import XID
from objects.storage import pages
from objects.storage.cache import ImageCache
from objects.storage.image import Image
from objects.storage.vfs import PAGE_BYTES
from objects.timing import index
from objects.tree import tree
from objects.tree.paths import ObjectPath
from teams import clock
from teams.access import Caller, Role, decide, exists_for
from teams.limits import Limits
from teams.problems import (
    Conflict,
    Fault,
    NeedsConfirmation,
    NoSuch,
    OutOfTime,
    OverLimit,
    Problem,
    TooLarge,
)

log = logging.getLogger("grove.engine")

ASKED = ("page", "terminal")  # surfaces where a person can be asked
OVERRUN_S = 0.02  # what takes longer on an event loop is stopped or taken back, and left to a thread
SIZED = (str, list, dict)


@dataclass(slots=True)
class _Permitted:
    """What a call was found to be allowed. Most calls of a batch are like the one before, and nothing of it changes."""

    caller: Caller
    row: Row
    name: str
    spec: CommandSpec


class Transaction(Holding):
    """One transaction for calls of one team; made anew for each batch, used by one thread."""

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
        super().__init__(
            connection,
            prepared,
            schema,
            registry=registry,
            limits=limits,
            claim=claim,
            reading=reading,
            on_loop=on_loop,
        )
        self.before: Transaction | None = None  # whose commit is under way, while this one runs ahead
        self.cache = cache
        self.images: dict[int, Image] = {}
        self.events: list[tuple[Row, str, Any]] = []
        self.wakes: dict[tuple[int, str], index.Due] = {}  # by object and source
        self.lines: list[Line] = []
        self._outcomes: list[tuple[Row, Outcome]] = []
        self._reload: set[int] = set()  # objects whose pages a command wrote past the image
        self._permitted: _Permitted | None = None

    def open(self, calls: Sequence[Call], cold: set[str]) -> None:
        """Begin with locks, and make the objects that the calls want to be made."""
        super().open(calls, cold)
        if not self.reading:
            self._create_absent(calls)

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
                image.prime(self.first_pages(row.id))
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
        if row is not None and row.id in self.new:
            self._settle_new(row, outcome)
        if row is not None and row.path in self.rows:
            self._outcomes.append((row, outcome))
        return outcome

    def _absent(self, call: Call) -> Row:
        """Create the object on its first use, if asked to, or say that there is none."""
        if call.create is None or self.reading or self.moved_to(call.caller, call.path):
            raise self.nowhere(call.caller, call.path)
        decide(call.caller, self.schema, call.path, command="tree.create", verb="changes", needs=Role.EDITOR)
        self.registry.kind(call.create)
        mark = self.pg_save()
        try:
            node = tree.create(self.postgres, self.schema, call.path, call.create, parents=True)
        except Conflict:  # somebody else made it since the lock
            self.pg_undo(mark)
            row = self.lock(call.path)
            if row is None:
                raise self.nowhere(call.caller, call.path) from None
            return row
        except BaseException:
            self.pg_undo(mark)
            raise
        return self._made(node, mark)

    def _create_absent(self, calls: Sequence[Call]) -> None:
        """Create in one go the objects that the calls want to be created; what is not so plain is left to `_absent`."""
        asked = {
            ObjectPath(call.path): call.create or ""
            for call in calls
            if call.path not in self.rows and self.may_make(call)
        }
        if asked:
            with suppress(OverLimit):  # no room: each call learns it for itself
                for node in tree.create_many(self.connection, self.schema, asked):
                    self._made(node)

    def _made(self, node: tree.Node, mark: str = "") -> Row:
        """Take note of an object that was made since the mark; it goes again if its first call is refused."""
        if not self.xid:
            (self.xid,) = self.connection.execute(XID).fetchone() or ("",)
        effective = orjson.dumps(node.effective).decode()
        row = self.rows[node.path] = Row(node.id, node.path, node.kind, node.version, node.pages, effective, "")
        self.new[node.id] = mark
        return row

    def _settle_new(self, row: Row, outcome: Outcome) -> None:
        """Keep an object that was made for this call, or take it away again where the call was refused."""
        mark = self.new.pop(row.id)
        if outcome.problem is None:
            return
        if self.unmade.pop(row.id, None) is None:
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
        decide(
            call.caller,
            self.schema,
            row.path,
            command=spec.name,
            verb=spec.verb,
            needs=spec.needs,
            operators=spec.operators,
        )
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
        if commit.is_needed:
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
        commit = self._commit
        if not commit.is_needed:
            return self.rows
        # What is written within a savepoint bears another stamp, and an answer that was lost told none.
        if self.pg_marks or not commit.stamp:
            return {}
        for row in self.rows.values():
            if row.id in commit.changed:
                row.version, row.stamp = commit.versions[row.id], commit.stamp
                row.pages = commit.changed[row.id]
            elif row.id in self.unmade:
                row.stamp = commit.stamp
        return {path: row for path, row in self.rows.items() if row.stamp}  # one made here and left as it was has none

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
        if (
            not self.on_loop
        ):  # where all that it says to Postgres is one statement, and one of another's may be under way
            self.let_go()
