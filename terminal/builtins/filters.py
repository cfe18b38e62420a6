"""Filters: take items from a pipe and give fewer, others or in another order. Text is a flow of lines."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from objects.commands.types import AtLeast, Help, Json, RestOfLine
from teams.problems import BadRequest, Problem, WrongArgument
from terminal import expressions
from terminal.builtins.base import KEPT, NAMED, Stage, builtin
from terminal.values import Breath, Flow, as_number, field_of, json_of, line_of, sort_key, text_of

Field = Annotated[str, Help("a field, such as size or owner.name; the item itself where it is left out")]
Count = Annotated[int, AtLeast(0), Help("how many")]
_NONE = object()


def _like(flow: Flow, items: AsyncIterator[Any]) -> Flow:
    return Flow(items=items, shape=flow.item_shape, live=flow.live)


def _of(item: Any, field: str) -> Any:
    return field_of(item, field) if field else item


async def _checked_field(flow: Flow, field: str, stage: Stage) -> list[Any]:
    """Give the items; raises WrongArgument where a field was named that no item has."""
    items = await flow.listed()
    if field and items and all(field_of(item, field, _NONE) is _NONE for item in items):
        has = ", ".join(dict.fromkeys(name for item in items[:100] if isinstance(item, dict) for name in item))
        raise WrongArgument(
            "field", f"no item has '{field[:60]}'." + (f" Fields: {has}." if has else " They have no fields."),
            column=stage.column_of(field),
        )  # fmt: skip
    return items


@builtin(
    "filters", short={"i": "ignore_case", "v": "invert", "c": "count", "F": "fixed"}, takes=("", "fields"), gives=KEPT
)
async def grep(
    stage: Stage,
    pattern: Annotated[str, Help("a regular expression (RE2)")],
    *fields: Annotated[str, Help("look only into these fields")],
    ignore_case: Annotated[bool, Help("large and small letters are the same")] = False,
    invert: Annotated[bool, Help("those that do not match")] = False,
    count: Annotated[bool, Help("only how many there are")] = False,
    fixed: Annotated[bool, Help("the pattern is plain text")] = False,
) -> Json:
    r"""Let through lines and records in which a pattern is found; the status is 1 where none is.

    > printf 'apple\npear\n' | grep '^a'
    apple
    > printf 'apple\npear\n' | grep -vc e$
    1
    """
    flow = stage.need_input()
    fits: Callable[[str], Any]
    if fixed:
        wanted = pattern.lower() if ignore_case else pattern
        fits = lambda text: wanted in (text.lower() if ignore_case else text) or None  # noqa: E731
    else:
        try:
            fits = expressions.pattern(pattern, ignore_case=ignore_case)
        except BadRequest as problem:
            problem.extra = {"column": stage.column_of(pattern)}
            raise

    def is_found(item: Any) -> bool:
        texts = [text_of(field_of(item, field)) for field in fields] if fields else [line_of(item)]
        return any(fits(text) is not None for text in texts) != invert

    async def found() -> AsyncIterator[Any]:
        stage.status = 1
        async for item in flow.each():
            if is_found(item):
                stage.status = 0
                yield item

    if count:
        return len([item async for item in found()])
    return _like(flow, found())


@builtin("filters", short={"n": "count"}, number="count", gives=KEPT)
async def head(stage: Stage, count: Count = 10) -> Json:
    """Let the first items through.

    > seq 100 | head -2
    1
    2
    """
    flow = stage.need_input()

    async def found() -> AsyncIterator[Any]:
        left = count
        if left:
            async for item in flow.each():
                yield item
                left -= 1
                if not left:
                    return

    return _like(flow, found())


@builtin("filters", short={"n": "count"}, number="count", gives=KEPT)
async def tail(stage: Stage, count: Count = 10) -> Json:
    """Let the last items through.

    > seq 100 | tail -n 2
    99
    100
    """
    flow = stage.need_input()

    async def found() -> AsyncIterator[Any]:
        kept: deque[Any] = deque(maxlen=count)
        async for item in flow.each():
            kept.append(item)
        for item in kept:
            yield item

    return Flow(items=found(), shape=flow.item_shape)


@builtin("filters", gives=KEPT)
async def first(stage: Stage) -> Json:
    """Give the first item alone.

    > seq 5 9 | first
    5
    """
    flow = stage.need_input()
    async for item in flow.each():
        return Flow(item, flow.item_shape)
    stage.status = 1
    return None


@builtin("filters", gives=KEPT)
async def last(stage: Stage) -> Json:
    """Give the last item alone.

    > seq 5 9 | last
    9
    """
    flow = stage.need_input()
    found = _NONE
    async for item in flow.each():
        found = item
    stage.status = int(found is _NONE)
    return None if found is _NONE else Flow(found, flow.item_shape)


@builtin("filters", short={"r": "reverse", "u": "unique"}, takes=("fields",), gives=KEPT)
async def sort(
    stage: Stage,
    *fields: Field,
    reverse: Annotated[bool, Help("the largest first")] = False,
    unique: Annotated[bool, Help("each value once")] = False,
) -> Json:
    r"""Sort by fields or as a whole: numbers by size, texts by their characters.

    > printf '10\n9\nb\na\n' | sort
    9
    10
    a
    b
    > ls | sort size --reverse | head -1 | count
    …
    """
    flow = stage.need_input()
    items = await _checked_field(flow, fields[0] if fields else "", stage)

    def key(item: Any) -> Any:
        return [sort_key(_of(item, field)) for field in fields] if fields else sort_key(_sortable(item))

    # In a thread: a million keys take a second, and Ctrl-C shall not wait for it.
    ordered = await asyncio.to_thread(lambda: sorted(items, key=key, reverse=reverse))
    if unique:
        ordered = [item for at, item in enumerate(ordered) if at == 0 or key(item) != key(ordered[at - 1])]
    shape = flow.item_shape

    async def found() -> AsyncIterator[Any]:
        breath = Breath()
        for item in ordered:
            yield item
            await breath()

    return Flow(items=found(), shape=shape)


def _sortable(item: Any) -> Any:
    return list(item.values()) if isinstance(item, dict) else item


@builtin("filters", short={"c": "count"}, takes=("fields",), gives=KEPT)
async def uniq(
    stage: Stage, field: Field = "", *, count: Annotated[bool, Help("say how often each was there")] = False
) -> Json:
    r"""Let each item through once, wherever it comes again.

    > printf 'b\na\nb\n' | uniq --count
    count  value
        2  b
        1  a
    """
    flow = stage.need_input()

    async def found() -> AsyncIterator[Any]:
        seen: set[str] = set()
        async for item in flow.each():
            key = json_of(_of(item, field))
            if key not in seen:
                seen.add(key)
                yield item

    if not count:
        return _like(flow, found())
    counts: dict[str, list[Any]] = {}
    async for item in flow.each():
        value = _of(item, field)
        counts.setdefault(json_of(value), [0, value])[0] += 1
    return [{"count": number, field or "value": value} for number, value in counts.values()]


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


@builtin("filters", takes=("condition",), gives=KEPT)
async def where(stage: Stage, condition: Annotated[RestOfLine, Help("such as kind == counter and size > 1MB")]) -> Json:
    """Let through what a condition holds for.

    A bare word on the left of a comparison is a field, on the right a text. Comparisons: == != < <= > >= =~ (a regular
    expression) in contains starts ends; joined by and, or, not and parentheses. 1MB, 2GiB, 5m and 1h30m are numbers;
    .name is a field anywhere, it is the item itself, $x a variable.

    > seq 10 | where it > 8
    9
    10
    > echo '[{"n": 1, "k": "a"}, {"n": 2, "k": "b"}]' | json --read | where k == b or n < 1
    n  k
    2  b
    """
    flow = stage.need_input()
    test = test_of(stage, condition)

    async def found() -> AsyncIterator[Any]:
        async for item in flow.each():
            if test(item):
                yield item

    return _like(flow, found())


def test_of(stage: Stage, condition: str) -> Callable[[Any], Any]:
    """Make a test of a condition; refusals point into what was typed."""
    try:
        return expressions.condition(condition, stage.shell.variable)
    except Problem as problem:
        start = stage.arguments[0].start if stage.arguments else stage.start
        problem.extra["column"] = start + int(problem.extra.pop("at", 0)) + 1
        raise


async def _selected(stage: Stage, fields: tuple[str, ...]) -> Flow:
    flow = stage.need_input()
    if not fields:
        raise BadRequest(f"{stage.name}: name the fields to keep, such as name size.")

    async def found() -> AsyncIterator[Any]:
        async for item in flow.each():
            yield {field: field_of(item, field) for field in fields}

    return _like(flow, found())


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


@builtin("filters", gives=KEPT)
async def reverse(stage: Stage) -> Json:
    """Give the items in the opposite order.

    > seq 3 | reverse
    3
    2
    1
    """
    flow = stage.need_input()
    items = await flow.listed()

    async def found() -> AsyncIterator[Any]:
        for item in reversed(items):
            yield item

    return Flow(items=found(), shape=flow.item_shape)


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


@builtin("filters", takes=("fields",))
async def group(stage: Stage, field: Field, *, total: Annotated[str, Help("also add this field up")] = "") -> Json:
    """Count items by a field, the most frequent first; with --total also add another one up.

    > echo '[{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "a", "n": 5}]' | json --read | group k --total n
    k  count  n
    a      2  6
    b      1  2
    """
    groups: dict[str, dict[str, Any]] = {}
    for item in await _checked_field(stage.need_input(), field, stage):
        value = _of(item, field)
        found = groups.setdefault(json_of(value), {field: value, "count": 0} | ({total: 0} if total else {}))
        found["count"] += 1
        if total:
            found[total] += as_number(field_of(item, total)) or 0
    return sorted(groups.values(), key=lambda each: -each["count"])


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


async def _numbers(stage: Stage, field: str) -> list[int | float]:
    found = []
    for item in await _checked_field(stage.need_input(), field, stage):
        value = _of(item, field)
        number = as_number(value)
        if number is None and value is not None:
            raise BadRequest(f"{stage.name}: '{text_of(value)[:60]}' is no number." + (
                "" if field else " Name the field with the numbers."))  # fmt: skip
        if number is not None:
            found.append(number)
    return found


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


async def _extreme(stage: Stage, field: str, *, is_largest: bool) -> Any:
    values = [_of(item, field) for item in await _checked_field(stage.need_input(), field, stage)]
    ordered = sorted((value for value in values if value is not None), key=sort_key)
    return ordered[-1 if is_largest else 0] if ordered else None


@builtin("filters", short={"r": "raw", "c": "compact"})
async def jq(
    stage: Stage,
    program: Annotated[str, Help("in quotes, such as '.[] | select(.size > 10) | .name'")] = ".",
    *,
    compact: Annotated[bool, Help("each result as a line of JSON")] = False,
    raw: Annotated[bool, Help("taken for those who know it from jq: texts come bare anyway")] = False,  # noqa: ARG001
    each: Annotated[bool, Help("run it on each item, not on all of them as a list")] = False,
) -> Json:
    """Work on data with a jq program; see https://jqlang.org/manual.

    > echo '[{"a": 1}, {"a": 2}]' | json --read | jq '.[].a'
    1
    2
    > seq 3 | jq 'map(. * 2) | add'
    12
    """
    from terminal.builtins import jq_process  # noqa: PLC0415 -- only jq needs a process

    flow = stage.need_input()
    if each:
        inputs = await flow.listed()
    else:
        value = await flow.whole()
        inputs = [_parsed(value) if flow.is_file or isinstance(value, str) else value]
    results = [] if not inputs else await jq_process.run(program, inputs, column=stage.column_of(program))
    if compact:
        return Flow("\n".join(map(json_of, results)) if results else None)
    return results[0] if len(results) == 1 else results or None


def _parsed(text: str) -> Any:
    from objects.commands.shapes import parsed  # noqa: PLC0415 -- one function of it

    return parsed(text, text)
