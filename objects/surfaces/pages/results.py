"""What a command answered, as blocks that a page can show: pairs, tables, texts. Chosen by the type of the result."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from objects.commands.registry import CommandSpec
from objects.commands.shapes import AnyJsonShape, DictShape, ListShape, MaybeShape, RecordShape, Shape, compact
from objects.commands.types import Moment

ROWS: Final = 200  # of one table on a page; the API gives all
NEXT: Final = "next"  # where a list ended, in results; handed in as `after`


@dataclass(frozen=True, slots=True)
class Cell:
    """A value. `moment` is set where it is one; a number is aligned to the right."""

    text: str
    moment: datetime | None = None
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """Values by name."""

    pairs: tuple[tuple[str, Cell], ...]
    title: str = ""
    template: str = "objects/_pairs.html"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows. `more`: how many there are that are not shown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0
    title: str = ""
    template: str = "objects/_table.html"


@dataclass(frozen=True, slots=True)
class Text:
    """A text, or a value as JSON."""

    text: str
    title: str = ""
    template: str = "objects/_text.html"


Block = Pairs | Table | Text


@dataclass(frozen=True, slots=True)
class Result:
    """A result in blocks. `next`: hand it in as `after` for what follows; "" where that was all."""

    blocks: tuple[Block, ...]
    next: str = ""


def result_of(spec: CommandSpec, value: Any) -> Result:
    """Arrange a result, which is plain JSON, by its declared type."""
    follows = ""
    if isinstance(value, Mapping) and isinstance(value.get(NEXT), str) and "after" in spec.by_name:
        follows = value[NEXT]
        value = {name: each for name, each in value.items() if name != NEXT}
    elif isinstance(value, Mapping) and NEXT in value and value[NEXT] is None and "after" in spec.by_name:
        value = {name: each for name, each in value.items() if name != NEXT}
    return Result(tuple(_blocks(value, spec.result_shape)), follows)


def cell(value: Any, shape: Shape) -> Cell:
    """Arrange one value."""
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    if value is None:
        return Cell("")
    if type(shape) is _MOMENT and isinstance(value, str):
        return Cell(value, moment=datetime.fromisoformat(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, float) and isinstance(shape, AnyJsonShape):
        return Cell(compact(value), is_number=True)
    return Cell(shape.show(value), is_number=is_number)


_MOMENT: Final = type(next(each.__shape__ for each in Moment.__metadata__ if hasattr(each, "__shape__")))  # type: ignore[attr-defined]


def _blocks(value: Any, shape: Shape, title: str = "") -> Iterable[Block]:
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    if value is None:
        return
    if isinstance(value, Mapping):
        yield from _members(value, shape, title)
    elif isinstance(value, list):
        yield from _list(value, shape, title)
    elif isinstance(value, str):
        yield Text(value, title)
    else:
        yield Text(cell(value, shape).text, title)


def _members(value: Mapping[str, Any], shape: Shape, title: str) -> Iterable[Block]:
    if _is_grid(value):
        if value["columns"]:
            yield _grid(value["columns"], value["rows"], title)
        # Beside rows only what is worth a word: "truncated no" is not.
        has_rows = bool(value["columns"])
        beside = {name: each for name, each in value.items() if name not in ("columns", "rows")}
        value = {name: each for name, each in beside.items() if each or not has_rows}
        if not value:
            return
    shapes = _shapes_of(shape, value)
    small = {name: each for name, each in value.items() if not _is_large(each, shapes[name])}
    if small or (not value and not title):
        yield Pairs(tuple((name, cell(each, shapes[name])) for name, each in small.items()), title)
    for name, each in value.items():
        if name not in small:
            yield from _blocks(each, shapes[name], name)


def _shapes_of(shape: Shape, value: Mapping[str, Any]) -> dict[str, Shape]:
    plain = AnyJsonShape()
    if isinstance(shape, RecordShape):
        return {name: shape.fields.get(name, plain) for name in value}
    inner = shape.value if isinstance(shape, DictShape) else plain
    return dict.fromkeys(value, inner)


def _is_large(value: Any, shape: Shape) -> bool:
    """Whether a member is shown by itself rather than in a line."""
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    if isinstance(value, list):
        return bool(value) and (
            (isinstance(shape, ListShape) and isinstance(shape.item, RecordShape)) or len(value) > 10
        )
    return (isinstance(value, Mapping) and isinstance(shape, RecordShape)) or (isinstance(value, str) and "\n" in value)


def _is_grid(value: Mapping[str, Any]) -> bool:
    """Whether it is the answer of a query: names of columns, and rows of as many values."""
    columns, rows = value.get("columns"), value.get("rows")
    return isinstance(columns, list) and isinstance(rows, list) and all(isinstance(row, list) for row in rows)


def _grid(columns: Sequence[Any], rows: Sequence[Sequence[Any]], title: str) -> Table:
    plain = AnyJsonShape()
    names = tuple(each["name"] if isinstance(each, Mapping) and "name" in each else str(each) for each in columns)
    shown = tuple(tuple(cell(each, plain) for each in row) for row in rows[:ROWS])
    return Table(names, shown, max(0, len(rows) - ROWS), title)


def _list(value: Sequence[Any], shape: Shape, title: str) -> Iterable[Block]:
    item = shape.item if isinstance(shape, ListShape) else AnyJsonShape()
    while isinstance(item, MaybeShape):
        item = item.inner
    more = max(0, len(value) - ROWS)
    shown = value[:ROWS]
    if isinstance(item, RecordShape):
        columns = tuple(item.fields)
        rows = tuple(tuple(cell(row[name], item.fields[name]) for name in columns) for row in shown)
        yield Table(columns, rows, more, title)
    elif value and all(isinstance(row, Mapping) for row in shown):
        names = tuple(dict.fromkeys(name for row in shown for name in row))
        yield Table(names, tuple(tuple(cell(row.get(name), item) for name in names) for row in shown), more, title)
    else:
        yield Table((title or "value",), tuple((cell(row, item),) for row in shown), more)
