"""Filters that count and add up what comes through a pipe."""

from typing import Annotated, Any

from objects.commands.types import Help, Json
from teams.problems import BadRequest
from terminal.builtins.base import Stage, builtin
from terminal.builtins.items import Field, of_item, with_field
from terminal.values import Breath, Flow, as_number, field_of, json_of, sort_key, text_of


@builtin("filters")
async def count(stage: Stage) -> Json:
    """Count the items.

    > seq 12 | count
    12
    """
    number = 0
    async for _ in stage.need_input().each():
        number += 1
    return number


@builtin("filters", short={"l": "lines", "w": "words", "c": "bytes"})
async def wc(
    stage: Stage,
    *,
    lines: Annotated[bool, Help("only the lines")] = False,
    words: Annotated[bool, Help("only the words")] = False,
    bytes: Annotated[bool, Help("only the bytes")] = False,  # noqa: A002 -- what people know it as
) -> Json:
    r"""Count lines, words and bytes; of data, as the text that it is.

    > printf 'a b\nc\n' | wc
    lines 2  words 3  bytes 6
    > seq 7 | wc -l
    7
    """
    flow = stage.need_input()
    counted = {"lines": 0, "words": 0, "bytes": 0}
    breath = Breath()
    inside = False
    ends_with_line = True
    async for chunk in flow.chunks():
        counted["lines"] += chunk.count(b"\n")
        counted["bytes"] += len(chunk)
        counted["words"] += len(chunk.split())
        if inside and chunk[:1].strip():  # a word that lies across two chunks
            counted["words"] -= 1
        inside = bool(chunk[-1:].strip())
        ends_with_line = chunk.endswith(b"\n") if chunk else ends_with_line
        await breath()
    if not ends_with_line:
        counted["lines"] += 1
    for name, asked in (("lines", lines), ("words", words), ("bytes", bytes)):
        if asked:
            return counted[name]
    return Flow(
        counted,
        view=lambda value, style: "  ".join(f"{style.paint(name, 'cyan')} {each}" for name, each in value.items()),
    )


@builtin("filters", takes=("fields",))
async def group(stage: Stage, field: Field, *, total: Annotated[str, Help("also add this field up")] = "") -> Json:
    """Count items by a field, the most frequent first; with --total also add another one up.

    > echo '[{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "a", "n": 5}]' | json --read | group k --total n
    k  count  n
    a      2  6
    b      1  2
    """
    groups: dict[str, dict[str, Any]] = {}
    for item in await with_field(stage.need_input(), field, stage):
        value = of_item(item, field)
        found = groups.setdefault(json_of(value), {field: value, "count": 0} | ({total: 0} if total else {}))
        found["count"] += 1
        if total:
            found[total] += as_number(field_of(item, total)) or 0
    return sorted(groups.values(), key=lambda each: -each["count"])


@builtin("filters", takes=("fields",))
async def sum(stage: Stage, field: Field = "") -> Json:  # noqa: A001 -- what people call it
    """Add numbers up.

    > seq 4 | sum
    10
    """
    import math  # noqa: PLC0415 -- beside the builtin of its name

    found = await _numbers(stage, field)
    if all(isinstance(each, int) for each in found):
        total: int | float = 0
        for each in found:
            total += each
        return total
    return math.fsum(found)


@builtin("filters", takes=("fields",))
async def avg(stage: Stage, field: Field = "") -> Json:
    """Give the mean of numbers.

    > seq 4 | avg
    2.5
    """
    import statistics  # noqa: PLC0415 -- only this builtin uses it

    found = await _numbers(stage, field)
    return statistics.fmean(found) if found else None


@builtin("filters", takes=("fields",))
async def min(stage: Stage, field: Field = "") -> Json:  # noqa: A001 -- what people call it
    """Give the smallest number or the first text.

    > seq 4 | min
    1
    """
    return await _extreme(stage, field, is_largest=False)


@builtin("filters", takes=("fields",))
async def max(stage: Stage, field: Field = "") -> Json:  # noqa: A001 -- what people call it
    """Give the largest number or the last text.

    > seq 4 | max
    4
    """
    return await _extreme(stage, field, is_largest=True)


async def _numbers(stage: Stage, field: str) -> list[int | float]:
    found = []
    for item in await with_field(stage.need_input(), field, stage):
        value = of_item(item, field)
        number = as_number(value)
        if number is None and value is not None:
            raise BadRequest(f"{stage.name}: '{text_of(value)[:60]}' is no number." + (
                "" if field else " Name the field with the numbers."))  # fmt: skip
        if number is not None:
            found.append(number)
    return found


async def _extreme(stage: Stage, field: str, *, is_largest: bool) -> Any:
    values = [of_item(item, field) for item in await with_field(stage.need_input(), field, stage)]
    ordered = sorted((value for value in values if value is not None), key=sort_key)
    return ordered[-1 if is_largest else 0] if ordered else None
