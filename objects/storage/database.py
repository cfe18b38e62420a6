"""What runs SQL on an image: quick for the platform's code, watched for users'.

One connection serves both. Its authorizer and progress handler are set once, since setting an authorizer makes SQLite
compile every cached statement again; who asks is known by `_limits`, which only `ask` sets. Users' statements never
enter the statement cache and never come out of it: one compiled for the platform has not met the guard.
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import apsw

from objects.storage import functions, guard, tables
from objects.storage.functions import MOST_VALUE_BYTES
from objects.storage.vfs import PAGE_BYTES, SQLITE_CACHE_KIB, clock
from teams.problems import Conflict, OutOfTime, Problem, TooLarge, WrongArgument

Value = None | int | float | str | bytes
Parameters = Sequence[Any] | Mapping[str, Any]
Each = Callable[[Sequence[str], Sequence[Value]], None]
Watch = Callable[[str, str, Sequence[Value] | None, Sequence[Value] | None], None]  # table, what, before, after

DEFAULT_MAX_PAGES = 262_144  # 1 GiB
# Steps of SQLite's machine between two looks at the clock. A step that calls a function on long values may take
# 0.1 s, so a look costs less (0.15 us) than what it saves.
STEPS_A_LOOK = 250
# Sources: https://sqlite.org/limits.html. Depths are those that a thread's stack of 512 kB holds.
_CONNECTION_LIMITS = {
    apsw.SQLITE_LIMIT_LENGTH: MOST_VALUE_BYTES,
    apsw.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    apsw.SQLITE_LIMIT_COLUMN: 1_000,
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 500,
    apsw.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    apsw.SQLITE_LIMIT_VDBE_OP: 1_000_000,
    apsw.SQLITE_LIMIT_FUNCTION_ARG: 127,
    apsw.SQLITE_LIMIT_ATTACHED: 0,
    apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 128,  # matching takes text times pattern
    apsw.SQLITE_LIMIT_VARIABLE_NUMBER: 32_766,
    apsw.SQLITE_LIMIT_TRIGGER_DEPTH: 100,
    apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_CONNECTION_SETTINGS = (
    (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
    (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1),
    (apsw.SQLITE_DBCONFIG_DQS_DML, 0),  # "text" in double quotes is a name, as the standard has it
    (apsw.SQLITE_DBCONFIG_DQS_DDL, 0),
)
_PRAGMAS = (
    "PRAGMA locking_mode=exclusive; PRAGMA journal_mode=memory; PRAGMA synchronous=off; PRAGMA temp_store=memory;"
    f"PRAGMA cache_spill=off; PRAGMA recursive_triggers=on; PRAGMA cache_size=-{SQLITE_CACHE_KIB}"
)


_REWRITES = frozenset({apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one `ask` may use. Each is met with a refusal that names it, but rows and bytes, which cut the answer."""

    seconds: float = 5.0
    rows: int = 10_000
    bytes: int = 4_000_000  # of the answer's values
    value_bytes: int = 2_000_000  # one text or blob, also on the way
    # What SQLite's memory in the whole process may grow by while the query runs; neighbours count in.
    memory_bytes: int = 128 * 2**20


@dataclass(slots=True)
class Rows:
    """An answer: the last statement that gives rows, and how many rows all statements changed.

    truncated: there was more; `note` tells the limit and the way out.
    rewritten: how many of the changed rows were there before: those of UPDATE and DELETE.
    """

    columns: list[str] = field(default_factory=list)
    rows: list[list[Value]] = field(default_factory=list)
    changed: int = 0
    truncated: bool = False
    note: str = ""
    rewritten: int = 0


class Transactions(Protocol):
    """What a database needs of its image, `objects.storage.image.Image`."""

    lost: BaseException | None

    @property
    def is_torn(self) -> bool:
        """Tell whether SQLite ended the transaction under way by itself."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Give what rolls back on an exception."""

    def confirm(self) -> None:
        """Raise what stands against keeping the work."""


