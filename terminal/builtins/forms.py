"""Forms: how data is written: as a table, JSON, CSV, lines, a chart."""

import csv as csv_format
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from objects.commands.shapes import RecordShape, compact
from objects.commands.types import Between, Help, Json
from teams.problems import BadRequest
from terminal.builtins.base import KEPT, Stage, builtin
from terminal.charts import bars
from terminal.charts import sparkline as drawn
from terminal.rendering import Style, coloured_json, text_of_value
from terminal.values import Breath, Flow, as_number, field_of, json_of, text_of

Field = Annotated[str, Help("a field, such as size or owner.name")]
MOST_DRAWN = 10_000


async def table_rows(flow: Flow) -> AsyncIterator[dict[str, Any]]:
    """Give each item as a record: a list by the numbers of its columns, anything else as {"value": …}."""
    async for item in flow.each():
        if isinstance(item, dict):
            yield item
        elif isinstance(item, list):
            yield {str(at): each for at, each in enumerate(item, start=1)}
        else:
            yield {"value": item}


async def csv_text(flow: Flow, separator: str = ",") -> str:
    """Write a flow as CSV; the first line has the names of all columns that occur."""
    rows = [row async for row in table_rows(flow)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv_format.writer(file, delimiter=separator, lineterminator="\n")
    breath = Breath()
    if names:
        writer.writerow(names)
    for row in rows:
        writer.writerow([_csv_cell(row.get(name)) for name in names])
        await breath()
    return file.getvalue()


def _csv_cell(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text_of(value)


@builtin("forms", takes=("fields",), gives=KEPT)
async def table(stage: Stage, *columns: Field) -> Json:
    """Show data as a table, with these columns or all.

    > echo '[{"a": 1, "b": 2}]' | json --read | table b
    b
    2
    """
    flow = stage.need_input()

    async def rows() -> AsyncIterator[Any]:
        async for row in table_rows(flow):
            yield {name: field_of(row, name) for name in columns} if columns else row

    return Flow(items=rows(), shape=None if columns else flow.item_shape, live=flow.live)


@builtin("forms")
async def json(
    stage: Stage,
    *,
    read: Annotated[bool, Help("the other way: read text that is JSON as data")] = False,
    compact: Annotated[bool, Help("in one line")] = False,
) -> Json:
    """Write data as JSON text, or read it.

    > echo '{"a": [1, 2]}' | json --read | get a.1
    2
    > seq 3 | json --compact
    [1, 2, 3]
    """
    flow = stage.need_input()
    if read:
        return _read_json(await flow.text())
    value = await flow.whole()
    if compact:
        return json_of(value)
    if stage.is_last:
        return Flow(json_of(value, indent=2), view=lambda text, style: _coloured(value, text, style))
    return json_of(value, indent=2)


def _coloured(value: Any, text: str, style: Style) -> str:
    return coloured_json(value, style) if style.colours else coloured_json(value, Style(width=1)) if text else ""


def _read_json(text: str) -> Any:
    import json as json_format  # noqa: PLC0415 -- the builtin has its name

    def refused(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    try:
        return json_format.loads(text, parse_constant=refused)
    except RecursionError:
        raise BadRequest("json: nested too deeply to be read.") from None
    except ValueError as error:
        raise BadRequest(f"json: this is no JSON: {error}.") from None


@builtin("forms")
async def jsonl(stage: Stage, *, read: Annotated[bool, Help("the other way: read lines of JSON")] = False) -> Json:
    """Write each item as a line of JSON, or read such lines.

    > seq 2 | jsonl
    1
    2
    """
    flow = stage.need_input()

    async def lines() -> AsyncIterator[Any]:
        async for item in flow.each():
            if not read:
                yield json_of(item)
            elif isinstance(item, str) and item.strip():
                yield _read_json(item)

    return Flow(items=lines(), live=flow.live)


@builtin("forms", name="csv")
async def csv_(
    stage: Stage,
    *,
    read: Annotated[bool, Help("the other way: read text that is CSV as rows")] = False,
    separator: Annotated[str, Help("the character between cells")] = ",",
) -> Json:
    r"""Write data as CSV, or read it.

    > printf 'name,n\na,1\nb,2\n' | csv --read | where n > 1 | csv
    name,n
    b,2
    """
    flow = stage.need_input()
    if len(separator) != 1 or separator in '"\r\n':
        raise BadRequest("csv: the separator is one character, such as ; or a tab.")
    if not read:
        return await csv_text(flow, separator)
    text = await flow.text()

    async def rows() -> AsyncIterator[Any]:
        breath = Breath()
        try:
            for row in csv_format.DictReader(io.StringIO(text), delimiter=separator, strict=True):
                more = row.pop(None, None)  # cells beyond the header are under None
                if more:
                    row["…"] = " ".join(more)
                yield {name: _cell(value) for name, value in row.items()}
                await breath()
        except csv_format.Error as error:
            raise BadRequest(f"csv: this is no CSV: {error}.") from None

    return Flow(items=rows())


def _cell(text: str | None) -> Any:
    number = as_number(text)
    return text if number is None else number


@builtin("forms")
async def text(stage: Stage) -> Json:
    """Write data as the text that is shown for it, without colours, for text tools.

    > echo '{"a": 1}' | json --read | text | grep a
    a  1
    """
    flow = stage.need_input()
    if flow.is_file or (flow.items is None and isinstance(flow.value, str)):
        return await flow.text()
    value = await flow.whole()
    return text_of_value(value, flow.shape if flow.items is None else None, Style(width=10_000))


@builtin("forms")
async def lines(stage: Stage) -> Json:
    r"""Take text apart into lines, so that each is an item.

    > printf 'a\nb\n' | lines | count
    2
    """
    flow = stage.need_input()

    async def found() -> AsyncIterator[Any]:
        async for item in flow.each():
            for line in text_of(item).split("\n"):
                yield line

    return Flow(items=found(), live=flow.live)


@builtin("forms", takes=("fields",))
async def chart(
    stage: Stage,
    value: Annotated[str, Help("the field with the numbers; the first that has some where it is left out")] = "",
    *,
    label: Annotated[str, Help("the field that names the bars")] = "",
    form: Annotated[Literal["bars", "line"], Help("bars side by side, or one line of them")] = "bars",
) -> Json:
    """Draw numbers: a bar for each item.

    > echo '[{"day": "mon", "n": 2}, {"day": "tue", "n": 4}]' | json --read | chart
    mon  2  …
    tue  4  …
    """
    flow = stage.need_input()
    shape = flow.item_shape
    rows = [row async for row in table_rows(flow)][:MOST_DRAWN]
    if not rows:
        return None
    value = value or next((name for name in rows[0] if any(_number(row.get(name)) is not None for row in rows)), "")
    pairs = []
    for at, row in enumerate(rows, start=1):
        found = _number(field_of(row, value))
        names = [label] if label else [name for name in row if name != value][:1]
        if found is not None:
            pairs.append((" ".join(compact(field_of(row, name)) for name in names) or str(at), found))
    if not pairs:
        raise BadRequest(f"chart: there are no numbers in it{f' under {value!r}' if value else ''}.")
    data = [{"label": name, "value": number} for name, number in pairs]
    if form == "line":
        return Flow(data, view=lambda _, style: drawn([each for _, each in pairs], style.width))
    named = shape.fields.get(value) if isinstance(shape, RecordShape) else None
    return Flow(data, view=lambda _, style: bars(pairs, style, lambda found: text_of_value(found, named, style)))


def _number(value: Any) -> float | None:
    return as_number(value)


@builtin("forms", takes=("fields",))
async def sparkline(
    stage: Stage,
    value: Annotated[str, Help("the field with the numbers")] = "",
    *,
    width: Annotated[int, Between(1, 1_000), Help("columns")] = 60,
) -> Json:
    """Draw numbers as one line of small bars.

    > seq 8 | sparkline
    ▁▂▃▄▅▆▇█
    """
    numbers = []
    async for item in stage.need_input().each():
        found = _number(field_of(item, value) if value else item)
        if found is None and isinstance(item, dict) and not value:
            found = next((number for each in item.values() if (number := _number(each)) is not None), None)
        if found is not None:
            numbers.append(float(found))
    return drawn(numbers, width)
