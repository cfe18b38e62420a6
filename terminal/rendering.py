"""Values to what people see: tables that fit the width, trees, JSON in colours, files as they are.

Everything that came from outside passes `visible`: what drives the terminal is made here and nowhere else.
"""

import base64
import json
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from wcwidth import wcwidth

from objects.commands.render import columns_of, render, visible
from objects.commands.shapes import ListShape, MaybeShape, RecordShape, Shape, compact, shape_of
from objects.commands.types import Download, Moment, Size, is_picture, show_bytes
from terminal.pictures import picture
from terminal.ports import Screen
from terminal.style import Style
from terminal.values import Breath, Flow, is_answer, line_of

__all__ = ["Style", "columns_of", "show", "visible"]

GAP = "  "
NARROWEST = 4  # columns that a cell of a table keeps
ROWS_AT_ONCE = 1_000  # of a table whose widths are worked out together; what follows is a table of its own
ITEMS_SHOWN_AS_JSON = 200_000  # characters of JSON that are coloured; more is shown plain
_MOMENT = type(shape_of(Moment))
_SIZE = type(shape_of(Size))


# ---- A flow to a screen ----


async def show(flow: Flow, screen: Screen, style: Style) -> None:
    """Write a flow to a screen as it comes; waits where the reader is slow. A line end follows the last line."""
    async for text in written(flow, style, pictures=screen.pictures):
        if text:
            await screen.write(text)


async def written(flow: Flow, style: Style, *, pictures: str = "") -> AsyncIterator[str]:
    """Give a flow as text in pieces, each of whole lines."""
    if flow.view is not None and flow.items is None:
        yield _ended(flow.view(flow.value, style))
    elif flow.is_file:
        async for text in _file(flow, style, pictures):
            yield text
    elif flow.items is not None and flow.live:
        async for item in flow.each():
            yield _ended(text_of_value(item, flow.shape, style))
    elif flow.items is not None or (isinstance(flow.value, list) and len(flow.value) > ROWS_AT_ONCE):
        async for text in _items(flow.each(), flow.item_shape, style):
            yield text
    elif isinstance(flow.value, str):
        for text in _text(flow.value):
            yield text
    elif flow.value is not None:
        yield _ended(text_of_value(flow.value, flow.shape, style))
        for shown in _pictures(flow) if pictures and not style.plain else ():
            yield await picture(Flow(shown), style, pictures)


def _pictures(flow: Flow) -> Iterable[Download]:
    if isinstance(flow.shape, RecordShape) and isinstance(flow.value, dict):
        for name, shape in flow.shape.fields.items():
            if is_picture(shape) and flow.value.get(name):
                yield _as_file(flow.value[name])


def _as_file(address: str) -> Download:
    """Make a file of a picture's data: address."""
    kind, _, text = address.removeprefix("data:").partition(";base64,")
    content = base64.b64decode(text)
    return Download("picture", content, content_type=kind)


def _text(text: str) -> Iterable[str]:
    for start in range(0, len(text), 65_536):
        yield visible(text[start : start + 65_536], lines=True)
    if text and not text.endswith("\n"):
        yield "\n"


def _ended(text: str) -> str:
    return text + "\n" if text and not text.endswith("\n") else text


async def _items(items: AsyncIterator[Any], shape: Shape | None, style: Style) -> AsyncIterator[str]:
    """Show items in portions: a table can only be laid out once its rows are known."""
    portion: list[Any] = []
    breath = Breath()
    header = True
    async for item in items:
        portion.append(item)
        if len(portion) == ROWS_AT_ONCE:
            yield _ended(_list(portion, shape, style, header=header))
            portion, header = [], False
        await breath()
    if portion:
        yield _ended(_list(portion, shape, style, header=header))