class Database:
    """SQL on one object's file. Belongs to the image and to the thread that uses the image.

    now: Unix seconds; what SQLite's `'now'` is.
    chance: gives the generator that SQLite's `random()` and `randomblob()` draw from.
    deadline: `time.monotonic()` at which any statement stops with OutOfTime; infinite when nobody set it.
    too_long: raised in place of any SQL of a user's that may take long in one step, in which nobody can stop it (see
      `guard.is_brief`); None where it may.
    max_pages: the quota; a statement that needs more is refused with TooLarge.
    """

    __slots__ = (
        "_altered",
        "_connection",
        "_cursor",
        "_fresh",
        "_heap_most",
        "_image",
        "_is_long",
        "_limits",
        "_max_pages",
        "_quota_is_set",
        "_reads_only",
        "_refusal",
        "_rewritten",
        "_stop_at",
        "_stopped",
        "chance",
        "deadline",
        "now",
        "too_long",
    )  # fmt: skip

    def __init__(self, image: Transactions, connection: apsw.Connection) -> None:
        self._image = image
        self.now = 0.0
        self.chance: Callable[[], random.Random] = _no_chance
        self.deadline = math.inf
        self.too_long: type[BaseException] | None = None
        self._max_pages = DEFAULT_MAX_PAGES
        self.attach(connection)

    def attach(self, connection: apsw.Connection) -> None:
        """Run on this connection from now on, with all guards set. Reads no page."""
        self._connection = connection
        self._fresh = True
        self._quota_is_set = False
        self._limits: Limits | None = None
        self._reads_only = self._altered = self._rewritten = self._is_long = False
        self._refusal: str | None = None
        self._stopped: str | None = None
        self._stop_at = self._heap_most = math.inf
        for setting, value in _CONNECTION_SETTINGS:
            connection.config(setting, value)
        for limit, value in _CONNECTION_LIMITS.items():
            connection.limit(limit, value)
        functions.install(connection, lambda: self.chance())  # noqa: PLW0108 -- looked up anew for each call
        connection.authorizer = self._authorize
        connection.set_progress_handler(self._look, STEPS_A_LOOK)
        self._cursor = connection.cursor()

    def settle(self) -> None:
        """Set what reads the first page, and so has to wait until a page can be fetched. Not inside a transaction."""
        if self._quota_is_set:
            return
        pragmas = f"PRAGMA max_page_count={self._max_pages}" + (f"; {_PRAGMAS}" if self._fresh else "")
        try:
            self._connection.execute(pragmas, can_cache=False).fetchall()
        except (apsw.Error, MemoryError) as error:
            raise self._seen(error) from error
        self._fresh, self._quota_is_set = False, True

    @property
    def max_pages(self) -> int:
        return self._max_pages

    @max_pages.setter
    def max_pages(self, count: int) -> None:
        if count != self._max_pages:
            self._max_pages = count
            self._quota_is_set = False

    def run(self, sql: str, params: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement of the platform's or a kind's; give its rows.

        Raises OutOfTime and TooLarge at the limits; apsw's errors tell a mistake in the calling code; what the fetch
        of a page raises comes through as itself.
        """
        if self._image.lost is not None:
            raise self._image.lost
        clock.now = self.now
        if not self._quota_is_set:
            self.settle()
        try:
            return self._cursor.execute(sql, params).fetchall()
        except (apsw.Error, MemoryError) as error:
            raise self._seen(error) from error
        except BaseException as error:
            self._check_lost(error)
            raise

    def execute_many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run a statement of the platform's once for each row of parameters. Raises as `run` does."""
        if self._image.lost is not None:
            raise self._image.lost
        clock.now = self.now
        if not self._quota_is_set:
            self.settle()
        try:
            # A cursor of its own: the rows may come from a generator that runs SQL as well.
            self._connection.executemany(sql, rows).fetchall()
        except (apsw.Error, MemoryError) as error:
            raise self._seen(error) from error
        except BaseException as error:
            self._check_lost(error)
            raise

    def has(self, table: str) -> bool:
        """Tell whether one of the platform's tables is there. Costs next to nothing: SQLite looks into its memory."""
        if self._image.lost is not None:
            raise self._image.lost
        if not self._quota_is_set:
            self.settle()
        try:
            return self._connection.table_exists("main", table)
        except (apsw.Error, MemoryError) as error:
            raise self._seen(error) from error
        except BaseException as error:
            self._check_lost(error)
            raise

    def need(self, table: str) -> None:
        """Make one of the platform's tables (`tables.TABLES`) unless it is there."""
        if not self.has(table):
            self.run(tables.TABLES[table])

    def tidy(self) -> None:
        """Make the file as short as its content allows. Outside of any mark; takes memory of twice the file."""
        self._connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 1)  # VACUUM attaches the new file, which is in memory
        try:
            self.run("VACUUM")
        finally:
            self._connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)

    @contextmanager
    def blob(self, table: str, column: str, rowid: int, *, writable: bool = False) -> Iterator[apsw.Blob]:
        """Open a blob to read or write it in parts; its size is fixed (make it with `zeroblob(n)`)."""
        if self._image.lost is not None:
            raise self._image.lost
        try:
            with self._connection.blob_open("main", table, column, rowid, writable) as blob:
                yield blob
        except (apsw.Error, MemoryError) as error:
            raise self._seen(error) from error
        except BaseException as error:
            self._check_lost(error)
            raise

    def ask(
        self,
        sql: str,
        params: Parameters | None = None,
        limits: Limits | None = None,
        *,
        reads_only: bool = False,
        each: Each | None = None,
        watch: Watch | None = None,
    ) -> Rows:
        """Run SQL that a user wrote, one statement or several: all of it or nothing.

        params: a list for `?`, an object for `:name`. reads_only: refuse what writes.
        each: takes every row (columns, values) as it comes; the answer then holds none, and its limits do not apply.
        watch: is told of every row that is inserted, updated or deleted, as it happens.
        Raises WrongArgument("query" or "params") with SQLite's own message and the place, OutOfTime, TooLarge.
        """
        if self._image.lost is not None:
            raise self._image.lost
        limits = limits or Limits()
        with self._image.savepoint():
            clock.now = self.now
            self._limits, self._reads_only, self._altered, self._refusal = limits, reads_only, False, None
            self._rewritten = self._is_long = False
            self._stop_at = time.monotonic() + limits.seconds
            self._heap_most = apsw.memory_used() + limits.memory_bytes
            most = limits.value_bytes if self.too_long is None else min(limits.value_bytes, guard.BRIEF_BYTES)
            self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, most)
            query = _Query(self._connection, sql, limits, reads_only=reads_only, each=each)
            query.rewrites = self._rewrites
            if watch is not None:
                self._connection.preupdate_hook(_watching(watch))
            try:
                answer = query.answer(params)
            except Problem as problem:  # of a function or of a statement that was refused as it began
                self._check_lost(problem)
                raise
            except Exception as error:
                if self.too_long is not None and (self._is_long or isinstance(error, apsw.TooBigError)):
                    raise self.too_long from error
                told = self._asked(error, sql, query.place)
                self._check_lost(told)
                raise told from error
            finally:
                if watch is not None:
                    self._connection.preupdate_hook(None)
                self._limits, self._reads_only = None, False
                self._stop_at = self._heap_most = math.inf
                self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
            if self._altered:
                self._check_names()
            self._image.confirm()
            return answer

    def _check_names(self) -> None:
        # ALTER TABLE ... RENAME TO does not tell the authorizer the new name.
        schema: Any = self._connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        if taken := tables.foreign(schema):
            raise WrongArgument("query", f"{taken[0]}: names that start with _ and sqlar are kept for the platform.")

    def _authorize(self, action: int, first: str | None, second: str | None, schema: str | None, by: str | None) -> int:
        # A trigger or view is the user's also when the statement that sets it off is the platform's.
        if self._limits is None and by is None:
            return apsw.SQLITE_OK
        if self.too_long is not None and self._limits is not None and not guard.is_brief(action, second):
            self._is_long = True
            return apsw.SQLITE_DENY
        if action == apsw.SQLITE_ANALYZE and first is not None and tables.is_platform(first):
            return apsw.SQLITE_IGNORE
        if action == apsw.SQLITE_ALTER_TABLE:
            self._altered = True
        elif action in _REWRITES and by is None:
            self._rewritten = True
        refusal = guard.refusal(action, first, second, schema)
        if refusal is None:
            return apsw.SQLITE_OK
        self._refusal = self._refusal or refusal
        return apsw.SQLITE_DENY

    def _rewrites(self) -> bool:
        """Whether the statement that was compiled last updates or deletes rows; asked once a statement."""
        rewritten, self._rewritten = self._rewritten, False
        return rewritten

    def _look(self) -> bool:
        # SQLite calls it from inside every longer statement; True stops the statement.
        moment = time.monotonic()
        if moment > self._stop_at:
            self._stopped = "query"
        elif moment > self.deadline:
            self._stopped = "call"
        elif self._limits is not None and apsw.memory_used() > self._heap_most:
            self._stopped = "memory"
        else:
            return False
        return True

    def _seen(self, error: BaseException) -> BaseException:
        """Turn what SQLite said at a limit into a Problem; anything else stays as it is."""
        problem = self._at_limit(error) or error
        self._check_lost(problem)
        return problem

    def _at_limit(self, error: BaseException) -> Problem | None:
        limits = self._limits
        stopped, self._stopped = self._stopped, None
        if isinstance(error, apsw.InterruptError):
            if stopped == "memory" and limits is not None:
                return TooLarge(
                    f"the query needed more than {limits.memory_bytes:,} bytes of memory (limit sql.memory_bytes)."
                    " Sort, group or change fewer rows at once."
                )
            if stopped == "query" and limits is not None:
                return OutOfTime(
                    f"the query was stopped after {limits.seconds:g} s (limit sql.seconds). Nothing was changed;"
                    " an index or a narrower WHERE may help."
                )
            return OutOfTime("the call ran out of time inside the database. Nothing was changed.")
        if isinstance(error, apsw.FullError):
            size = self._max_pages * PAGE_BYTES
            return TooLarge(
                f"the object is full: its file may have {self._max_pages:,} pages, {size:,} bytes (limit object.pages)."
                " Delete something, or have the quota raised."
            )
        if isinstance(error, apsw.TooBigError):
            most = limits.value_bytes if limits is not None else MOST_VALUE_BYTES
            return TooLarge(
                f"a text or blob, or the query itself, is too big: the limit is {most:,} bytes (limit sql.value_bytes)."
                " Keep large contents as files."
            )
        if isinstance(error, (MemoryError, apsw.NoMemError)):
            return TooLarge("there was not enough memory for the query. Ask for less at once.")
        if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
            return Conflict("the object's file is damaged. Restore it as it was at an earlier moment.")
        return None

    def _asked(self, error: Exception, sql: str, place: int) -> Exception:
        if self._refusal is not None:
            return WrongArgument("query", f"{self._refusal}.")
        if (problem := self._at_limit(error)) is not None:
            return problem
        if isinstance(error, apsw.BindingsError | KeyError | TypeError | OverflowError | UnicodeEncodeError):
            return WrongArgument("params", _binding(error))
        if isinstance(error, UnicodeDecodeError):
            return WrongArgument("query", "a text in the answer is not UTF-8. Ask for it as hex(column) or a blob.")
        if isinstance(error, ValueError) and "null character" in str(error):
            return WrongArgument("query", "the query has a NUL character in it. Leave it out.")
        if isinstance(error, apsw.Error):
            return WrongArgument("query", str(error) + _position(sql, place, getattr(error, "error_offset", -1)))
        return error  # what the fetch of a page raised: not the user's doing

    def _check_lost(self, error: BaseException) -> None:
        # A time-out, a full file, a failed read or ON CONFLICT ROLLBACK can undo the whole transaction, not just the
        # statement. What the call did before is gone then, so it must not go on as if nothing had been.
        if self._image.lost is None and self._image.is_torn:
            self._image.lost = error


