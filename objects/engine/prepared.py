"""Statements that libpq runs by itself: psycopg's own way costs a commit 0.1 ms of the interpreter, more than SQLite.

For statements that are run again and again outside of any transaction, alone or a few in one round trip. Everything
else is psycopg's.
"""

import re
from collections import OrderedDict
from collections.abc import Generator, Sequence
from itertools import count
from select import POLLIN, POLLOUT, poll
from struct import pack
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

KEPT = 1_500  # statements a connection, three each of 500 teams: Postgres keeps a plan of up to 100 kB for each
BYTEA = 17  # type number
TEXT, BINARY = 0, 1  # forms of a parameter

Parameter = bytes | str | int | list[bytes]
Asked = tuple[bytes, Sequence[Parameter]]  # a statement and its parameters
Record = list[bytes | None]

_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


def numbered(statement: bytes) -> bytes:
    """Write psycopg's placeholders as Postgres's own, $1 and so on."""
    number = count(1)
    return re.sub(rb"%[sb]", lambda _: b"$%d" % next(number), statement)


def bytes_array(values: Sequence[bytes]) -> bytes:
    """Write a bytea[] in Postgres's binary form."""
    parts = [pack(">iiIii", 1, 0, BYTEA, len(values), 1)] if values else [pack(">iiI", 0, 0, BYTEA)]
    for value in values:
        parts += (len(value).to_bytes(4, "big"), value)
    return b"".join(parts)


