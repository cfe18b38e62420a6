"""Database: the SQL editor over the object's tables, and behind each table's name its rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse

from objects.surfaces.pages.addresses import object_address
from objects.surfaces.pages.forms import RUN
from objects.surfaces.pages.object_tabs import TabRequest
from teams.problems import WrongArgument

ROWS: Final = (50, 200, 1_000)  # a page may have
TESTS: Final = {
    "=": "is", "!=": "is not", "contains": "contains", "starts": "starts with",
    "<": "<", "<=": "≤", ">": ">", ">=": "≥", "null": "is null", "not null": "is not null",
}  # fmt: skip
LONG: Final = 200  # characters of a cell that a table shows
NUMERIC: Final = ("INT", "REAL", "FLOA", "DOUB", "NUM", "DEC")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a row. edit: what an editor begins with. kind: null, number, text or blob."""

    text: str
    kind: str
    edit: str
    column: str
    is_numeric: bool  # of a column of numbers: typed digits are a number
    is_fixed: bool  # cannot be edited


@dataclass(frozen=True, slots=True)
class GridRow:
    """A row, its key as JSON, and the address where it is edited without scripts."""

    cells: tuple[Cell, ...]
    key: str
    keys: str
    address: str


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: where it leads, and how the rows are sorted by it: "", "ascending" or "descending".

    is_numeric: numbers stand beneath it, to the right.
    """

    name: str
    type: str
    is_key: bool
    sort_address: str
    sorted: str
    facet_address: str
    is_numeric: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address without it."""

    column: str
    test: str
    value: str
    off_address: str
    raw: str


@dataclass(frozen=True, slots=True)
class FacetLink:
    """A value to filter by."""

    text: str
    rows: int
    address: str
    is_null: bool


def show(tab: TabRequest) -> HttpResponse:
    """Show the editor and all tables, or the rows of one: `:/database/plant`."""
    if tab.rest:
        return _row(tab) if "row" in tab.query else _table(tab)
    tables, saved = tab.answers(("sql.tables", {}), ("sql.saved", {}))
    chosen = next((each for each in saved if each["name"] == tab.query.get("saved", "")), None)
    return tab.show(
        tables=tables,
        saved=saved,
        chosen=chosen,
        query=chosen["query"] if chosen else tab.query.get("query", ""),
        schema=json.dumps({each["name"]: list(each["columns"]) for each in tables}, ensure_ascii=False),
    )


def _table(tab: TabRequest) -> HttpResponse:
    query = tab.query
    filters = [_filter(each) for each in query.getlist("f")]
    column = query.get("column", "")
    if column:  # of the form that adds a filter
        filters.append({"column": column, "test": query.get("test", "="), "value": query.get("value", "")})
    sort, facets, limit = query.get("sort", ""), query.getlist("facet"), query.get("limit", "")
    passing = [{**each, "value": _number_or_text(str(each["value"]))} for each in filters]
    page = tab.ask(
        "sql.browse",
        table=tab.rest,
        filters=passing,
        search=query.get("search", ""),
        sort=sort,
        facets=facets,
        after=query.get("after", ""),
        limit=int(limit) if limit in map(str, ROWS) else ROWS[0],
    )
    state = [("f", _packed(each)) for each in filters] + [("facet", each) for each in facets]
    state += [(name, str(query[name])) for name in ("search", "sort", "limit") if query.get(name)]
    address = tab.at(page["table"])
    about = page["about"]
    return tab.show(
        "tabs/database_table.html",
        table=page,
        base=address,
        heads=[
            _head(address, state, each, sort, [row[at] for row in page["rows"]]) for at, each in enumerate(about)
        ],
        rows=[_grid_row(address, about, row, key) for row, key in zip(page["rows"], page["keys"], strict=True)],
        chips=[_chip(address, state, each) for each in filters],
        facets=[(each, list(_facet_links(address, state, each)), _without(address, state, "facet", each["column"]))
                for each in page["facets"]],
        state=[pair for pair in state if pair[0] != "search"],
        search=query.get("search", ""),
        tests=TESTS.items(),
        next_address=_with(address, state, after=page["next"]) if page["next"] else "",
        first_address=_with(address, state) if query.get("after") else "",
        fields=[each for each in about if not each["generated"]],
        exports=_exports(tab, page["table"], passing, query.get("search", ""), sort),
        is_counted=page["total"] < 10_000,
        can_edit=page["kind"] in ("table", "virtual") and tab.may("sql.set_row"),
    )  # fmt: skip


