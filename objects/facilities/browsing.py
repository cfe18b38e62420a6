"""Rows of a table one by one: looked through by page, filter, sort and facet; inserted, updated and deleted by key.

A page begins behind the last row of the one before, not at a count of rows: the thousandth page costs what the first
does where an index has the order, and nothing is shown twice or left out because rows came or went meanwhile.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson

from objects.facilities.asking import Asking, TableName, quoted, shown, value_of
from objects.sdk import Between, Help, Json, command
from teams.problems import Conflict, NoSuch, OutOfTime, WrongArgument

COUNTED: Final = 10_000
FACET_VALUES: Final = 12
FACETS: Final = 8
ROW_NAMES: Final = ("rowid", "_rowid_", "oid")  # SQLite's own names for the number of a row

Test = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "starts", "null", "not null"]
Key = Annotated[dict[str, Json], Help("which row: its key columns with their values, as `sql browse` tells them")]
Values = Annotated[dict[str, Json], Help("values by column, such as name=basil,height=12.5")]

_OPERATORS: Final = {"=": "IS", "!=": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class Filter:
    """Only rows whose column passes a test. `null` and `not null` take no value."""

    column: str
    test: Test = "="
    value: Json = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or view. generated: worked out by SQLite, so it cannot be written."""

    name: str
    type: str
    key: bool
    not_null: bool
    default: str | None
    generated: bool


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value and how many rows have it."""

    value: Json
    rows: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of a column that most rows have. note: why there are none, where counting took too long."""

    column: str
    values: list[FacetValue]
    note: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a table.

    keys: what tells each row apart, for `sql set_row` and `sql delete_rows`; empty for a view. total: rows that pass
    the filters, counted to 10,000 and no further. next: hand it in as `after` for what follows; null: that was all.
    """

    table: str
    kind: str
    columns: list[str]
    rows: list[list[Json]]
    about: list[Column]
    keys: list[dict[str, Json]]
    total: int
    facets: list[Facet]
    next: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row, by the names of its columns, and its key."""

    key: dict[str, Json]
    values: dict[str, Json]


