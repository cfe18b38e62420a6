"""Asking in SQL: to read, to change, to try; and files that become tables."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import apsw

from objects.facilities.asking import ASKED_ABOVE, Asking, TableName, quoted, shown
from objects.facilities.tabular import Csv, JsonLines, turned, wrong_line
from objects.sdk import Content, Help, Json, RestOfLine, command
from teams.problems import NeedsConfirmation, NoSuch, WrongArgument

COUNTED: Final = 1_000
SHOWN_CHANGES: Final = 200  # rows that a dry run shows

_AS_THEY_ARE: Final = frozenset({int, str, type(None)})  # in JSON: most cells are so
_WRITTEN_OUT = re.compile(r"^\s*(explain\s+)?query\s+plan\s+", re.IGNORECASE)  # `sql explain query plan select …`
Query = Annotated[RestOfLine, Help("SQL as SQLite knows it; several statements are one change")]
Params = Annotated[Json, Help("values: a list for ?, an object for :name")]
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
class Step:
    """A step of SQLite's plan. within: the step that it is a part of, 0 for none."""

    step: int
    within: int
    does: str


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that was changed: as it was and as it is, null where it was not there."""

    table: str
    what: str  # insert, update, delete
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Trial:
    """What SQL would do. changed: rows, by all statements. more: not all of them are shown."""

    changed: int
    rows: list[ChangedRow]
    more: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    table: str
    rows: int
    created: bool
    columns: list[str]


class Querying(Asking):
    """Commands of the facility `sql` that take SQL or whole tables."""

    @command
    def sql(self, query: Query, *, params: Params = None) -> Answer:
        """Run SQL that may change tables; all of it or nothing.

        Where a person calls it, on a page or in a terminal, an UPDATE or DELETE of more than 1,000 rows asks first.

        > sql create table plant(name text, height real)
        changed 0
        > sql insert into plant values ('basil', 12.5), ('mint', 30)
        changed 2
        > sql select name from plant where height > 20
        name
        mint
        """
        rows = self.ask(query, params)
        if rows.rewritten > ASKED_ABOVE and self.context.must_ask:
            raise NeedsConfirmation(f"Updates or deletes {rows.rewritten:,} rows. Nothing was changed yet.")
        return answer_of(rows)

    @command(reads=True)
    def query(self, query: Query, *, params: Params = None) -> Answer:
        """Ask for rows; SQL that would change something is refused.

        > sql query select 6 * 7 as answer
        answer
            42
        """
        return answer_of(self.ask(query, params, reads_only=True))

    @command(reads=True)
    def explain(self, query: Query, *, params: Params = None) -> list[Step]:
        """Tell how SQLite would go about a query, step by step; nothing is run.

        > sql create table plant(name text primary key, height real)
        changed 0
        > sql explain select * from plant where name = 'mint'
        …
        """
        self.context.take_back()  # of several statements only the first is explained: the others leave no trace
        rows = self.ask(f"EXPLAIN QUERY PLAN {_WRITTEN_OUT.sub('', query)}", params)
        return [Step(int(step), int(within), str(does)) for step, within, _, does in rows.rows]

    @command(reads=True)
    def dryrun(self, query: Query, *, params: Params = None) -> Trial:
        """Run SQL, show the rows that it changes, and take everything back.

        > sql create table plant(name text primary key, height real)
        changed 0
        > sql insert into plant values ('basil', 12.5), ('mint', 30)
        changed 2
        > sql dryrun update plant set height = 31 where name = 'mint'
        …
        > sql query select height from plant where name = 'mint'
        height
            30
        """
        self.context.take_back()
        changed: list[ChangedRow] = []
        names: dict[str, list[str]] = {}
        more = 0

        def seen(table: str, what: str, before: Sequence[Any] | None, after: Sequence[Any] | None) -> None:
            nonlocal more
            if len(changed) < SHOWN_CHANGES:
                changed.append(ChangedRow(table, what, _cells(before), _cells(after)))
            else:
                more += 1

        answer = self.ask(query, params, watch=seen)
        return Trial(answer.changed, [self._named(row, names) for row in changed], more=more > 0)

    def _named(self, row: ChangedRow, names: dict[str, list[str]]) -> ChangedRow:
        """Put the names of columns to the cells of a row; where a table was altered on the way they are numbers."""
        if row.table not in names:
            names[row.table] = self.stored_columns(row.table)
        columns = names[row.table]

        def named(cells: Any) -> Any:
            if cells is None:
                return None
            known = columns if len(columns) == len(cells) else [str(number) for number in range(1, len(cells) + 1)]
            return dict(zip(known, cells, strict=True))

        return ChangedRow(row.table, row.what, named(row.before), named(row.after))

    @command(reads=True)
    def tables(self) -> list[Table]:
        """List tables and views with their columns.

        > sql create table plant(name text primary key, height real)
        changed 0
        > sql tables
        name   kind   rows  columns
        plant  table     0  name=TEXT, height=REAL
        """
        return [self._table(name, kind) for name, kind in self.names()]

    @command(reads=True)
    def schema(self, table: Annotated[str, Help("only this table, with what belongs to it")] = "") -> str:
        """Tell the SQL that makes the tables, indexes, views and triggers.

        > sql create table plant(name text)
        changed 0
        > sql schema
        CREATE TABLE plant(name text);
        """
        mine = {name.lower() for name, _ in self.names()}
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
        existing = next((name for name, _ in self.names() if name.lower() == table.lower()), None)
        if existing is None:
            made = ", ".join(f"{quoted(column.name)} {column.type}".rstrip() for column in surveyed)
            self.ask(f"CREATE TABLE {quoted(table)} ({made})", None)
            types = {column.name.lower(): column.type for column in surveyed}
        else:
            present = self.columns(table)
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

    def _table(self, name: str, kind: str) -> Table:
        rows = None
        if kind == "table":
            counted = f"SELECT count(*) FROM (SELECT 1 FROM {quoted(name)} LIMIT {COUNTED})"  # noqa: S608 -- quoted
            ((rows,),) = self.context.db.run(counted)
        return Table(name, kind, rows, self.columns(name))

    def _insert(self, table: str, source: "Csv | JsonLines", turns: Sequence[Any] | None) -> int:
        place = count = 0

        def rows() -> Iterator[list[Any]]:
            nonlocal place, count
            for place, cells in source:  # noqa: B007 -- the refusal below tells it
                count += 1
                yield cells if turns is None else [turn(cell) for turn, cell in zip(turns, cells, strict=True)]

        columns = ", ".join(map(quoted, source.columns))
        marks = ", ".join("?" * len(source.columns))
        try:
            self.context.db.execute_many(
                f"INSERT INTO {quoted(table)} ({columns}) VALUES ({marks})",  # noqa: S608 -- quoted names
                rows(),
            )
        except apsw.Error as error:
            raise wrong_line(place, str(error)) from error
        return count


def _format(content: Content, named: Format | None) -> Format:
    if named is not None:
        return named
    if content.name.lower().endswith((".jsonl", ".ndjson", ".csv", ".tsv", ".txt")):
        return "jsonl" if content.name.lower().endswith(("jsonl", "ndjson")) else "csv"
    first = next(content.chunks(64), b"")
    return "jsonl" if re.match(rb"(\xef\xbb\xbf)?\s*\{\s*\"", first) else "csv"


def answer_of(rows: Any) -> Answer:
    return Answer(
        list(rows.columns),
        [[cell if type(cell) in _AS_THEY_ARE else shown(cell) for cell in row] for row in rows.rows],
        rows.changed,
        rows.truncated,
        rows.note,
    )


def _cells(cells: Sequence[Any] | None) -> Any:
    return None if cells is None else [shown(cell) for cell in cells]
