"""Rows as CSV and as JSON Lines, exact in both directions; what `sql.import` and `sql.export` read and write.

CSV is that of RFC 4180 with one agreement more, that of Postgres's COPY: an empty field is NULL, a quoted empty field
is an empty text. Python's csv module reads both as the same, which is why it is not used here. In both forms a blob is
`{"base64": "…"}`. Cells are written as they are stored, also those that a spreadsheet takes for a formula.
"""

import base64
import binascii
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from objects.sdk import Content
from teams.problems import WrongArgument

LINE_LENGTH: Final = 1 << 25  # characters of one row
COLUMNS: Final = 1_000  # of a table, see objects.storage.database
SMALLEST_INT, LARGEST_INT = -(2**63), 2**63 - 1

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_BLOB = re.compile(r'\{"base64": ?"([A-Za-z0-9+/=]*)"\}')
_SPECIAL = re.compile(r"[\",;\t\r\n]")  # quoted, so that the file reads the same under any delimiter in use
_INFINITE = ("9e999", "-9e999")

Cell = str | int | float | bytes | None
Row = tuple[int, list[Any]]  # the line where it begins, counted from 1, and its cells


@dataclass(slots=True)
class Column:
    """A column of a file and the narrowest type that keeps all its cells as they are."""

    name: str
    seen: set[str] = field(default_factory=set)

    @property
    def type(self) -> str:
        """The type to declare: none where only an undeclared column keeps every cell."""
        if len(self.seen) == 1:
            return next(iter(self.seen))
        return "REAL" if self.seen == {"INTEGER", "REAL"} else "" if self.seen else "TEXT"


def wrong_line(number: int, why: str, column: str = "") -> WrongArgument:
    """Make the refusal that tells where in the file something is wrong."""
    where = f"line {number}, column '{column}'" if column else f"line {number}"
    return WrongArgument("content", f"{where}: {why}. Nothing was imported.", line=number)


class Csv:
    """A CSV file. Iterate as often as needed: each time it is read from its start."""

    def __init__(self, content: Content, delimiter: str = ",") -> None:
        if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
            raise WrongArgument(
                "delimiter", f"'{delimiter}' separates nothing: give one character, such as ',' or ';'."
            )
        self._content = content
        self._delimiter = delimiter
        mark = re.escape(delimiter)
        self._field = re.compile(rf'(?:"((?:[^"]|"")*)"|([^{mark}"\r\n]*))({mark}|\r\n|\n|\r|\Z)')
        self._width = 0
        header = next(self._records(), None)
        if header is None:
            raise WrongArgument("content", "The file is empty: its first line should name the columns.")
        self.columns = _named([cell or "" for cell in header[1]])
        self._width = len(self.columns)

    def survey(self) -> list[Column]:
        """Read it all, to find the columns' types and what is wrong before anything is done."""
        columns = [Column(name) for name in self.columns]
        for _, cells in self:
            for column, cell in zip(columns, cells, strict=True):
                if cell is not None:
                    column.seen.add(_type_in_csv(cell))
        for column in columns:
            if "TEXT" in column.seen or "BLOB" in column.seen:  # 007 beside abc: all of it is text
                column.seen = {"TEXT"} if column.seen != {"BLOB"} else {"BLOB"}
        return columns

    def __iter__(self) -> Iterator[Row]:
        records = self._records()
        next(records)
        for number, cells in records:
            if len(cells) != self._width:
                if cells == [None]:
                    continue  # an empty line, as some editors leave at the end; NULL in a file of one column
                raise wrong_line(number, f"{len(cells)} fields where the header names {self._width}")
            yield number, cells

    def _records(self) -> Iterator[Row]:
        for number, record in _records_of(_lines(self._content)):
            yield number, self._cells(record, number)

    def _cells(self, record: str, number: int) -> list[Any]:
        cells: list[Any] = []
        at = 0
        while True:
            match = self._field.match(record, at)
            if match is None:
                raise wrong_line(
                    number,
                    f"field {len(cells) + 1} has a quote inside: quote the whole field and double the quotes in it",
                )
            quoted, bare, end = match.groups()
            cells.append(quoted.replace('""', '"') if quoted is not None else bare or None)
            if end != self._delimiter:
                return cells
            if len(cells) >= COLUMNS:
                raise wrong_line(number, f"more than {COLUMNS:,} fields")
            at = match.end()


