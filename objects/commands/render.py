"""JSON values to plain text, for terminals and examples, as the type of the result says.

What came from outside never drives the terminal: control characters are made visible.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from wcwidth import wcswidth

from objects.commands.shapes import (
    AnyJsonShape,
    DictShape,
    ListShape,
    MaybeShape,
    RecordShape,
    Shape,
    compact,
    shape_of,
)
from objects.commands.types import Json, is_picture

WIDTH = 100  # columns, where nobody says how many there are
GAP = "  "

_CONTROL = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_CONTROL |= {code: f"\\x{code:02x}" for code in range(0x80, 0xA0)}
# Bidirectional overrides and line separators can make a line say something else than it holds.
_CONTROL |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029)}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
_IN_TEXT = {code: sign for code, sign in _CONTROL.items() if code not in (0x09, 0x0A)}


def visible(text: str, *, lines: bool = False) -> str:
    """Make control characters visible, as "␛" for escape. lines: line ends and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_IN_TEXT if lines else _CONTROL).encode(errors="replace").decode()


def render(value: Any, result: Any = Json, width: int = WIDTH) -> str:
    """Write a result for people: lines without a line end after the last.

    value: plain JSON. result: the declared type of it, or its Shape. width: columns to keep to where it can be done.
    """
    shape = result if isinstance(result, Shape) else shape_of(result)
    return _render(value, shape, width)


def _render(value: Any, shape: Shape, width: int) -> str:
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    if value is None:
        return ""
    if isinstance(shape, RecordShape) and isinstance(value, dict):
        return _record(value, shape, width)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return _list(value, shape.item, width)
    if isinstance(shape, DictShape) and isinstance(value, dict):
        return _aligned([(visible(key), _cell(each, shape.value)) for key, each in value.items()])
    if isinstance(value, str):
        return visible(shape.show(value), lines=True)
    if isinstance(shape, AnyJsonShape):
        return _json(value, width)
    return visible(shape.show(value), lines=True)


def _json(value: Any, width: int) -> str:
    if isinstance(value, list) and value and all(isinstance(each, dict) and each for each in value):
        columns = list(dict.fromkeys(key for row in value for key in row))
        if len(columns) <= 12:
            plain = AnyJsonShape()
            return _table(value, dict.fromkeys(columns, plain))
    line = visible(compact(value))
    if isinstance(value, list | dict) and len(line) > width:
        return visible(json.dumps(value, ensure_ascii=False, indent=2), lines=True)
    return line


def _record(value: dict[str, Any], shape: RecordShape, width: int) -> str:
    as_text = getattr(shape.record, "as_text", None)
    if as_text is not None:  # a record that knows how people want to read it
        return str(as_text(value, width))
    if {"columns", "rows"} <= shape.fields.keys() and isinstance(value.get("rows"), list):
        return _answer(value, shape, width)
    tables = {name for name, each in shape.fields.items() if _is_table(each)}
    given = {name: each for name, each in value.items() if name in shape.fields and not is_picture(shape.fields[name])}
    if tables:
        return _with_tables(given, tables, shape, width)
    return _pairs({name: _cell(each, shape.fields[name]) for name, each in given.items()}, width)


def _answer(value: dict[str, Any], shape: RecordShape, width: int) -> str:
    """Write what a query answered: rows under the names of their columns, and below them what else there is to say."""
    columns, rows = value["columns"], value["rows"]
    plain = AnyJsonShape()
    cells = [[visible(name) for name in columns], *([_cell(cell, plain) for cell in row] for row in rows)]
    to_the_right = [
        bool(rows) and all(type(row[at]) in (int, float) or row[at] is None for row in rows)
        for at in range(len(columns))
    ]
    below = {
        name: _cell(value[name], each)
        for name, each in shape.fields.items()
        if name not in ("columns", "rows") and (value[name] or (value[name] == 0 and not columns and each.is_number()))
    }
    return "\n".join([*([_grid(cells, to_the_right)] * bool(columns)), *([_pairs(below, width)] * bool(below))])