class _Query:
    """One run of a user's text: follows its statements, counts rows, bytes and changes."""

    def __init__(
        self, connection: apsw.Connection, sql: str, limits: Limits, *, reads_only: bool, each: Each | None
    ) -> None:
        self.connection = connection
        self.sql = sql
        self.limits = limits
        self.reads_only = reads_only
        self.each = each
        self.place = 0  # where in the text the statement after the one under way begins
        self.rows = Rows()
        self.writes = False
        self.rewrites: Callable[[], bool] = lambda: False
        self.is_rewriting = False
        self.changes_before = 0
        self.room = limits.bytes

    def answer(self, params: Parameters | None) -> Rows:
        cursor = self.connection.cursor()
        cursor.exec_trace = self.begins
        try:
            for row in cursor.execute(self.sql, params, can_cache=False):
                if not self.rows.truncated:
                    self.takes(row)
                elif not self.sql[self.place :].strip(" \t\r\n;"):
                    break  # nothing follows that would have to run
        finally:
            cursor.close(force=True)
        self.ended()
        return self.rows

    def begins(self, cursor: apsw.Cursor, text: str, _bindings: Any) -> bool:
        self.ended()
        start = self.sql.find(text, self.place)
        self.place = (start if start >= 0 else self.place) + len(text)
        if text.lstrip().upper().startswith("VACUUM"):
            raise WrongArgument("query", "VACUUM is refused: an object's file is tidied by the platform.")
        self.writes = not cursor.is_readonly
        if self.writes and self.reads_only:
            raise WrongArgument("query", "this call only reads: the query may not write. Use the command that changes.")
        self.changes_before = self.connection.total_changes()
        self.is_rewriting = self.rewrites()
        if columns := cursor.get_description():
            before = self.rows
            self.rows = Rows([column[0] for column in columns], changed=before.changed, rewritten=before.rewritten)
            self.room = self.limits.bytes
        return True

    def ended(self) -> None:
        if self.writes and self.connection.total_changes() != self.changes_before:
            changed = self.connection.changes()
            self.rows.changed += changed
            self.rows.rewritten += changed if self.is_rewriting else 0
        self.writes = False

    def takes(self, row: tuple[Value, ...]) -> None:
        answer, limits = self.rows, self.limits
        if self.each is not None:
            self.each(answer.columns, row)
            return
        room = self.room
        for value in row:
            kind = type(value)
            room -= len(value) if kind is str or kind is bytes else 8  # type: ignore[arg-type]
        self.room = room
        if len(answer.rows) >= limits.rows:
            answer.note = f"cut at {limits.rows:,} rows (limit sql.rows). Use LIMIT and OFFSET to get the rest."
        elif room < 0:
            answer.note = f"cut at {limits.bytes:,} bytes (limit sql.bytes). Ask for fewer columns or rows."
        else:
            answer.rows.append(list(row))
            return
        answer.truncated = True


def _watching(watch: Watch) -> Callable[[apsw.PreUpdate], None]:
    """Make SQLite's hook of who wants to know of each row; rows of the platform's tables are nobody's business."""

    def told(update: apsw.PreUpdate) -> None:
        if not tables.is_platform(update.table_name):
            watch(update.table_name, update.op.lower(), update.old, update.new)

    return told


def _no_chance() -> random.Random:
    raise RuntimeError("nobody has set the database's chance")


def _binding(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no value for :{error.args[0]}. Give an object with every name that the query has."
    if isinstance(error, apsw.BindingsError):
        return f"{str(error).rstrip('!.')}. Give one value for each ? of the query."
    return f"{error}. A value is null, a number of 64 bits, a text or bytes."


def _position(sql: str, place: int, offset: int) -> str:
    """Say where a statement that begins at `place` fails; offset: of SQLite, in UTF-8 bytes, -1 for unknown."""
    if offset < 0:
        return ""
    before = sql[:place] + sql[place:].encode()[:offset].decode(errors="ignore")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return f" (line {line}, column {column})"