async def _file(flow: Flow, style: Style, pictures: str) -> AsyncIterator[str]:
    download: Download = flow.value
    if download.content_type.startswith("image/") and download.content_type != "image/svg+xml":
        yield await picture(flow, style, pictures)
        return
    beginning = True
    left = b""
    ended = True
    async for chunk in flow.chunks():
        if beginning and _is_binary(chunk[:4096]):
            name, kind = visible(download.name), visible(download.content_type)
            yield (
                f"{name}: {show_bytes(download.size)} of {kind}, not shown. "
                "`cat NAME > /path/NAME` copies it, `stat NAME` tells more.\n"
            )
            return
        beginning = False
        text = left + chunk
        # A character of several bytes may lie across two chunks.
        cut = next((n for n in range(1, min(4, len(text) + 1)) if text[-n] >= 0xC0), 0)
        text, left = (text[:-cut], text[-cut:]) if cut else (text, b"")
        shown = visible(text.decode(errors="replace").replace("\r\n", "\n"), lines=True)
        ended = shown.endswith("\n") if shown else ended
        yield shown
    if left:
        yield visible(left.decode(errors="replace"), lines=True)
        ended = False
    if not ended:
        yield "\n"


def _is_binary(beginning: bytes) -> bool:
    return b"\0" in beginning or sum(byte < 9 or 13 < byte < 27 for byte in beginning) * 10 > len(beginning)


# ---- One value ----


def text_of_value(value: Any, shape: Shape | None, style: Style) -> str:
    """Write a value for people, in lines."""
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    if value is None:
        return ""
    if isinstance(shape, RecordShape) and isinstance(value, dict):
        if getattr(shape.record, "as_text", None) is not None:  # a record that knows how people want to read it
            return render(value, shape, style.width)
        return _record(value, shape, style)
    if is_answer(value):
        return _answer(value, style)
    if isinstance(value, list):
        return _list(value, shape.item if isinstance(shape, ListShape) else None, style)
    if isinstance(value, dict):
        if any(isinstance(each, dict | list) for each in value.values()):
            return coloured_json(value, style)
        return _pairs([(key, _cell(each, None, style)) for key, each in value.items()], style, in_line=False)
    return _cell(value, shape, style, lines=True)


def _record(value: dict[str, Any], shape: RecordShape, style: Style) -> str:
    if is_answer(value):
        return _answer(value, style)
    if {"columns", "rows"} <= shape.fields.keys() and not value.get("columns"):  # SQL that gives no rows
        value = {name: each for name, each in value.items() if each not in ([], "") and each is not False}
    blocks: list[str] = []
    pairs: list[tuple[str, str]] = []
    for name, each in value.items():
        inner = shape.fields.get(name)
        if isinstance(inner, ListShape) and isinstance(inner.item, RecordShape):
            if each:
                blocks.append(_list(each, inner.item, style))
        elif each is not None and each != "" and not is_picture(inner):
            pairs.append((name, _cell(each, inner, style)))
    has_table = any(
        isinstance(each, ListShape) and isinstance(each.item, RecordShape) for each in shape.fields.values()
    )
    if pairs and not (has_table and not blocks and all(not value[name] for name, _ in pairs)):
        blocks.append(_pairs(pairs, style, in_line=True))
    return "\n".join(blocks)


def _answer(value: dict[str, Any], style: Style) -> str:
    columns = [visible(str(name)) for name in value["columns"]]
    rows = [[_cell(cell, None, style) for cell in row] for row in value["rows"]]
    right = [
        bool(rows) and all(_is_number(row[at]) or row[at] is None for row in value["rows"])
        for at in range(len(columns))
    ]
    text = table(columns, rows, right, style)
    if value.get("note"):
        text += "\n" + style.paint(visible(str(value["note"])), "yellow")
    return text