def _with_tables(value: dict[str, Any], tables: set[str], shape: RecordShape, width: int) -> str:
    """Write tables, and under them what belongs to the whole. What is not there is not said, if anything is."""
    value = dict(value)
    blocks = []
    if "columns" in value and "rows" in tables:  # what SQL answers: names, and rows in their order
        names = [visible(str(name)) for name in value.pop("columns")]
        cells = [[_cell(cell, AnyJsonShape()) for cell in row] for row in value.pop("rows")]
        are_numbers = [_are_numbers(column) for column in zip(*cells, strict=True)] or [False] * len(names)
        blocks.append(_grid([names, *cells], are_numbers) if names else "")
    blocks += [_render(value.pop(name), shape.fields[name], width) for name in list(value) if name in tables]
    said = {name: _cell(each, shape.fields[name]) for name, each in value.items() if each}
    blocks.append(_pairs(said, width))
    text = "\n".join(block for block in blocks if block)
    return text or _pairs({name: str(each) for name, each in value.items() if type(each) is int}, width)


def _are_numbers(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell]
    return bool(given) and all(_NUMBER.fullmatch(cell) for cell in given)


def _is_table(shape: Shape) -> bool:
    return isinstance(shape, ListShape) and isinstance(shape.item, RecordShape | ListShape)


def _pairs(cells: dict[str, str], width: int) -> str:
    line = GAP.join(f"{visible(name)} {cell}".rstrip() for name, cell in cells.items())
    return line if columns_of(line) <= width else _aligned(list(cells.items()))


def _aligned(pairs: Sequence[tuple[str, str]]) -> str:
    widest = max((columns_of(name) for name, _ in pairs), default=0)
    return "\n".join(f"{_padded(name, widest)}{GAP}{cell}".rstrip() for name, cell in pairs)


def _list(rows: list[Any], item: Shape, width: int) -> str:
    while isinstance(item, MaybeShape):
        item = item.inner
    if isinstance(item, RecordShape) and all(isinstance(row, dict) for row in rows):
        return _table(rows, item.fields)
    if isinstance(item, AnyJsonShape) and rows and all(isinstance(row, dict) for row in rows):
        return _json(rows, width)
    if isinstance(item, ListShape):
        return _grid([[_cell(cell, item.item) for cell in row] for row in rows], [False] * 1_000)
    return "\n".join(_cell(row, item) for row in rows)


def _table(rows: Sequence[dict[str, Any]], columns: dict[str, Shape]) -> str:
    """Write rows under the names of their columns; numbers to the right."""
    if not rows:
        return ""
    cells = [[visible(name) for name in columns]]
    cells += [[_cell(row.get(name), shape) for name, shape in columns.items()] for row in rows]
    to_the_right = [shape.is_number() or _all_numbers(rows, name) for name, shape in columns.items()]
    return _grid(cells, to_the_right)


def _all_numbers(rows: Sequence[dict[str, Any]], name: str) -> bool:
    values = [row[name] for row in rows if row.get(name) is not None]
    return bool(values) and all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def _grid(cells: Sequence[Sequence[str]], to_the_right: Sequence[bool]) -> str:
    widths = [max(map(columns_of, column)) for column in zip(*cells, strict=True)] if cells else []
    return "\n".join(
        GAP.join(
            _padded(cell, wide, right=right) for cell, wide, right in zip(row, widths, to_the_right, strict=False)
        ).rstrip()
        for row in cells
    )


def _cell(value: Any, shape: Shape) -> str:
    return "" if value is None else visible(shape.show(value))


def _padded(text: str, width: int, *, right: bool = False) -> str:
    space = " " * (width - columns_of(text))
    return space + text if right else text + space


def columns_of(text: str) -> int:
    """Count the terminal columns that a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = wcswidth(text)
    return wide if wide >= 0 else sum(not unicodedata.combining(char) for char in text)