def _records_of(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Join lines while a quote is open; give where each record begins."""
    begins, record, is_open = 0, "", False
    for number, line in lines:
        if not is_open:
            begins, record = number, line
        else:
            record += line
            if len(record) > LINE_LENGTH:
                raise wrong_line(begins, f"more than {LINE_LENGTH:,} characters. Is a quote never closed?")
        if line.count('"') % 2:
            is_open = not is_open
        if not is_open:
            yield begins, record
    if is_open:
        raise wrong_line(begins, "a quote is opened here and never closed")


def _lines(content: Content) -> Iterator[tuple[int, str]]:
    number = 0
    text = io.TextIOWrapper(content.open(), encoding="utf-8-sig", newline="")
    try:
        while line := text.readline(LINE_LENGTH + 1):
            number += 1
            if len(line) > LINE_LENGTH:
                raise wrong_line(number, f"more than {LINE_LENGTH:,} characters")
            if "\0" in line:
                raise wrong_line(number, "a NUL character: this is not a text file")
            yield number, line
    except UnicodeDecodeError as error:
        # Read in blocks: the byte lies in a line not far below the last good one.
        raise wrong_line(
            number + 1, "here or soon after is a byte that is not UTF-8. Save the file as UTF-8"
        ) from error


def _named(names: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise wrong_line(1, f"column {position} has no name")
        if name.casefold() in seen:
            raise wrong_line(1, f"two columns are named '{name}'")
        seen.add(name.casefold())
    if len(names) > COLUMNS:
        raise wrong_line(1, f"{len(names):,} columns; a table has at most {COLUMNS:,}")
    return list(names)


def _type_in_csv(cell: str) -> str:
    if _WHOLE.fullmatch(cell) and SMALLEST_INT <= int(cell) <= LARGEST_INT:
        return "INTEGER"
    if _NUMBER.fullmatch(cell) and _fits_float(cell):
        return "REAL"
    return "BLOB" if _BLOB.fullmatch(cell) else "TEXT"


def _fits_float(cell: str) -> bool:
    if cell in _INFINITE:
        return True
    digits = re.split("[eE]", cell)[0].replace(".", "").lstrip("-0")
    return len(digits) <= 17 and math.isfinite(float(cell))


def turned(declared: str) -> Callable[[Any], Cell]:
    """Give what makes a CSV cell a value for a column of this declared type, by SQLite's rules of affinity.

    SQLite would do it too, but its reading of a decimal text can differ from Python's in the last bit.
    """
    declared = declared.upper()
    if "INT" not in declared and any(word in declared for word in ("REAL", "FLOA", "DOUB")):
        return lambda cell: float(cell) if cell is not None and _NUMBER.fullmatch(cell) else _blob_or(cell)
    return _blob_or


def _blob_or(cell: str | None) -> Cell:
    if cell is not None and cell.startswith('{"base64"') and (match := _BLOB.fullmatch(cell)):
        try:
            return base64.b64decode(match[1], validate=True)
        except binascii.Error:
            return cell
    return cell


class JsonLines:
    """A JSON Lines file: an object a line, NULL where a row lacks a member."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.columns: list[str] = []

    def survey(self) -> list[Column]:
        """Read it all, to find the columns, their types, and what is wrong before anything is done."""
        columns: dict[str, Column] = {}
        for number, members in self._objects():
            for name, value in members.items():
                column = columns.get(name)
                if column is None:
                    column = columns[name] = Column(name)
                cell = _cell(value, number, name)
                if cell is not None:
                    column.seen.add(_TYPES[type(cell)])
                    if isinstance(cell, int) and abs(cell) > 2**53:
                        column.seen.add("LONG")  # exact in no REAL column
        if not columns:
            raise WrongArgument("content", "The file has no rows, so nothing tells the columns.")
        for column in columns.values():
            if "LONG" in column.seen:
                column.seen -= {"LONG"} if column.seen <= {"LONG", "INTEGER"} else set()
        self.columns = _named(list(columns))
        return list(columns.values())

    def __iter__(self) -> Iterator[Row]:
        for number, members in self._objects():
            yield number, [_cell(members.get(name), number, name) for name in self.columns]

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in _lines(self._content):
            if not line.strip():
                continue
            try:
                members = json.loads(line, parse_constant=_no_constant)  # orjson would round what 64 bits can't hold
            except json.JSONDecodeError as error:
                raise wrong_line(number, f"not JSON ({error.msg}, at character {error.pos + 1})") from error
            except (ValueError, RecursionError) as error:
                raise wrong_line(number, f"not JSON ({error})") from error
            if not isinstance(members, dict):
                raise wrong_line(number, 'not a JSON object: each line is one, such as {"name": "ann"}')
            yield number, members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


_TYPES: dict[type, str] = {str: "TEXT", int: "INTEGER", float: "REAL", bytes: "BLOB"}


def _cell(value: Any, number: int, name: str) -> Cell:
    """Turn a JSON value into a cell: true and false are 1 and 0, lists and objects their JSON text."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= mark <= "\udfff" for mark in value):
            raise wrong_line(number, "half of a surrogate pair, which is not Unicode text", name)
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        if not SMALLEST_INT <= value <= LARGEST_INT:
            raise wrong_line(number, f"{value} is beyond the whole numbers that a table holds (64 bits)", name)
        return value
    if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise wrong_line(number, "what is in 'base64' is not base64", name) from error
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def csv_line(cells: Sequence[Cell]) -> bytes:
    """Write a row, or the header, of a CSV file."""
    return (",".join(map(_csv_cell, cells)) + "\r\n").encode()


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bytes):
        cell = f'{{"base64": "{base64.b64encode(cell).decode()}"}}'
    elif isinstance(cell, float):
        return repr(cell) if math.isfinite(cell) else "9e999" if cell > 0 else "-9e999"  # SQLite's way to write it
    elif isinstance(cell, int):
        return str(cell)
    if not cell or _SPECIAL.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def json_line(columns: Sequence[str], cells: Sequence[Cell], number: int) -> bytes:
    """Write a row of a JSON Lines file."""
    members = {name: _json_cell(cell, number, name) for name, cell in zip(columns, cells, strict=True)}
    return orjson.dumps(members) + b"\n"


def _json_cell(cell: Cell, number: int, name: str) -> Any:
    if isinstance(cell, bytes):
        return {"base64": base64.b64encode(cell).decode()}
    if isinstance(cell, float) and not math.isfinite(cell):
        raise WrongArgument("format", f"row {number}, column '{name}': JSON has no infinity. Export as csv.")
    return cell
