"""What a command answered, as blocks that a page can show: pairs, tables, texts. Chosen by the type of the result."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from objects.commands.shapes import AnyJsonShape, DictShape, ListShape, MaybeShape, RecordShape, Shape, compact
from objects.commands.spec import CommandSpec
from objects.commands.types import Download, Moment, is_download, is_picture
from objects.surfaces.pages.media import IMAGES, sort_of
from objects.surfaces.pages.trees import Branch, tree_of

ROWS: Final = 200  # of one table on a page; the API gives all
TEXT_BYTES: Final = 1 << 18  # of a file that is shown as text
MOST_BARS: Final = 30
LINE_FROM, LINE_POINTS = 6, 2_000
_DATE: Final = re.compile(r"\d{4}-\d\d(-\d\d|$)")
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

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """The columns, each with whether numbers stand beneath it: what names them is aligned as they are."""
        return [(name, any(row[at].is_number for row in self.rows)) for at, name in enumerate(self.columns)]


@dataclass(frozen=True, slots=True)
class Text:
    """A text, or a value as JSON."""

    text: str
    title: str = ""
    template: str = "objects/_text.html"


@dataclass(frozen=True, slots=True)
class Tree:
    """A value with members in members, unfolded in place."""

    branch: Branch
    title: str = ""
    template: str = "objects/_tree_value.html"


@dataclass(frozen=True, slots=True)
class Bar:
    """A value beside others: `share` of the largest, in percent."""

    label: str
    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A series: bars for a few values by name, a line for many in order. The rows stand beneath it as a table."""

    title: str
    bars: tuple[Bar, ...] = ()
    line: str = ""  # points of a polyline in a box of 600 by 120
    area: str = ""
    least: str = ""
    most: str = ""
    first: str = ""
    last: str = ""
    template: str = "objects/_chart.html"


@dataclass(frozen=True, slots=True)
class File:
    """A file. sort: image, audio, video, pdf, text or other, which is not shown. source: where its bytes are."""

    name: str
    kind: str
    size_bytes: int
    sort: str
    source: str
    address: str  # to download it
    text: str = ""
    title: str = ""
    template: str = "objects/_file.html"


@dataclass(frozen=True, slots=True)
class Shown:
    """A small picture. address: a data: address."""

    address: str
    title: str = ""
    template: str = "objects/_picture.html"


Block = File | Pairs | Table | Text | Tree | Chart | Shown


@dataclass(frozen=True, slots=True)
class Result:
    """A result in blocks. `next`: hand it in as `after` for what follows; "" where that was all."""

    blocks: tuple[Block, ...]
    next: str = ""


def result_of(spec: CommandSpec, value: Any, shape: Shape | None = None) -> Result:
    """Arrange a result, which is plain JSON, by its type: the one that is declared, where none is given."""
    follows = ""
    if isinstance(value, Mapping) and isinstance(value.get(NEXT), str) and "after" in spec.by_name:
        follows = value[NEXT]
        value = {name: each for name, each in value.items() if name != NEXT}
    elif isinstance(value, Mapping) and NEXT in value and value[NEXT] is None and "after" in spec.by_name:
        value = {name: each for name, each in value.items() if name != NEXT}
    return Result(tuple(_blocks(value, shape or spec.result_shape)), follows)


def file_block(download: Download, source: str, address: str) -> File:
    """Arrange a file. source, address: where its bytes are to be looked at, and to be downloaded."""
    kind, size_bytes = download.content_type, download.size
    sort, text = sort_of(kind), ""
    if sort in ("text", "other") and size_bytes <= TEXT_BYTES:
        try:
            text = download.read().decode()
            sort = "text" if "\0" not in text else "other"
        except UnicodeDecodeError:
            sort = "other"
    elif sort == "text":
        sort = "other"
    return File(download.name, kind, size_bytes, sort, source, address, text if sort == "text" else "")


def _file_within(value: Mapping[str, Any], title: str) -> File:
    """Arrange a file that is a part of a result, with its bytes in base64. Sound and film are only downloaded."""
    source = f"data:{value['type']};base64,{value['base64']}"
    is_image = value["type"] in IMAGES
    download = f"data:application/octet-stream;base64,{value['base64']}"
    sort = "image" if is_image else "other"
    return File(value["name"], value["type"], value["size"], sort, source if is_image else "", download, title=title)


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
    if is_download(shape):
        yield _file_within(value, title)
    elif isinstance(shape, AnyJsonShape) and _is_deep(value):
        yield Tree(tree_of("", value), title)
    elif isinstance(value, Mapping):
        yield from _members(value, shape, title)
    elif isinstance(value, list):
        yield from _list(value, shape, title)
    elif is_picture(shape):
        yield from [Shown(value)] if value else ()
    elif isinstance(value, str):
        yield Text(value, title)
    else:
        yield Text(cell(value, shape).text, title)


