"""Filters that take parts of each item: fields of records, columns of lines."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from objects.commands.types import Help, Json
from teams.problems import BadRequest, WrongArgument
from terminal.builtins.base import NAMED, Stage, builtin
from terminal.builtins.items import Field, like
from terminal.values import Flow, field_of, line_of

_NONE = object()


@builtin("filters", takes=("fields",), gives=NAMED)
async def select(stage: Stage, *fields: Field) -> Json:
    """Keep only these fields of each record, in this order.

    > echo '{"a": 1, "b": {"c": 2}}' | json --read | select b.c a | json --compact
    [{"b.c": 2, "a": 1}]
    """
    return await _selected(stage, fields)


@builtin("filters", takes=("fields",), gives=NAMED)
async def columns(stage: Stage, *fields: Field) -> Json:
    """Keep only these fields: the same as select.

    > echo '{"a": 1, "b": 2}' | json --read | columns b
    b
    2
    """
    return await _selected(stage, fields)


async def _selected(stage: Stage, fields: tuple[str, ...]) -> Flow:
    flow = stage.need_input()
    if not fields:
        raise BadRequest(f"{stage.name}: name the fields to keep, such as name size.")

    async def found() -> AsyncIterator[Any]:
        async for item in flow.each():
            yield {field: field_of(item, field) for field in fields}

    return like(flow, found())


@builtin("filters", takes=("fields",))
async def get(stage: Stage, field: Field) -> Json:
    """Give what is at a field of a value, or of each item of a list.

    > echo '{"a": [5, 6]}' | json --read | get a.1
    6
    """
    flow = stage.need_input()
    value = await flow.whole()
    found = field_of(value, field, _NONE)
    if found is _NONE:
        value = await Flow(value, flow.shape if flow.items is None else None).listed()
        found = field_of(value, field, _NONE)
    if found is _NONE and any(field_of(item, field, _NONE) is not _NONE for item in value):
        return [field_of(item, field) for item in value]
    if found is _NONE:
        names = dict.fromkeys(name for item in value[:100] if isinstance(item, dict) for name in item)
        has = f" Fields: {', '.join(names)}." if names else ""
        raise WrongArgument("field", f"there is no '{field[:60]}' in it.{has}", column=stage.column_of(field))
    return found


@builtin("filters")
async def keys(stage: Stage) -> Json:
    """Give the names of the fields.

    > echo '{"a": 1, "b": 2}' | json --read | keys
    a
    b
    """
    names: dict[str, None] = {}
    async for item in stage.need_input().each():
        if isinstance(item, dict):
            names.update(dict.fromkeys(item))
    return list(names)


@builtin("filters")
async def flatten(stage: Stage) -> Json:
    """Take lists apart: the items of each item that is a list.

    > echo '[[1, 2], [3]]' | json --read | flatten
    1
    2
    3
    """
    flow = stage.need_input()

    async def found() -> AsyncIterator[Any]:
        async for item in flow.each():
            for each in item if isinstance(item, list) else [item]:
                yield each

    return Flow(items=found(), live=flow.live)


@builtin("filters", short={"d": "delimiter", "f": "fields", "c": "characters"})
async def cut(
    stage: Stage,
    *,
    fields: Annotated[str, Help("numbers of fields, such as 1,3-5; or names of a record's")] = "",
    delimiter: Annotated[str, Help("what is between the fields of a line")] = "\t",
    characters: Annotated[str, Help("numbers of characters, such as 1-10")] = "",
) -> Json:
    r"""Cut parts out of each line, or fields out of each record.

    > printf 'a,b,c\nd,e,f\n' | cut -d , -f 1,3
    a,c
    d,f
    """
    flow = stage.need_input()
    if bool(fields) == bool(characters):
        raise BadRequest("cut: say which --fields (-f 1,3) or which --characters (-c 1-10).")
    if not delimiter:
        raise BadRequest("cut: the delimiter is empty. Leave it out for a tab.")
    ranges = _ranges(fields or characters, stage)
    names = fields.split(",") if fields and ranges is None else []

    def cut_out(item: Any) -> Any:
        if isinstance(item, dict) and fields:
            if names:
                return {name: field_of(item, name) for name in names}
            chosen = _chosen(list(item), ranges or [])
            return {name: item[name] for name in chosen}
        text = line_of(item)
        if characters:
            return "".join(_chosen(list(text), ranges or []))
        return delimiter.join(_chosen(text.split(delimiter), ranges or []))

    async def found() -> AsyncIterator[Any]:
        async for item in flow.each():
            if names and not isinstance(item, dict):
                raise WrongArgument("fields", f"'{fields[:40]}': lines have numbers of fields, such as 1,3-5.")
            yield cut_out(item)

    return Flow(items=found(), live=flow.live)


def _ranges(text: str, stage: Stage) -> list[tuple[int, int]] | None:
    ranges = []
    for part in text.split(","):
        start, dash, end = part.partition("-")
        if not (start + end).isdecimal() or len(part) > 20 or (start and not start.isdecimal()):
            if any(char.isalpha() for char in part):
                return None
            raise WrongArgument(
                "fields", f"'{part[:40]}' is no number or range such as 3-5.", column=stage.column_of(text)
            )
        low = int(start or 1)
        ranges.append((low or 1, int(end) if end else 10**9 if dash else low))
    return ranges


def _chosen(parts: list[Any], ranges: list[tuple[int, int]]) -> list[Any]:
    return [part for at, part in enumerate(parts, start=1) if any(low <= at <= high for low, high in ranges)]
