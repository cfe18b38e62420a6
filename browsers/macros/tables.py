"""Rows that a macro goes through, and rows that it adds to tables of its object."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from objects.commands.shapes import compact
from teams.problems import TooLarge, WrongArgument

OWN: Final = ("run", "at")  # columns that tell when a row came
COLUMNS: Final = 100
ROWS: Final = 10_000
ROWS_BYTES: Final = 16 << 20

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?")

Row = dict[str, str]


# Rows to go through


def rows_in(name: str, content: bytes) -> list[Row]:
    """Read the rows of a file: CSV with a line of names, JSON or JSON Lines. Raises WrongArgument, TooLarge."""
    if len(content) > ROWS_BYTES:
        raise TooLarge(f"{name}: has {len(content):,} bytes; rows to go through have at most {ROWS_BYTES:,}.")
    try:
        text = content.decode("utf-8-sig")
        if name.lower().endswith((".jsonl", ".ndjson")):
            return rows_of([orjson.loads(line) for line in text.splitlines() if line.strip()])
        if name.lower().endswith(".json"):
            return rows_of(orjson.loads(text))
    except ValueError as error:
        raise WrongArgument("file", f"{name}: cannot be read: {error}.") from error
    lines = list(csv.reader(io.StringIO(text, newline="")))
    if not lines:
        raise WrongArgument("file", f"{name}: is empty. Its first line names the columns.")
    heads, *cells = lines
    return named(heads, [each for each in cells if each])


def rows_of(value: Any) -> list[Row]:
    """Read rows given as JSON: a list of objects."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise WrongArgument("rows", 'rows are a list of objects, such as [{"name": "Mint"}, {"name": "Basil"}].')
    return [{key_of(name): shown(each) for name, each in row.items()} for row in _few(value)]


def named(columns: Sequence[str], cells: Sequence[Sequence[Any]]) -> list[Row]:
    """Give rows of cells by their columns' names."""
    keys = [key_of(each) for each in columns]
    return [dict(zip(keys, map(shown, row), strict=False)) for row in _few(cells)]


def key_of(column: str) -> str:
    """Give the name by which a macro says a column: "Plant name" is {plant_name}."""
    return re.sub(r"\W+", "_", column.strip()).strip("_").lower()


def shown(cell: Any) -> str:
    """Write a value as it is put into a line; nothing for null."""
    return "" if cell is None else cell if isinstance(cell, str) else compact(cell)


def _few(rows: Sequence[Any]) -> Sequence[Any]:
    if len(rows) > ROWS:
        raise TooLarge(f"{len(rows):,} rows: at most {ROWS:,} are gone through at once.")
    return rows


# Rows to keep


def kept(value: Any, column: str) -> tuple[list[str], list[list[Any]]]:
    """Give what a command told as columns and rows. value: JSON. column: what a single value is called."""
    if isinstance(value, dict) and value.keys() == {"columns", "rows"}:
        columns = list(value["columns"]) or [f"column{number}" for number, _ in enumerate(value["rows"][0:1], start=1)]
        width = max([len(columns), *map(len, value["rows"])])
        columns += [""] * (width - len(columns))
        rows = [[number_or(each) for each in row] + [None] * (width - len(row)) for row in value["rows"]]
        return unique(columns), rows
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        names = list(dict.fromkeys(name for row in value for name in row))
        return unique(names), [[row.get(name) for name in names] for row in value]
    if isinstance(value, list):
        return unique([column]), [[each] for each in value]
    return unique([column]), [[value]]


def unique(names: Iterable[str]) -> list[str]:
    """Give names that can be columns beside those that tell when a row came. Raises TooLarge."""
    taken = set(OWN)
    made = []
    for number, name in enumerate(names, start=1):
        plain = "".join(each if each.isprintable() else " " for each in name).strip()[:60] or f"column{number}"
        candidate, count = plain, 2
        while candidate.lower() in taken:
            candidate, count = f"{plain}_{count}", count + 1
        taken.add(candidate.lower())
        made.append(candidate)
    if len(made) > COLUMNS:
        raise TooLarge(f"{len(made)} columns: at most {COLUMNS} are kept.")
    return made


def number_or(text: Any) -> Any:
    """Give the number that a text of a page is; the text where it is none."""
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def adding(table: str, present: Mapping[str, str] | None, columns: Sequence[str]) -> str:
    """Write the SQL that adds rows, given as :rows, to a table with :run and :at; it is made where there is none.

    present: the columns that it has; None where there is none.
    """
    name, all_columns = quoted(table), [*OWN, *columns]
    statements = []
    if present is None:
        types = {"run": " INTEGER", "at": " TEXT"}
        statements.append(
            f"CREATE TABLE {name} ({', '.join(quoted(each) + types.get(each, '') for each in all_columns)})"
        )
    else:
        there = {each.lower() for each in present}
        missing = [each for each in all_columns if each.lower() not in there]
        statements += [f"ALTER TABLE {name} ADD COLUMN {quoted(each)}" for each in missing]
    cells = ", ".join(f"value ->> {number}" for number, _ in enumerate(columns))
    statements.append(
        f"INSERT INTO {name} ({', '.join(map(quoted, all_columns))}) SELECT :run, :at, {cells} FROM json_each(:rows)"  # noqa: S608 -- quoted names
    )
    return ";\n".join(statements)


def quoted(name: str) -> str:
    """Write a name for SQL."""
    return '"' + name.replace('"', '""') + '"'