def _members(value: Mapping[str, Any], shape: Shape, title: str) -> Iterable[Block]:
    if _is_grid(value):
        if value["columns"]:
            if (chart := chart_of(value["columns"], value["rows"])) is not None:
                yield chart
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
    if is_picture(shape):
        return True
    if isinstance(value, list):
        return bool(value) and (
            (isinstance(shape, ListShape) and isinstance(shape.item, RecordShape)) or len(value) > 10
        )
    return (isinstance(value, Mapping) and (isinstance(shape, RecordShape) or is_download(shape))) or (
        isinstance(value, str) and "\n" in value
    )


def _is_grid(value: Mapping[str, Any]) -> bool:
    """Whether it is the answer of a query: names of columns, and rows of as many values."""
    columns, rows = value.get("columns"), value.get("rows")
    return isinstance(columns, list) and isinstance(rows, list) and all(isinstance(row, list) for row in rows)


def _is_deep(value: Any) -> bool:
    """Whether it holds values that hold values."""
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(isinstance(each, Mapping | list) and each for each in members)


def chart_of(columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Chart | None:
    """Draw rows of a name and a number, or of a moment and a number; None for all others."""
    if len(columns) != 2 or not 2 <= len(rows) <= LINE_POINTS:
        return None
    values = [row[1] for row in rows]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        return None
    labels = ["" if row[0] is None else str(row[0]) for row in rows]
    title = f"{columns[1]} by {columns[0]}"
    if len(rows) >= LINE_FROM and _is_in_order([row[0] for row in rows]):
        return _line(title, labels, values)
    if len(rows) > MOST_BARS or min(values) < 0 or max(values) <= 0:
        return None
    top = max(values)
    bars = (Bar(name, compact(each), round(100 * each / top, 2)) for name, each in zip(labels, values, strict=True))
    return Chart(title, bars=tuple(bars))


def _is_in_order(labels: Sequence[Any]) -> bool:
    """Whether labels are numbers or dates that go up: what a line may join."""
    if all(isinstance(each, int | float) for each in labels):
        return all(one < other for one, other in pairwise(labels))
    if not all(isinstance(each, str) and _DATE.match(each) for each in labels):
        return False
    return all(one < other for one, other in pairwise(labels))


def _line(title: str, labels: Sequence[str], values: Sequence[float]) -> Chart:
    least, most = min(0, *values), max(values)
    span = (most - least) or 1
    step = 600 / (len(values) - 1)
    points = " ".join(
        f"{number * step:.1f},{116 - 112 * (each - least) / span:.1f}" for number, each in enumerate(values)
    )
    ends = f"0,120 {points} 600,120"
    return Chart(
        title, line=points, area=ends, least=compact(least), most=compact(most), first=labels[0], last=labels[-1]
    )


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
    if isinstance(item, RecordShape) and "before" in item.fields and "after" in item.fields:
        beside = tuple(name for name in item.fields if name not in ("before", "after"))
        changes = tuple(
            (*(cell(row[name], item.fields[name]) for name in beside), *_change(row["before"], row["after"]))
            for row in shown
        )
        yield Table((*beside, "row", "change"), changes, more, title)
    elif isinstance(item, RecordShape):
        columns = tuple(item.fields)
        rows = tuple(tuple(cell(row[name], item.fields[name]) for name in columns) for row in shown)
        yield Table(columns, rows, more, title)
    elif value and all(isinstance(row, Mapping) for row in shown):
        names = tuple(dict.fromkeys(name for row in shown for name in row))
        yield Table(names, tuple(tuple(cell(row.get(name), item) for name in names) for row in shown), more, title)
    else:
        yield Table((title or "value",), tuple((cell(row, item),) for row in shown), more)


def _change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Cell, Cell]:
    """Tell which row it is, by its first value, and what differs in it; all of it where it comes or goes."""
    known = after or before or {}
    first, *others = known or [""]
    if before and after:
        told = [f"{name}: {_plain(before.get(name))} → {_plain(after[name])}" for name in after
                if before.get(name) != after[name]]  # fmt: skip
    else:
        told = [f"{name}: {_plain(known[name])}" for name in others]
    return Cell(f"{first} {_plain(known.get(first))}"), Cell(", ".join(told) or "nothing differs")


def _plain(value: Any) -> str:
    return "null" if value is None else AnyJsonShape().show(value)
