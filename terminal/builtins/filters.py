"""Filters: take items from a pipe and give fewer, or in another order. Text is a flow of lines."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from objects.commands.types import AtLeast, Help, Json, RestOfLine
from teams.problems import BadRequest, Problem
from terminal import expressions
from terminal.builtins.base import KEPT, Stage, builtin
from terminal.builtins.items import Field, like, of_item, with_field
from terminal.values import Breath, Flow, field_of, json_of, line_of, sort_key, text_of

Count = Annotated[int, AtLeast(0), Help("how many")]
_NONE = object()


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
    return like(flow, found())


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

    return like(flow, found())


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

    return like(flow, found())


def test_of(stage: Stage, condition: str) -> Callable[[Any], Any]:
    """Make a test of a condition; refusals point into what was typed."""
    try:
        return expressions.condition(condition, stage.shell.variable)
    except Problem as problem:
        start = stage.arguments[0].start if stage.arguments else stage.start
        problem.extra["column"] = start + int(problem.extra.pop("at", 0)) + 1
        raise


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
    items = await with_field(flow, fields[0] if fields else "", stage)

    def key(item: Any) -> Any:
        return [sort_key(of_item(item, field)) for field in fields] if fields else sort_key(_sortable(item))

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
            key = json_of(of_item(item, field))
            if key not in seen:
                seen.add(key)
                yield item

    if not count:
        return like(flow, found())
    counts: dict[str, list[Any]] = {}
    async for item in flow.each():
        value = of_item(item, field)
        counts.setdefault(json_of(value), [0, value])[0] += 1
    return [{"count": number, field or "value": value} for number, value in counts.values()]


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