class Browsing(Asking):
    """Commands of the facility `sql` that look at and change single rows."""

    @command(reads=True)
    def browse(
        self,
        table: TableName,
        *,
        filters: Annotated[list[Filter] | None, Help("only rows that pass all of these")] = None,
        search: Annotated[str, Help("only rows that have this text in some column")] = "",
        sort: Annotated[str, Help("a column; with - in front, from high to low")] = "",
        facets: Annotated[list[str] | None, Help("columns whose most common values are counted")] = None,
        after: Annotated[str, Help("only rows after this place; `next` of the answer before")] = "",
        limit: Annotated[int, Between(1, 1_000)] = 50,
    ) -> Page:
        """Look through the rows of a table or view.

        > sql create table plant(name text, height real); insert into plant values ('basil', 12.5), ('mint', 30)
        changed 2
        > sql browse plant --sort -height --limit 1
        …
        """
        name, kind, columns = self._known(table)
        keys = self._key_columns(name, kind)
        where, params = self._where(columns, filters or (), search)
        order, descends = self._order(columns, sort)
        rows, following = self._page(name, keys, where, params, order, descends=descends, after=after, limit=limit)
        counted = self.ask(
            f"SELECT count(*) FROM (SELECT 1 FROM {quoted(name)}{where} LIMIT {COUNTED})",  # noqa: S608 -- quoted names
            params,
            reads_only=True,
        )
        width = len(keys)
        return Page(
            table=name,
            kind=kind,
            columns=[each.name for each in columns],
            about=columns,
            rows=[[shown(cell) for cell in row[width:]] for row in rows],
            keys=[dict(zip(keys, map(shown, row[:width]), strict=True)) for row in rows],
            total=counted.rows[0][0],
            facets=[self._facet(name, columns, facet, where, params) for facet in (facets or ())[:FACETS]],
            next=following,
        )

    @command(reads=True)
    def row(self, table: TableName, key: Key) -> Row:
        """Tell one row.

        > sql create table plant(name text primary key, height real); insert into plant values ('basil', 12.5)
        changed 1
        > sql row plant '{"rowid": 1}'
        key rowid=1  values name=basil, height=12.5
        """
        name, kind, _ = self._known(table)
        keys = self._key_columns(name, kind)
        where, params = self._at(name, keys, key)
        answer = self.ask(f"SELECT {_named(keys)}, * FROM {quoted(name)}{where}", params, reads_only=True)  # noqa: S608
        return self._one(answer, keys, key)

    @command
    def add_row(self, table: TableName, values: Values) -> Row:
        """Add a row; columns that are left out get their default.

        > sql create table plant(name text primary key, height real)
        changed 0
        > sql add_row plant name=basil,height=12.5
        key rowid=1  values name=basil, height=12.5
        """
        name, kind, columns = self._known(table)
        self._check(columns, values)
        into = (
            f"({', '.join(map(quoted, values))}) VALUES ({', '.join('?' * len(values))})"
            if values
            else "DEFAULT VALUES"
        )
        keys = self._key_columns(name, kind)
        if kind == "virtual":  # has no RETURNING
            self._write(f"INSERT INTO {quoted(name)} {into}", self._params(values))
            return Row({}, dict(values))
        answer = self._write(f"INSERT INTO {quoted(name)} {into} RETURNING {_named(keys)}, *", self._params(values))
        return self._one(answer, keys, {})

    @command
    def set_row(
        self,
        table: TableName,
        key: Key,
        values: Values,
        *,
        expect: Annotated[dict[str, Json] | None, Help("change it only where these columns hold this now")] = None,
    ) -> Row:
        """Change columns of a row.

        > sql create table plant(name text primary key, height real); insert into plant values ('basil', 12.5)
        changed 1
        > sql set_row plant '{"rowid": 1}' height=13
        key rowid=1  values name=basil, height=13
        """
        if not values:
            raise WrongArgument("values", "Name at least one column and its new value.")
        name, kind, columns = self._known(table)
        self._check(columns, values)
        keys = self._key_columns(name, kind)
        where, params = self._at(name, keys, key)
        for column, value in (expect or {}).items():
            self._column(columns, column, "expect")
            where += f" AND {quoted(column)} IS ?"
            params.append(value)
        given = ", ".join(f"{quoted(column)} = ?" for column in values)
        statement = f"UPDATE {quoted(name)} SET {given}{where}"  # noqa: S608 -- quoted names
        if kind != "virtual":
            statement += f" RETURNING {_named(keys)}, *"
        answer = self._write(statement, [*self._params(values), *params])
        if not answer.changed and not answer.rows and expect:
            self.row(table, key)  # raises NoSuch where it is gone
            raise Conflict("The row was changed meanwhile. Look at it again, then change it.")
        if kind == "virtual" and answer.changed:
            return self.row(table, key)
        return self._one(answer, keys, key)

    @command
    def delete_rows(
        self, table: TableName, keys: Annotated[list[dict[str, Json]], Help("which rows, each by its key")]
    ) -> int:
        """Delete rows by their keys; all of them or, where one is missing, none. Tells how many.

        > sql create table plant(name text primary key, height real); insert into plant values ('basil', 12.5)
        changed 1
        > sql delete_rows plant '[{"rowid": 1}]'
        1
        """
        if not keys:
            raise WrongArgument("keys", "Name at least one row by its key.")
        name, kind, _ = self._known(table)
        columns = self._key_columns(name, kind)
        for key in keys:
            where, params = self._at(name, columns, key)
            if not self._write(f"DELETE FROM {quoted(name)}{where}", params).changed:  # noqa: S608 -- quoted names
                raise NoSuch(f"{name}: no row {_told(key)}. Nothing was deleted.", field="keys")
        return len(keys)

    # ---- What a table is ----

    def rows_of(self, name: str, filters: Sequence[Filter], search: str, sort: str) -> tuple[str, list[Any]]:
        """Write the query for all rows of a table that pass, in their order, with its parameters."""
        _, kind, columns = self._known(name)
        where, params = self._where(columns, filters, search)
        order, descends = self._order(columns, sort)
        by = [quoted(order) + (" DESC" if descends else "")] if order else []
        by += [quoted(key) for key in self._key_columns(name, kind)] if order else []
        ordered = f" ORDER BY {', '.join(by)}" if by else ""
        return f"SELECT * FROM {quoted(name)}{where}{ordered}", params  # noqa: S608 -- quoted names

    def _known(self, table: str) -> tuple[str, str, list[Column]]:
        name = self.table(table)
        kind = dict(self.names())[name]
        rows = self.context.db.run(
            'SELECT name, type, pk, "notnull", dflt_value, hidden FROM pragma_table_xinfo(?)'
            " WHERE hidden <> 1 ORDER BY cid",
            (name,),
        )
        return name, kind, [
            Column(each, declared, key > 0, bool(not_null), default, hidden > 1)
            for each, declared, key, not_null, default, hidden in rows
        ]  # fmt: skip

    def _key_columns(self, name: str, kind: str) -> list[str]:
        """Name what tells rows apart: SQLite's number of the row, or the primary key of a table WITHOUT ROWID."""
        if kind == "view":
            return []
        ((without,),) = self.context.db.run(
            "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", (name,)
        )
        if without:
            found = self.context.db.run("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (name,))
            return [column for (column,) in found]
        taken = {column.lower() for column in self.columns(name)}
        return [next(each for each in ROW_NAMES if each not in taken)] if not taken.issuperset(ROW_NAMES) else []

    @staticmethod
    def _column(columns: Sequence[Column], name: str, field: str) -> Column:
        for column in columns:
            if column.name.lower() == name.lower():
                return column
        raise WrongArgument(field, f"no column '{name[:60]}'. Columns: {', '.join(each.name for each in columns)}.")

    def _check(self, columns: Sequence[Column], values: dict[str, Json]) -> None:
        for name in values:
            if self._column(columns, name, "values").generated:
                raise WrongArgument("values", f"{name}: is worked out by the table itself and cannot be written.")

    def _params(self, values: dict[str, Json]) -> list[Any]:
        """Give values of columns; a list or an object is kept as its JSON text."""
        return [
            orjson.dumps(each).decode()
            if isinstance(each, list) or (isinstance(each, dict) and each.keys() != {"base64"})
            else int(each) if isinstance(each, bool) else each
            for each in values.values()
        ]  # fmt: skip

    # ---- Which rows ----

    def _where(self, columns: Sequence[Column], filters: Sequence[Filter], search: str) -> tuple[str, list[Any]]:
        tests, params = [], []
        for each in filters:
            column = quoted(self._column(columns, each.column, "filters").name)
            if each.test in ("null", "not null"):
                tests.append(f"{column} IS {each.test.upper()}")
            elif each.test in ("contains", "starts"):
                before = "%" if each.test == "contains" else ""
                tests.append(f"{column} LIKE ? ESCAPE '\\'")
                params.append(before + _literally(str(each.value)) + "%")
            else:
                tests.append(f"{column} {_OPERATORS[each.test]} ?")
                params.append(each.value)
        if search:
            tests.append("(" + " OR ".join(f"{quoted(each.name)} LIKE ? ESCAPE '\\'" for each in columns) + ")")
            params += [f"%{_literally(search)}%"] * len(columns)
        return (" WHERE " + " AND ".join(tests) if tests else ""), params

    def _order(self, columns: Sequence[Column], sort: str) -> tuple[str, bool]:
        if not sort:
            return "", False
        return self._column(columns, sort.removeprefix("-"), "sort").name, sort.startswith("-")

    def _page(
        self,
        name: str,
        keys: list[str],
        where: str,
        params: list[Any],
        order: str,
        *,
        descends: bool,
        after: str,
        limit: int,
    ) -> tuple[list[list[Any]], str | None]:
        direction = " DESC" if descends else ""
        ordered = [quoted(order) + direction] if order else []
        chosen = f"SELECT {_named(keys)}{', ' if keys else ''}* FROM {quoted(name)}"  # noqa: S608 -- quoted names
        if not keys:  # a view: there is nothing to go on behind but a count
            offset = _place(after, 1)[0] if after else 0
            by = f" ORDER BY {ordered[0]}" if ordered else ""
            answer = self.ask(f"{chosen}{where}{by} LIMIT {limit + 1} OFFSET {int(offset)}", params, reads_only=True)
            rows = answer.rows
            return rows[:limit], _marked([offset + limit]) if len(rows) > limit else None
        behind: list[Any] = []
        if after:
            place = _place(after, len(keys) + bool(order))
            test, behind = _behind(order, keys, place, descends=descends)
            where += f" {'AND' if where else 'WHERE'} ({test})"
        by = ", ".join(ordered + [quoted(key) for key in keys])
        chosen = chosen.replace("SELECT ", f"SELECT {quoted(order)}, ", 1) if order else chosen
        answer = self.ask(f"{chosen}{where} ORDER BY {by} LIMIT {limit + 1}", [*params, *behind], reads_only=True)
        rows, skip = answer.rows, int(bool(order))
        last = rows[limit - 1] if len(rows) > limit else None
        return [row[skip:] for row in rows[:limit]], None if last is None else _marked(last[: skip + len(keys)])

    def _facet(self, name: str, columns: Sequence[Column], facet: str, where: str, params: list[Any]) -> Facet:
        column = self._column(columns, facet, "facets").name
        try:
            answer = self.ask(
                f"SELECT {quoted(column)}, count(*) FROM {quoted(name)}{where}"  # noqa: S608 -- quoted names
                f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {FACET_VALUES}",
                params,
                reads_only=True,
            )
        except OutOfTime:
            return Facet(column, [], "Counting took too long. Filter first, or make an index on this column.")
        return Facet(column, [FacetValue(shown(value), rows) for value, rows in answer.rows], "")

    def _at(self, name: str, keys: Sequence[str], key: dict[str, Json]) -> tuple[str, list[Any]]:
        if not keys:
            raise Conflict(f"{name}: its rows have no key (a view), so none can be told apart. Change its tables.")
        given = {each.lower(): value for each, value in key.items()}
        if given.keys() != {each.lower() for each in keys}:
            raise WrongArgument("key", f"a row of {name} is told by {', '.join(keys)}, not by {_told(key)}.")
        test = " AND ".join(f"{quoted(each)} = ?" for each in keys)
        return f" WHERE {test}", [given[each.lower()] for each in keys]

    def _write(self, statement: str, params: list[Any]) -> Any:
        """Run a statement; what SQLite has against the values is said of them."""
        try:
            return self.ask(statement, params)
        except WrongArgument as wrong:
            raise WrongArgument("values", wrong.detail) from wrong

    def _one(self, answer: Any, keys: Sequence[str], key: dict[str, Json]) -> Row:
        if not answer.rows:
            raise NoSuch(f"no row {_told(key)}: it is gone, or was never there.", field="key")
        cells = [shown(cell) for cell in answer.rows[0]]
        width = len(keys)
        values = dict(zip(answer.columns[width:], cells[width:], strict=True))
        return Row(dict(zip(keys, cells[:width], strict=True)), values)


def _named(keys: Sequence[str]) -> str:
    return ", ".join(map(quoted, keys))


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _told(key: dict[str, Json]) -> str:
    return ", ".join(f"{name}={value}" for name, value in key.items())[:100] or "nothing"


def _behind(order: str, keys: Sequence[str], place: list[Any], *, descends: bool) -> tuple[str, list[Any]]:
    """Write the test that a row stands behind a place. NULL sorts before every value, as in SQLite's own order."""
    after = place[int(bool(order)) :]
    further = f"({_named(keys)}) > ({', '.join('?' * len(keys))})"
    if not order:
        return further, after
    column, value = quoted(order), place[0]
    if value is None:
        same = f"{column} IS NULL AND {further}"
        return (same if descends else f"({same}) OR {column} IS NOT NULL"), after
    beyond = f"{column} < ? OR {column} IS NULL" if descends else f"{column} > ?"
    return f"{beyond} OR ({column} = ? AND {further})", [value, value, *after]


def _marked(cells: Sequence[Any]) -> str:
    text: bytes = orjson.dumps([shown(cell) for cell in cells])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _place(after: str, width: int) -> list[Any]:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        if isinstance(found, list) and len(found) == width:
            place = [value_of(each, "after") for each in found]
            if width > 1 or not isinstance(place[0], str) or place:
                return place
    except (binascii.Error, ValueError, WrongArgument):
        pass
    raise WrongArgument("after", "is no place in this order of rows: hand in the `next` of the answer before.")