class Prepared:
    """The prepared statements of one connection, beside psycopg's. Used by the connection's one thread."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.backend_pid = connection.info.backend_pid  # a connection that is lost tells it no more
        self._pgconn: PGconn = connection.pgconn
        self._names: OrderedDict[bytes, bytes] = OrderedDict()
        self._number = count()

    def run(self, statement: bytes, parameters: Sequence[Parameter]) -> Record:
        """Run a statement with numbered parameters; give its first row as text, [] when there is none.

        parameters: in their text form; a list is a bytea[]. Raises psycopg.Error.
        """
        return _first_row(self._alone(statement, parameters, TEXT))

    def ask(self, statement: bytes, parameters: Sequence[Parameter]) -> list[Record]:
        """Run a statement as `run` does; give all its rows, in Postgres's binary form."""
        return _rows(self._alone(statement, parameters, BINARY))

    def run_all(self, asked: Sequence[Asked]) -> list[list[Record]]:
        """Run several statements in one round trip and one transaction; give the rows of each, in binary form.

        Each sees what was committed before it begins, unlike the parts of one statement.
        """
        try:
            results = self._together(asked)
        except errors.InvalidSqlStatementName:
            self._names.clear()  # see `_alone`
            results = self._together(asked)
        return [_rows(result) for result in results]

    def _alone(self, statement: bytes, parameters: Sequence[Parameter], form: int) -> PGresult:
        written = [_written(each) for each in parameters]
        forms = [BINARY if type(each) is list else TEXT for each in parameters]
        result = self._pgconn.exec_prepared(self._named(statement), written, forms, form)
        if result.status not in _GOOD:
            error = self._error(result)
            if not isinstance(error, errors.InvalidSqlStatementName):
                raise error
            # After a rollback psycopg has Postgres forget all statements of the connection, ours too.
            self._names.clear()
            result = self._pgconn.exec_prepared(self._prepare(statement), written, forms, form)
            if result.status not in _GOOD:
                raise self._error(result)
        return result

    def _together(self, asked: Sequence[Asked]) -> list[PGresult]:
        pgconn = self._pgconn
        for statement, _ in asked:  # first, so that none makes room for another
            if statement in self._names:
                self._names.move_to_end(statement)
        names = [self._named(statement) for statement, _ in asked]
        pgconn.enter_pipeline_mode()
        for name, (_, parameters) in zip(names, asked, strict=True):
            written = [_written(each) for each in parameters]
            forms = [BINARY if type(each) is list else TEXT for each in parameters]
            pgconn.send_query_prepared(name, written, forms, BINARY)
        pgconn.pipeline_sync()
        results = self._until_synced()
        pgconn.exit_pipeline_mode()
        for result in results:  # after one that failed come those that were passed over
            if result.status not in _GOOD:
                raise self._error(result)
        return results

    def _until_synced(self) -> list[PGresult]:
        """Wait until the transaction is committed or undone, and give what came. Lets other threads run meanwhile."""
        pgconn = self._pgconn
        waiting = poll()
        unsent = pgconn.flush()
        waiting.register(pgconn.socket, POLLIN | POLLOUT if unsent else POLLIN)
        results: list[PGresult] = []
        while True:
            waiting.poll()
            pgconn.consume_input()  # raises psycopg.OperationalError where the connection is lost
            if unsent and not (unsent := pgconn.flush()):
                waiting.modify(pgconn.socket, POLLIN)
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    if pgconn.status == ConnStatus.BAD:
                        raise psycopg.OperationalError("the connection to Postgres was lost")
                elif result.status == ExecStatus.PIPELINE_SYNC:
                    return results
                else:
                    results.append(result)

    def steps(self, statement: bytes, parameters: Sequence[Parameter]) -> Generator[None, PGresult, Record]:
        """Do what `run` does in steps, for who cannot wait: at each something was sent, and its result is wanted."""
        return _first_row((yield from self._steps(statement, parameters, TEXT)))

    def rows_in_steps(
        self, statement: bytes, parameters: Sequence[Parameter]
    ) -> Generator[None, PGresult, list[Record]]:
        """Do what `ask` does in steps."""
        return _rows((yield from self._steps(statement, parameters, BINARY)))

    def _steps(
        self, statement: bytes, parameters: Sequence[Parameter], form: int
    ) -> Generator[None, PGresult, PGresult]:
        written = [_written(each) for each in parameters]
        forms = [BINARY if type(each) is list else TEXT for each in parameters]
        name = self._names.get(statement)
        if name is None:
            if len(self._names) >= KEPT:
                _, oldest = self._names.popitem(last=False)
                self._pgconn.send_query(b"DEALLOCATE " + oldest)
                yield
            name = b"grove_%d" % next(self._number)
            self._pgconn.send_prepare(name, statement)
            self._check((yield))
            self._names[statement] = name
        self._names.move_to_end(statement)
        self._pgconn.send_query_prepared(name, written, forms, form)
        result = yield
        self._check(result)
        return result

    def _check(self, result: PGresult) -> None:
        if result.status not in _GOOD:
            error = self._error(result)
            if isinstance(error, errors.InvalidSqlStatementName):
                self._names.clear()
            raise error

    def _named(self, statement: bytes) -> bytes:
        name = self._names.get(statement)
        if name is None:
            return self._prepare(statement)
        self._names.move_to_end(statement)
        return name

    def _prepare(self, statement: bytes) -> bytes:
        if len(self._names) >= KEPT:
            _, oldest = self._names.popitem(last=False)
            self._pgconn.exec_(b"DEALLOCATE " + oldest)
        name = b"grove_%d" % next(self._number)
        result = self._pgconn.prepare(name, statement)
        if result.status != ExecStatus.COMMAND_OK:
            raise self._error(result)
        self._names[statement] = name
        return name

    def _error(self, result: PGresult) -> psycopg.Error:
        if self._pgconn.status == ConnStatus.BAD and not result.error_field(DiagnosticField.SQLSTATE):
            return psycopg.OperationalError("the connection to Postgres was lost", info=result)
        return errors.error_from_result(result)


def _rows(result: PGresult) -> list[Record]:
    columns = range(result.nfields)
    return [[result.get_value(row, column) for column in columns] for row in range(result.ntuples)]


def _first_row(result: PGresult) -> Record:
    return [result.get_value(0, column) for column in range(result.nfields)] if result.ntuples else []


def _written(value: Parameter) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return b"%d" % value if isinstance(value, int) else bytes_array(value)
