"""SQL: the user's own tables in the object's SQLite file, asked and changed in SQL.

Whole numbers have 64 bits here. A client whose numbers are floats (JavaScript) sees those beyond 2^53 rounded: select
them as text. A blob is `{"base64": "…"}` in answers and in `params`, an infinite number the text "Infinity".
"""

import base64
import binascii
import math
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Annotated, Any, Final, Literal

import apsw

from objects.facilities.tabular import Csv, JsonLines, csv_line, json_line, turned, wrong_line
from objects.sdk import Asks, Content, Download, Facility, Help, Json, Length, RestOfLine, SqlLimits, Tab, command
from teams.problems import NoSuch, TooLarge, WrongArgument

COUNTED: Final = 1_000
EXPORT_BYTES: Final = 1 << 28  # a file that `sql.export` gives
SPOOL_BYTES: Final = 1 << 20  # what is larger waits on disk, not in memory
CHUNK_BYTES: Final = 1 << 18
TOPIC: Final = "sql"

Query = Annotated[RestOfLine, Help("SQL as SQLite knows it; several statements are one change")]
Params = Annotated[Json, Help("values: a list for ?, an object for :name")]
TableName = Annotated[str, Length(1, 255), Help("the table")]
Format = Literal["csv", "jsonl"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What SQL answered: the rows of its last statement that gives any."""

    columns: list[str]
    rows: list[list[Json]]
    changed: int  # rows, by all statements
    truncated: bool
    note: str  # where truncated: at which limit, and the way out


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view."""

    name: str
    kind: str  # table, view, virtual
    rows: int | None  # counted to 1,000 and no further; null for what is worked out when asked
    columns: dict[str, str]  # declared type by name; "" where none is declared


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    table: str
    rows: int
    created: bool
    columns: list[str]


class Sql(Facility):
    """Keeps tables and answers SQL."""

    name = "sql"
    tab = Tab("Database", order=110, name="database", asks={"tables": Asks("sql.tables")})

    @command
    def sql(self, query: Query, *, params: Params = None) -> Answer:
        """Run SQL that may change tables; all of it or nothing.

        > sql create table plant(name text, height real)
        changed 0
        > sql insert into plant values ('basil', 12.5), ('mint', 30)
        changed 2
        > sql select name from plant where height > 20
        name
        mint
        """
        return _answer(self._ask(query, params))

    @command(reads=True)
    def query(self, query: Query, *, params: Params = None) -> Answer:
        """Ask for rows; SQL that would change something is refused.

        > sql query select 6 * 7 as answer
        answer
            42
        """
        return _answer(self._ask(query, params, reads_only=True))

    @command(reads=True)
    def tables(self) -> list[Table]:
        """List tables and views with their columns.

        > sql create table plant(name text primary key, height real)
        changed 0
        > sql tables
        name   kind   rows  columns
        plant  table     0  name=TEXT, height=REAL
        """
        return [self._table(name, kind) for name, kind in self._names()]

    @command(reads=True)
    def schema(self, table: Annotated[str, Help("only this table, with what belongs to it")] = "") -> str:
        """Tell the SQL that makes the tables, indexes, views and triggers.

        > sql create table plant(name text)
        changed 0
        > sql schema
        CREATE TABLE plant(name text);
        """
        mine = {name.lower() for name, _ in self._names()}
        if table and table.lower() not in mine:
            raise NoSuch(f"{table}: no such table. `sql tables` shows those that there are.", field="table")
        rows = self.context.db.run(
            "SELECT tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
            " ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid"
        )
        wanted = {table.lower()} if table else mine
        return "\n".join(f"{sql};" for owner, sql in rows if owner.lower() in wanted)

    @command(name="import", large=True)
    def import_(
        self,
        table: TableName,
        content: Content,
        *,
        format: Annotated[Format | None, Help("left out, the file's name or its first character tells")] = None,
        delimiter: Annotated[str, Help("between the fields of CSV")] = ",",
    ) -> Imported:
        """Add the rows of a CSV or JSON Lines file to a table; all of them or none.

        A table that is not there is made, each column with the type that keeps all its cells as they are. CSV begins
        with a line of column names; an empty field is NULL, a quoted empty one an empty text.

        > sql import plant '{"name": "basil", "height": 12.5}'
        table plant  rows 1  created yes  columns name, height
        """
        if table.startswith("_") or table.lower() == "sqlar" or table.lower().startswith("sqlite_"):
            raise WrongArgument("table", f"{table}: names that start with _ or sqlite_, and sqlar, are the platform's.")
        source = JsonLines(content) if _format(content, format) == "jsonl" else Csv(content, delimiter)
        surveyed = source.survey()
        existing = next((name for name, _ in self._names() if name.lower() == table.lower()), None)
        if existing is None:
            made = ", ".join(f"{_quoted(column.name)} {column.type}".rstrip() for column in surveyed)
            self._ask(f"CREATE TABLE {_quoted(table)} ({made})", None)
            types = {column.name.lower(): column.type for column in surveyed}
        else:
            present = self._columns(table)
            types = {name.lower(): declared for name, declared in present.items()}
            if unknown := [column.name for column in surveyed if column.name.lower() not in types]:
                raise WrongArgument(
                    "content",
                    f"the table {table} has no column {', '.join(map(repr, unknown[:5]))}."
                    f" Its columns: {', '.join(present)}.",
                )
        turns = [turned(types[name.lower()]) for name in source.columns] if isinstance(source, Csv) else None
        rows = self._insert(table, source, turns)
        return Imported(table, rows, existing is None, list(source.columns))

    @command(reads=True)
    def export(
        self,
        source: Annotated[RestOfLine, Help("a table, a view or a query")],
        *,
        format: Annotated[Format, Help("csv as a spreadsheet reads it; jsonl keeps every value exactly")] = "csv",
    ) -> Download:
        """Give a table, or the rows of a query, as a file.

        Cells are written exactly as they are stored: a spreadsheet may run a text that begins with = as a formula.

        > sql import plant '{"name": "basil", "height": 12.5}'
        table plant  rows 1  created yes  columns name, height
        > sql export plant
        plant.csv  text/csv  25B
        """
        names = {name.lower(): name for name, _ in self._names()}
        found = names.get(source.strip().lower())
        query = source if found is None else f"SELECT * FROM {_quoted(found)}"  # noqa: S608 -- quoted, and reads only
        # The answer leaves after the call, when the tables may have changed: it is a copy, on disk if it is large.
        # Collected with the Download, read or not.
        copy: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        writer = _Writer(copy, format)
        answer = self._ask(query, None, reads_only=True, each=writer.row)
        writer.header(answer.columns)
        types = {"csv": "text/csv", "jsonl": "application/jsonl"}
        return Download(f"{found or 'query'}.{format}", _pieces(copy), content_type=types[format], size=copy.tell())

    def _ask(self, query: str, params: Any, **options: Any) -> Any:
        settings = self.context.settings
        limits = SqlLimits(seconds=settings.sql_seconds, rows=settings.sql_rows)
        return self.context.db.ask(query, _bound(params), limits, **options)

    def _names(self) -> list[tuple[str, str]]:
        """Give the user's tables and views with their kind, by name."""
        rows = self.context.db.run(
            "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND substr(name, 1, 1) <> '_' AND lower(name) <> 'sqlar'"
            " ORDER BY name"
        )
        return [(name, kind) for name, kind in rows]

    def _table(self, name: str, kind: str) -> Table:
        rows = None
        if kind == "table":
            counted = f"SELECT count(*) FROM (SELECT 1 FROM {_quoted(name)} LIMIT {COUNTED})"  # noqa: S608 -- quoted
            ((rows,),) = self.context.db.run(counted)
        return Table(name, kind, rows, self._columns(name))

    def _columns(self, table: str) -> dict[str, str]:
        rows = self.context.db.run(
            "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid", (table,)
        )
        return dict(rows)

    def _insert(self, table: str, source: "Csv | JsonLines", turns: Sequence[Any] | None) -> int:
        place = count = 0

        def rows() -> Iterator[list[Any]]:
            nonlocal place, count
            for place, cells in source:  # noqa: B007 -- the refusal below tells it
                count += 1
                yield cells if turns is None else [turn(cell) for turn, cell in zip(turns, cells, strict=True)]

        columns = ", ".join(map(_quoted, source.columns))
        marks = ", ".join("?" * len(source.columns))
        try:
            self.context.db.execute_many(
                f"INSERT INTO {_quoted(table)} ({columns}) VALUES ({marks})",  # noqa: S608 -- quoted names
                rows(),
            )
        except apsw.Error as error:
            raise wrong_line(place, str(error)) from error
        return count


class _Writer:
    """Writes rows into a file as they come."""

    def __init__(self, file: IO[bytes], format: Format) -> None:
        self._file = file
        self._format = format
        self._columns: Sequence[str] | None = None
        self._count = 0

    def header(self, columns: Sequence[str]) -> None:
        """Begin, unless a row has begun already."""
        if self._columns is not None:
            return
        self._columns = columns
        if not columns:
            raise WrongArgument("source", "That gives no rows. Name a table, or write a query that begins with SELECT.")
        if self._format == "csv":
            self._file.write(csv_line(columns))
        elif twice := {name for name in columns if columns.count(name) > 1}:
            raise WrongArgument("source", f"Two columns are named '{min(twice)}': name one otherwise with AS.")

    def row(self, columns: Sequence[str], cells: Sequence[Any]) -> None:
        """Add a row."""
        self.header(columns)
        if columns is not self._columns:
            raise WrongArgument("source", "Those are several queries. A file holds the rows of one.")
        self._count += 1
        self._file.write(csv_line(cells) if self._format == "csv" else json_line(columns, cells, self._count))
        if self._file.tell() > EXPORT_BYTES:
            raise TooLarge(f"The file would have more than {EXPORT_BYTES:,} bytes. Export parts, with WHERE.")


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _format(content: Content, named: Format | None) -> Format:
    if named is not None:
        return named
    if content.name.lower().endswith((".jsonl", ".ndjson", ".csv", ".tsv", ".txt")):
        return "jsonl" if content.name.lower().endswith(("jsonl", "ndjson")) else "csv"
    first = next(content.chunks(64), b"")
    return "jsonl" if re.match(rb"(\xef\xbb\xbf)?\s*\{\s*\"", first) else "csv"


def _answer(rows: Any) -> Answer:
    return Answer(
        list(rows.columns),
        [[_shown(cell) for cell in row] for row in rows.rows],
        rows.changed,
        rows.truncated,
        rows.note,
    )


def _shown(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return {"base64": base64.b64encode(cell).decode()}
    if isinstance(cell, float) and not math.isfinite(cell):
        return "Infinity" if cell > 0 else "-Infinity"
    return cell


def _bound(params: Any) -> Any:
    """Turn JSON parameters into what SQLite binds."""
    if params is None:
        return None
    if isinstance(params, list):
        return [_value(value, f"value {number}") for number, value in enumerate(params, start=1)]
    if isinstance(params, dict):
        return {name: _value(value, name) for name, value in params.items()}
    raise WrongArgument("params", "give a list of values for ?, or an object of values for :name.")


def _value(value: Any, where: str) -> Any:
    if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, ValueError):
            raise WrongArgument("params", f"{where}: what is in 'base64' is not base64.") from None
    if isinstance(value, list | dict):
        raise WrongArgument("params", f"{where}: a list or object is no value of a column. Send it as JSON text.")
    return value