def _exports(
    tab: TabRequest, table: str, filters: Sequence[Mapping[str, Any]], search: str, sort: str
) -> list[tuple[str, str]]:
    """Give the addresses of the rows as files: those that pass, in the order that they are shown in."""
    asked = {"filters": json.dumps(filters, ensure_ascii=False) if filters else "", "search": search, "sort": sort}
    said = {name: value for name, value in asked.items() if value}
    address = object_address(tab.request.team.slug, tab.path, "sql.export")
    return [
        (title, f"{address}?{urlencode({'source': table, 'format': name} | said | {RUN: 'yes'})}")
        for title, name in (("CSV", "csv"), ("JSON Lines", "jsonl"))
    ]


def _row(tab: TabRequest) -> HttpResponse:
    """Show one row, with an input for each column."""
    try:
        key = json.loads(str(tab.query["row"]))
    except ValueError:
        raise WrongArgument("row", "The address does not tell which row. Choose one in the table.") from None
    row = tab.ask("sql.row", table=tab.rest, key=key)
    page = tab.ask("sql.browse", table=tab.rest, limit=1)
    cells = [_cell(each, row["values"].get(each["name"])) for each in page["about"]]
    return tab.show("tabs/database_row.html", table=page, base=tab.at(page["table"]), cells=cells, key=json.dumps(key))


# ---- Addresses: all that is chosen stands in them ----


def _filter(packed: str) -> dict[str, str]:
    """Read `city:=:Oslo`. A column's name may hold a colon, so the test is what tells the parts apart."""
    for test in TESTS:
        column, found, value = packed.partition(f":{test}:")
        if found:
            return {"column": column, "test": test, "value": value}
    raise WrongArgument("f", f"'{packed[:60]}' is no filter: write column:test:value, such as city:=:Oslo.")


def _packed(each: Mapping[str, str]) -> str:
    return f"{each['column']}:{each['test']}:{each['value']}"


def _number_or_text(text: str) -> Any:
    """Read what was typed as SQLite would compare it: digits as a number, which a column of text takes as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text


def _with(address: str, state: Sequence[tuple[str, str]], **more: str) -> str:
    pairs = [pair for pair in state if pair[0] not in more] + [(name, value) for name, value in more.items() if value]
    return address + (f"?{urlencode(pairs)}" if pairs else "?")


def _without(address: str, state: Sequence[tuple[str, str]], name: str, value: str) -> str:
    return _with(address, [pair for pair in state if pair != (name, value)])


def _head(
    address: str, state: Sequence[tuple[str, str]], column: Mapping[str, Any], sort: str, values: Sequence[Any]
) -> Head:
    name = column["name"]
    is_sorted = sort.removeprefix("-") == name
    now = "" if not is_sorted else "descending" if sort.startswith("-") else "ascending"
    then = {"": name, "ascending": f"-{name}", "descending": ""}[now]
    facet = _with(address, [*state, ("facet", name)]) if ("facet", name) not in state else ""
    is_numeric = any(isinstance(each, int | float) for each in values)
    return Head(name, column["type"].lower(), column["key"], _with(address, state, sort=then), now, facet, is_numeric)


def _chip(address: str, state: Sequence[tuple[str, str]], each: Mapping[str, str]) -> Chip:
    packed = _packed(each)
    return Chip(each["column"], TESTS[each["test"]], each["value"], _without(address, state, "f", packed), packed)


def _facet_links(address: str, state: Sequence[tuple[str, str]], facet: Mapping[str, Any]) -> Iterator[FacetLink]:
    for each in facet["values"]:
        value = each["value"]
        test = f"{facet['column']}:null:" if value is None else f"{facet['column']}:=:{_text(value)}"
        yield FacetLink(_text(value), each["rows"], _with(address, [*state, ("f", test)]), value is None)


# ---- Cells ----


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return f"{len(value.get('base64', '')) * 3 // 4} bytes"
    return "" if value is None else str(value)


def _cell(column: Mapping[str, Any], value: Any) -> Cell:
    text = _text(value)
    kind = (
        "null"
        if value is None
        else "blob"
        if isinstance(value, dict)
        else "text"
        if isinstance(value, str)
        else "number"
    )
    return Cell(
        text=text if len(text) <= LONG else f"{text[:LONG]}…",
        kind=kind,
        edit="" if kind == "blob" else text,
        column=column["name"],
        is_numeric=kind == "number" or any(word in column["type"].upper() for word in NUMERIC),
        is_fixed=kind == "blob" or column["generated"],
    )


def _grid_row(address: str, about: Sequence[Mapping[str, Any]], row: Sequence[Any], key: Mapping[str, Any]) -> GridRow:
    cells = tuple(_cell(column, value) for column, value in zip(about, row, strict=True))
    text = json.dumps(key, ensure_ascii=False) if key else ""
    return GridRow(cells, text, f"[{text}]", f"{address}?{urlencode({'row': text})}" if key else "")
