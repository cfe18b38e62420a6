"""Arguments that a form sends in parts: a value by key as `values.city`, a row of a list as `columns.0.name`.

`values:text.city` is taken exactly as typed, where `values.city` may be any JSON; `values:null.city` makes it null.
What is left empty is left out, unless it is taken as typed.
"""

import re
from typing import Any

from django.http import QueryDict

from objects.commands.checks import Parameter
from objects.commands.shapes import BoolShape, DictShape, ListShape, MaybeShape, RecordShape, Shape

_PART = re.compile(r"(?P<name>[a-z][a-z0-9_]*)(?::(?P<how>text|null))?\.(?P<rest>.+)", re.DOTALL)
ROWS_MOST = 1_000


def owner(name: str) -> str:
    """Name the argument that an input is a part of; "" where it is none."""
    found = _PART.fullmatch(name)
    return found["name"] if found else ""


def read(parameter: Parameter, sent: QueryDict) -> Any:
    """Put the parts of an argument together; None where none was sent."""
    parts = [(found, name) for name in sent if (found := _PART.fullmatch(name)) and found["name"] == parameter.name]
    if not parts:
        return None
    shape = inner(parameter.shape)
    if isinstance(shape, ListShape):
        return _rows(shape, [(found["rest"], str(sent.getlist(name)[-1])) for found, name in parts])
    values: dict[str, Any] = {}
    item = shape.value if isinstance(shape, DictShape) else None
    for found, name in parts:
        key, text = found["rest"], str(sent[name]).replace("\r\n", "\n")
        if found["how"] == "null":
            values[key] = None
        elif key in values:  # null was ticked
            continue
        elif found["how"] == "text":
            values[key] = text
        elif text != "":
            values[key] = item.from_text(text) if item is not None else text
    for found, name in parts:  # whatever comes first in the form, a ticked null counts
        if found["how"] == "null" and sent[name]:
            values[found["rest"]] = None
    return values


def inner(shape: Shape) -> Shape:
    """Give the shape itself where a value may be missing."""
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    return shape


def _rows(shape: ListShape, parts: list[tuple[str, str]]) -> list[dict[str, Any]]:
    item = inner(shape.item)
    fields = item.fields if isinstance(item, RecordShape) else {}
    rows: dict[int, dict[str, Any]] = {}
    for rest, text in parts:
        number, _, name = rest.partition(".")
        if not (number.isascii() and number.isdigit() and len(number) < 5 and name) or len(rows) > ROWS_MOST:
            continue
        row = rows.setdefault(int(number), {})
        known = fields.get(name)
        if text != "":
            row[name] = text if known is None else known.from_text(text)
    # A row in which nothing was typed is none: its check boxes and selects alone say nothing.
    said = {name for name, each in fields.items() if not isinstance(inner(each), BoolShape) and not _has_words(each)}
    return [row for _, row in sorted(rows.items()) if said & row.keys()]


def _has_words(shape: Shape) -> bool:
    return bool(getattr(inner(shape), "words", ()))
