"""What a batch writes, all of it in one round trip: pages, versions, journal, answers under keys, what is to be woken.

A guess is written by one statement, which is a transaction of its own; another follows in it where objects are made or
to be woken. What is not so plain, such as a file that became shorter, takes several statements in a pipeline.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson
import psycopg

from objects.engine.holding import keys_of
from objects.engine.interruptions import CommitUnknown, WrongGuess
from objects.engine.prepared import Asked, Parameter, numbered
from objects.engine.statements import BEGIN, COMMIT
from objects.storage import pages
from objects.timing import index
from teams import clock

if TYPE_CHECKING:
    from objects.engine.transaction import Transaction

WAKE = numbered(index.WRITE)
PAGES_AT_ONCE = 2_048  # 8 MiB in one statement: a large file takes several, or there would be four copies of it


class Commit:
    """The end of a transaction. Made once its calls have run; the images then count what they changed as their own.

    versions: of every object named, after it. changed: the objects that it changed, with their length in pages.
    page_count: how many pages it writes.
    stamp: what Postgres gave the rows that it changed, as their `xmin`; "" until it is written.
    """

    __slots__ = ("_bucket", "_tx", "_writes", "changed", "page_count", "stamp", "versions")

    def __init__(self, tx: "Transaction", bucket: int) -> None:
        self._tx = tx
        self._bucket = bucket
        self.stamp = ""
        self.versions: dict[int, int] = {row.id: row.version for row in tx.rows.values()}
        self._writes: list[pages.Write] = []
        for object_id, image in tx.images.items():
            change = image.commit(bucket)
            if change is not None:
                self.versions[object_id] += 1
                self._writes.append(pages.Write(object_id, self.versions[object_id], change))
        self.changed = {write.object_id: write.change.page_count for write in self._writes}
        self.page_count = sum(len(write.change.pages) for write in self._writes)
        for line in tx.lines:
            line.version = self.versions[line.object_id]

    @property
    def is_needed(self) -> bool:
        """Whether anything is to be written or found out: not for what only read what it had read at one moment."""
        tx = self._tx
        return not tx.reading and not (
            tx.guessing and tx.is_fresh and not (self._writes or tx.lines or tx.unmade or tx.answers.kept or tx.wakes)
        )

    @property
    def is_plain(self) -> bool:
        """Whether one round trip without BEGIN and COMMIT does it."""
        tx = self._tx
        return tx.guessing and not (
            tx.answers.kept
            or any(
                write.change.page_count < write.change.old_page_count or len(write.change.pages) > PAGES_AT_ONCE
                for write in self._writes
            )
        )

    def write(self) -> None:
        """Write it and wait until it is durable.

        Raises CommitUnknown when the connection broke meanwhile, WrongGuess; any other psycopg.Error means that nothing
        was done.
        """
        try:
            if not self.is_plain:
                self._write_long()
            elif further := self.further():
                written, *_ = self._tx.prepared.run_all([self.statement(), *further])
                self.is_written(written[0])
            else:
                self.is_written(self._tx.prepared.run(*self.statement()))
        except psycopg.Error as error:
            failure = self.failure(error)
            if failure is error:
                raise
            raise failure from error

    def further(self) -> list[Asked]:
        """Give the statements beside the one, where it is plain."""
        tx = self._tx
        further: list[Asked] = []
        if tx.unmade:
            further.append((tx.statements.forget_redirects, [self._keys_made()]))
        if tx.wakes:
            paused = [row.id for row in tx.rows.values() if row.is_paused]
            further.append((WAKE, index.write_parameters(tx.schema, tx.wakes, paused)))
        return further

    def statement(self) -> tuple[bytes, list[Parameter]]:
        """Give the one statement that writes it, where it is plain; `is_written` takes what that gives."""
        tx, writes, bucket = self._tx, self._writes, self._bucket
        texts = tx.statements
        young = all(write.change.is_young for write in writes)
        written = pages.write_parameters(writes, bucket, young=young)
        lines = orjson.dumps(tx.lines)
        if tx.unmade:
            statement = texts.commit_new_young if young else texts.commit_new
            return statement, self._named_new(written, lines)
        if len(tx.rows) == len(writes) == 1:
            (row,), (write,) = tx.rows.values(), writes
            statement = texts.commit_one_young if young else texts.commit_one
            return statement, [write.version, write.change.page_count, row.id, row.stamp, *written, lines]
        statement = texts.commit_young if young else texts.commit_guess
        return statement, self._named(written, lines)

    def is_written(self, first: list[bytes | None]) -> None:
        """Take note of what the statement gave: its first row."""
        self.stamp = (first[0] or b"").decode() if first else ""

    def failure(self, error: psycopg.Error) -> BaseException:
        """Say what it means that writing failed so."""
        tx = self._tx
        if isinstance(error, psycopg.errors.DivisionByZero | psycopg.errors.UniqueViolation):
            # Also where a key was used before: the careful way finds its answer.
            return WrongGuess() if tx.guessed else error
        if not isinstance(error, psycopg.OperationalError) or error.diag.severity_nonlocalized == "ERROR":
            return error  # Postgres says that it was rolled back
        last = tx.lines[-1] if tx.lines else None
        sought = None if last is None else (last.object_id, last.version, last.at)
        xid = "" if tx.guessing else tx.xid
        return CommitUnknown(xid, tx.prepared.backend_pid, tx.statements.took_place, sought)

    def _write_long(self) -> None:
        tx, connection = self._tx, self._tx.connection
        before, self._writes = pages.in_parts(self._writes, PAGES_AT_ONCE)
        if before and tx.guessing:
            connection.execute(BEGIN)
        for write in before:
            pages.write(connection, tx.schema, [write], self._bucket)
        written, lines = pages.write_parameters(self._writes, self._bucket), orjson.dumps(tx.lines).decode()
        with connection.pipeline():
            if tx.guessing and not before:
                connection.execute(BEGIN)
            if tx.unmade:
                told = connection.execute(tx.statements.commit_new_all, self._named_new(written, lines))
                connection.execute(tx.statements.forget_redirects_all, [self._keys_made()])
            else:
                told = connection.execute(tx.statements.commit_all, self._named(written, lines))
            pages.shorten(connection, tx.schema, self._writes, self._bucket)
            self._write_answers()
            if tx.wakes:
                index.write(connection, tx.schema, tx.wakes)
            ended = connection.execute(COMMIT)
        if ended.statusmessage != "COMMIT":  # so Postgres answers where a statement failed unminded
            raise psycopg.errors.InFailedSqlTransaction("the transaction was rolled back instead of committed")
        stamp, *_ = told.fetchone() or ("",)
        self.stamp = str(stamp)

    def _named(self, written: list[Any], lines: bytes | str) -> list[Any]:
        """Give the parameters of the statement for many objects."""
        unmade = self._tx.unmade
        rows = sorted((row for row in self._tx.rows.values() if row.id not in unmade), key=lambda row: row.id)
        writes = [write for write in self._writes if write.object_id not in unmade]
        return [
            _array(row.id for row in rows),
            _array(write.object_id for write in writes),
            _array(write.version for write in writes),
            _array(write.change.page_count for write in writes),
            *written,
            lines,
            _array(row.stamp for row in rows) if self._tx.guessing else None,
        ]

    def _named_new(self, written: list[Any], lines: bytes | str) -> list[Any]:
        """Give the parameters of the statement that makes objects, too."""
        unmade = self._tx.unmade.values()
        counts = {write.object_id: write.change.page_count for write in self._writes}
        made = orjson.dumps([each.written(self.versions[each.row.id], counts.get(each.row.id, 0)) for each in unmade])
        parents = _array({each.parent_id for each in unmade})
        return [made.decode(), parents, self._keys_made(), *self._named(written, lines), len(unmade)]

    def _keys_made(self) -> str:
        return keys_of([each.row.path for each in self._tx.unmade.values()])

    def _write_answers(self) -> None:
        kept = self._tx.answers.kept
        if kept:
            parameters = (
                clock.now(),
                _array(each.object_id for each in kept),
                [each.caller for each in kept],
                [each.key for each in kept],
                [each.fingerprint for each in kept],
                [each.value.decode() for each in kept],
                _array(self.versions[each.object_id] for each in kept),
            )
            self._tx.connection.execute(self._tx.statements.keep_answers, parameters)


def _array(numbers: Iterable[int | str]) -> str:
    # As text: psycopg would choose the element's type by the largest number, and each type is a prepared statement.
    return "{" + ",".join(map(str, numbers)) + "}"