def _list(values: Sequence[Any], item: Shape | None, style: Style, *, header: bool = True) -> str:
    while isinstance(item, MaybeShape):
        item = item.inner
    if values and all(isinstance(each, dict) and each for each in values):
        fields = item.fields if isinstance(item, RecordShape) else {}
        names = list(dict.fromkeys(key for row in values for key in row))
        if len(names) <= 40:
            cells = [[_cell(row.get(name), fields.get(name), style) for name in names] for row in values]
            right = [_is_right(values, name, fields.get(name)) for name in names]
            return table([visible(name) for name in names], cells, right, style, header=header)
    if values and all(isinstance(each, list) for each in values):
        width = max(map(len, values))
        rows = [[_cell(cell, None, style) for cell in row] + [""] * (width - len(row)) for row in values]
        return table([""] * width, rows, [False] * width, style, header=False)
    return "\n".join(
        coloured_json(each, style) if isinstance(each, dict | list) else _cell(each, item, style, lines=True)
        for each in values
    )


def _is_right(rows: Sequence[Any], name: str, shape: Shape | None) -> bool:
    if shape is not None and shape.is_number():
        return True
    given = [row[name] for row in rows if row.get(name) is not None]
    return bool(given) and all(map(_is_number, given))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any, shape: Shape | None, style: Style, *, lines: bool = False) -> str:
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    if value is None:
        return ""
    if isinstance(shape, _MOMENT) and isinstance(value, str):
        return moment(value, style)
    if shape is None or (isinstance(value, str) and not isinstance(shape, ListShape)):
        return visible(compact(value), lines=lines)
    try:
        return visible(shape.show(value), lines=lines)
    except (TypeError, ValueError, AttributeError, KeyError):  # a filter has made something else of it
        return visible(compact(value), lines=lines)


def moment(text: str, style: Style) -> str:
    """Write a moment: "12s ago" within a day, else the minute; in full where the style has no clock."""
    if style.now is None:
        return visible(text)
    try:
        at = datetime.fromisoformat(text)
        seconds = (style.now - at.astimezone(UTC)).total_seconds()
    except (ValueError, OverflowError, TypeError):
        return visible(text)
    for most, unit, name in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h")):
        if 0 <= seconds < most:
            return f"{int(seconds // unit)}{name} ago"
        if -most < seconds < 0:
            return f"in {int(-seconds // unit)}{name}"
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _pairs(pairs: Sequence[tuple[str, str]], style: Style, *, in_line: bool) -> str:
    shown = [(visible(name), text) for name, text in pairs]
    if in_line and columns_of(GAP.join(f"{name} {text}" for name, text in shown)) <= style.width:
        return GAP.join(f"{style.paint(name, 'cyan')} {text}".rstrip() for name, text in shown)
    widest = max((columns_of(name) for name, _ in shown), default=0)
    return "\n".join(
        f"{style.paint(name, 'cyan')}{' ' * (widest - columns_of(name))}{GAP}{text}".rstrip() for name, text in shown
    )


# ---- Tables ----


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], style: Style, *, header: bool = True
) -> str:
    """Lay out cells that are visible already so that they fit the width; what is too long ends in "…".

    For a screen reader each row is told with the names of its columns.
    """
    if style.plain and header and len(columns) > 1:
        return "\n".join(
            ", ".join(f"{name} {cell}" for name, cell in zip(columns, row, strict=False) if cell) for row in rows
        )
    shown = [list(columns), *rows] if header else list(rows)
    widths = [max(columns_of(row[at]) for row in shown) for at in range(len(columns))] if shown else []
    widths = fitted(widths, style.width - len(GAP) * (len(widths) - 1))
    lines = []
    for number_, row in enumerate(shown):
        cells = [padded(cell, wide, right=at) for cell, wide, at in zip(row, widths, right, strict=False) if wide]
        line = GAP.join(cells).rstrip()
        lines.append(style.paint(line, "bold") if header and number_ == 0 else line)
    return "\n".join(lines)


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Take columns from the widest until all fit; where even narrow ones do not, the last are left out (0)."""
    widths = list(widths)
    if sum(widths) <= room:
        return widths
    keeps = [min(width, NARROWEST) for width in widths]
    while sum(keeps) + len(GAP) * len(keeps) > room + len(GAP) * len(widths) and len(keeps) > 1:
        keeps.pop()
    room += len(GAP) * (len(widths) - len(keeps))
    left = widths[: len(keeps)]
    low, high = NARROWEST, max(left)
    while low < high:  # the largest width to which the widest may be cut
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sum(min(width, middle) for width in left) <= room else (low, middle - 1)
    cut = [min(width, low) for width in left]
    spare = room - sum(cut)
    for at, width in enumerate(left):
        if spare > 0 and cut[at] < width:
            cut[at] += 1
            spare -= 1
    return [*cut, *([0] * (len(widths) - len(cut)))]


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text up to a number of columns, or cut it there with "…"."""
    wide = columns_of(text)
    if wide > width:
        text = cut_to(text, width - 1) + "…"
        wide = columns_of(text)
    space = " " * (width - wide)
    return space + text if right else text + space


