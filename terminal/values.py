"""What flows through a pipe: JSON values with what is known of their type, items that come one after another, bytes.

A stage of a pipeline gets a Flow and gives one. Nothing is read before somebody asks for it, so a slow reader slows
down whoever writes, and what nobody reads is never made.
"""

import asyncio
import codecs
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from objects.commands.render import render
from objects.commands.shapes import ListShape, MaybeShape, RecordShape, Shape, compact
from objects.commands.types import Download
from teams.problems import TooLarge

MOST_ITEMS = 1_000_000  # that are held at once, as `sort` must
MOST_BYTES = 64 * 1024 * 1024  # of a file that is held at once
BREATH_S = 0.01  # how long a loop works before others on the event loop have their turn

View = Callable[[Any, Any], str]
"""How a value is shown when it comes to a screen as it is: (value, style) to text."""


class Flow:
    """What comes out of a stage; read once.

    value: a JSON value, or a Download. shape: its type; of one item where `items` is given. view: how people see it
    where nothing more is done with it. live: items come as things happen, each is shown at once.
    """

    __slots__ = ("items", "live", "shape", "value", "view")

    def __init__(
        self,
        value: Any = None,
        shape: Shape | None = None,
        *,
        items: AsyncIterator[Any] | None = None,
        live: bool = False,
        view: View | None = None,
    ) -> None:
        self.value = value
        self.shape = shape
        self.items = items
        self.live = live
        self.view = view

    @property
    def is_nothing(self) -> bool:
        """Whether nothing comes."""
        return self.items is None and self.value is None

    @property
    def is_file(self) -> bool:
        """Whether it is the content of a file."""
        return isinstance(self.value, Download)

    @property
    def item_shape(self) -> Shape | None:
        """The type of what `each` gives, where it is known."""
        return self.shape if self.items is not None else _rows(self.value, self.shape)[1]

    async def each(self) -> AsyncIterator[Any]:
        """Give item after item: of a list its items, of a table its rows, of a text or file its lines; else itself."""
        if self.items is not None:
            async for item in self.items:
                yield item
            return
        if self.is_file:
            async for line in self._file_lines():
                yield line
            return
        breath = Breath()
        rows, _ = _rows(self.value, self.shape)
        for item in rows:
            yield item
            await breath()

    async def whole(self) -> Any:
        """Give all of it as one JSON value; a file that holds text as that text. Raises TooLarge."""
        if self.items is not None:
            return await self.listed()
        if self.is_file:
            return (await self.content()).decode(errors="replace")
        return _named_rows(self.value)

    async def listed(self) -> list[Any]:
        """Give what `each` gives as a list. Raises TooLarge."""
        found: list[Any] = []
        async for item in self.each():
            found.append(item)
            if len(found) > MOST_ITEMS:
                raise TooLarge(f"more than {MOST_ITEMS:,} items: `head`, `where` or `grep` before it makes fewer.")
        return found

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give it as the bytes of a file: of a file its own; text as it is; everything else as lines of text."""
        if self.is_file:
            for chunk in self.value.chunks():
                yield chunk
                await asyncio.sleep(0)
        elif self.items is None and isinstance(self.value, str):
            yield self.value.encode(errors="replace")
        else:
            async for item in self.each():
                yield (line_of(item) + "\n").encode(errors="replace")

    async def content(self, most_bytes: int = MOST_BYTES) -> bytes:
        """Give the bytes of `chunks` at once. Raises TooLarge."""
        parts, size = [], 0
        async for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > most_bytes:
                raise TooLarge(f"more than {most_bytes:,} bytes, which is the most that this takes at once.")
        return b"".join(parts)

    async def text(self) -> str:
        """Give it as text, as a variable or an argument takes it: without the last line end."""
        if self.items is None and not self.is_file:
            return text_of(_named_rows(self.value))
        return (await self.content()).decode(errors="replace").removesuffix("\n")

    async def _file_lines(self) -> AsyncIterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        left = ""
        async for chunk in self.chunks():
            *lines, left = (left + decoder.decode(chunk)).split("\n")
            breath = Breath()
            for line in lines:
                yield line.removesuffix("\r")
                await breath()
            if len(left) > MOST_BYTES:
                raise TooLarge(f"a line has more than {MOST_BYTES:,} characters: this is no text.")
        if left:
            yield left


async def close(items: AsyncIterator[Any]) -> None:
    """Close a generator that nobody reads any more, so that what it holds is given back."""
    closing = getattr(items, "aclose", None)
    if closing is not None:
        await closing()


class Breath:
    """Lets others on the event loop have their turn, and Ctrl-C arrive, once in a while: `await breath()`."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at = time.monotonic()

    async def __call__(self) -> None:
        if time.monotonic() - self._at > BREATH_S:
            await asyncio.sleep(0)
            self._at = time.monotonic()


