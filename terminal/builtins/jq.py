"""`jq`: a program of the real jq for each item."""

from typing import Annotated, Any

from objects.commands.types import Help, Json
from terminal.builtins.base import Stage, builtin
from terminal.values import Flow, json_of


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