def cut_to(text: str, width: int) -> str:
    """Give as much of a text as fits a number of columns."""
    if text.isascii():
        return text[:width]
    used, end = 0, 0
    for end, char in enumerate(text):
        used += max(0, wcwidth(char)) if not unicodedata.combining(char) else 0
        if used > width:
            return text[:end]
    return text


def names_in_columns(names: Sequence[str], style: Style, colour: Sequence[str] = ()) -> str:
    """Write names side by side, down the columns, as `ls` does."""
    if not names:
        return ""
    if style.plain:
        return "\n".join(names)
    widths = [columns_of(name) for name in names]
    for height in range(1, len(names) + 1):
        parts = [widths[at : at + height] for at in range(0, len(names), height)]
        if sum(max(part) for part in parts) + len(GAP) * (len(parts) - 1) <= style.width or height == len(names):
            break
    lines = []
    for row in range(height):
        cells = []
        for at in range(row, len(names), height):
            space = " " * (max(widths[at // height * height :][:height]) - widths[at])
            name = style.paint(names[at], colour[at]) if colour and colour[at] else names[at]
            cells.append(name + space)
        lines.append(GAP.join(cells).rstrip())
    return "\n".join(lines)


def branches(rows: Iterable[tuple[int, str]], style: Style) -> str:
    """Draw a tree of (depth, label), each under the nearest before it that is less deep."""
    listed = list(rows)
    if style.plain:
        return "\n".join(f"level {depth}: {label}" for depth, label in listed)
    lines: list[str] = []
    goes_on: dict[int, bool] = {}
    for depth, label in reversed(listed):
        front = "".join("│   " if goes_on.get(level) else "    " for level in range(1, depth))
        mark = ("├── " if goes_on.get(depth) else "└── ") if depth else ""
        lines.append(front + mark + label)
        goes_on = {level: known for level, known in goes_on.items() if level <= depth} | {depth: True}
    return "\n".join(reversed(lines))


# ---- JSON ----

_TOKENS = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)')


def coloured_json(value: Any, style: Style) -> str:
    """Write JSON in lines, in colours where it is not very long."""
    line = json.dumps(value, ensure_ascii=False)
    text = visible(line if len(line) <= style.width else json.dumps(value, ensure_ascii=False, indent=2), lines=True)
    if not style.colours or len(text) > ITEMS_SHOWN_AS_JSON:
        return text
    return _TOKENS.sub(lambda match: _painted(match, style), text)


def _painted(match: "re.Match[str]", style: Style) -> str:
    text, colon, digits, word = match.groups()
    if text is not None:
        return style.paint(text, "blue") + colon if colon else style.paint(text, "green")
    return style.paint(digits, "yellow") if digits else style.paint(word, "magenta")


def plain_line(item: Any) -> str:
    """Write an item as one line that a screen can show."""
    return visible(line_of(item))