def line_of(item: Any) -> str:
    """Write an item as one line of text: text and numbers bare, cells of a record apart by tabs, the rest as JSON."""
    if isinstance(item, dict) and all(not isinstance(each, dict | list) for each in item.values()):
        return "\t".join(compact(each) for each in item.values())
    return text_of(item)


def text_of(value: Any) -> str:
    """Write a value as text: bare where it is text or a number, lines for a list of such, JSON otherwise."""
    if isinstance(value, list) and not any(isinstance(each, list | dict) for each in value):
        return "\n".join(map(compact, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return compact(value)


def json_of(value: Any, *, indent: int | None = None) -> str:
    """Write a value as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def sort_key(value: Any) -> tuple[int, Any]:
    """Give what values of different types are sorted by: nothing, no, yes, numbers, texts, lists, objects."""
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 1, value
    if isinstance(value, int | float):
        return 2, value
    if isinstance(value, str):
        number = as_number(value)
        return (2, number) if number is not None else (3, value)
    return (4, [sort_key(each) for each in value]) if isinstance(value, list) else (5, json_of(value))


def as_number(value: Any) -> int | float | None:
    """Give the number that a value is, or that its text says; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and 0 < len(value) <= 40 and value.strip()[:1] in "0123456789+-.":
        try:
            number = float(value)
        except ValueError:
            return None
        if number - number != 0.0:
            return None
        return int(value) if value.strip().lstrip("+-").isdecimal() and value.isascii() else number
    return None


_MISSING = object()


def field_of(value: Any, name: str, otherwise: Any = None) -> Any:
    """Give what is at a name in a value: "size", "owner.name", "rows.0.id"; `otherwise` where there is nothing."""
    found = _step(value, name)
    if found is _MISSING and "." in name:
        found = value
        for part in name.split("."):
            found = _step(found, part)
            if found is _MISSING:
                return otherwise
    return otherwise if found is _MISSING else found


def _step(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, _MISSING)
    if isinstance(value, list) and name.lstrip("-").isdecimal() and len(name) < 10:
        at = int(name)
        return value[at] if -len(value) <= at < len(value) else _MISSING
    return _MISSING


def _rows(value: Any, shape: Shape | None) -> tuple[Iterable[Any], Shape | None]:
    """Give the items of a value and their type."""
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    if isinstance(value, list):
        return value, shape.item if isinstance(shape, ListShape) else None
    if isinstance(value, str):
        return _lines(value), None
    if value is None:
        return (), None
    if is_answer(value):
        return _answer_rows(value), None
    if isinstance(value, dict) and isinstance(shape, RecordShape):
        if getattr(shape.record, "as_text", None) is not None:  # a record that knows how people want to read it
            return _lines(render(value, shape)), None
        tables = [
            (name, each.item)
            for name, each in shape.fields.items()
            if isinstance(each, ListShape) and isinstance(each.item, RecordShape)
        ]
        if len(tables) == 1 and isinstance(value.get(tables[0][0]), list):
            return value[tables[0][0]], tables[0][1]
    return (value,), shape


def _lines(text: str) -> Iterator[str]:
    if not text:
        return
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end].removesuffix("\r")
        start = end + 1
    if start < len(text):
        yield text[start:]


def is_answer(value: Any) -> bool:
    """Whether a value is what SQL answers: columns, and rows that are lists."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("columns"), list)
        and isinstance(value.get("rows"), list)
        and bool(value["columns"])
        and all(isinstance(row, list) for row in value["rows"][:1])
    )


def _answer_rows(value: Any) -> Iterator[dict[str, Any]]:
    names: list[str] = []
    for name in value["columns"]:
        unique, number = name, 2
        while unique in names:  # two columns of one name are both kept
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    for row in value["rows"]:
        yield dict(zip(names, row, strict=False))


def _named_rows(value: Any) -> Any:
    return list(_answer_rows(value)) if is_answer(value) else value
