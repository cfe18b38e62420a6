"""Reading and writing: files, keys of the state, rows of tables."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from objects.commands.render import visible
from objects.commands.types import Help, Json
from teams.problems import BadRequest, Conflict, NoSuch, Problem
from terminal import contents, places
from terminal.builtins.base import Stage, builtin
from terminal.builtins.editing import edited
from terminal.values import MOST_BYTES, Flow

Anything = Annotated[str, Help("a file, or state/KEY, db/TABLE; also of another object: /shop/orders/out.json")]
LARGEST_EDITED = 1 << 20  # bytes

AFile = Annotated[str, Help("a file of this object, or of another one by its path; or state/KEY")]


@builtin("files", always=True, takes=("anything",))
async def cat(stage: Stage, *paths: Anything) -> Json:
    """Give what is in files, keys and tables, one after the other; without a name, what the pipe brings.

    > echo hello > greeting.txt
    > cat greeting.txt
    hello
    > state set colour red
    …
    > cat state/colour
    red
    """
    if not paths:
        return stage.need_input()
    if len(paths) == 1:
        return await _read(stage, paths[0])
    flows = [await _read(stage, path) for path in paths]

    async def found() -> AsyncIterator[Any]:
        for flow in flows:
            async for item in flow.each():
                yield item

    return Flow(items=found())


async def _read(stage: Stage, path: str) -> Flow:
    try:
        return await contents.read(stage.world, stage.shell.path, path)
    except Problem as problem:
        problem.extra["column"] = stage.column_of(path)
        raise


async def _written(stage: Stage, path: str, flow: Flow, *, adds: bool = False) -> int:
    try:
        return await contents.write(stage.world, stage.shell.path, path, flow, adds=adds)
    except Problem as problem:
        problem.extra["column"] = stage.column_of(path)
        raise


@builtin("files", always=True, takes=("files",))
async def write(
    stage: Stage, name: AFile, *text: Annotated[str, Help("the text; what the pipe brings where there is none")]
) -> Json:
    """Write a file, or a key of the state.

    > write greeting.txt hello there
    > cat greeting.txt
    hello there
    """
    if not text and not stage.has_input:
        raise BadRequest("write: the text is missing. Give it behind the name, through a pipe, or as a here-document.")
    await _written(stage, name, Flow(" ".join(text) + "\n") if text else stage.input)


@builtin("files", short={"a": "append"}, takes=("files",))
async def save(stage: Stage, name: AFile, *, append: Annotated[bool, Help("add it at the end")] = False) -> Json:
    """Write what the pipe brings into a file; its name tells the form: .csv, .json, .jsonl, else text.

    > seq 2 | save numbers.json
    > cat numbers.json | json --read | sum
    3
    """
    await _written(stage, name, stage.need_input(), adds=append)


@builtin("files", short={"a": "append"}, takes=("files",))
async def tee(stage: Stage, name: AFile, *, append: Annotated[bool, Help("add it at the end")] = False) -> Json:
    """Write what the pipe brings into a file, and let it through.

    > seq 2 | tee numbers.txt | sum
    3
    """
    flow = stage.need_input()
    if flow.is_file or (flow.items is None and isinstance(flow.value, str)):
        kept = Flow((await flow.content()).decode(errors="replace"))
    else:
        kept = Flow(
            await flow.whole() if flow.items is None else await flow.listed(),
            flow.shape if flow.items is None else None,
        )
    await _written(stage, name, Flow(kept.value, kept.shape), adds=append)
    return kept


@builtin("files", takes=("files",))
async def touch(stage: Stage, *names: AFile) -> Json:
    """Make empty files where there are none.

    > touch notes.txt
    > wc -c < notes.txt
    0
    """
    if not names:
        raise BadRequest("touch: name a file.")
    for name in names:
        place = await places.find(stage.world, stage.shell.path, name)
        if place.room != "files" or not place.name:
            raise Conflict(
                f"{visible(name[:60])}: touch makes files. Name one, such as notes.txt.", column=stage.column_of(name)
            )
        try:
            await stage.world.call(place.path, "files.info", {"name": place.name})
        except NoSuch:
            await stage.world.call(place.path, "files.put", {"name": place.name, "content": ""})


@builtin("files", always=True, takes=("files",))
async def edit(stage: Stage, name: AFile) -> Json:
    """Edit a text in the terminal's editor; through a pipe or a here-document it is written as it comes.

    > echo 'one line' | edit notes.txt
    > cat notes.txt
    one line
    """
    if stage.has_input:
        await _written(stage, name, stage.input)
        return
    try:
        before = await (await _read(stage, name)).content(min(MOST_BYTES, LARGEST_EDITED))
    except NoSuch:
        before = b""
    try:
        text = before.decode()
    except UnicodeDecodeError:
        raise Conflict(f"{visible(name[:60])}: this is no text, so it cannot be edited here.") from None

    async def keep(after: str) -> None:
        await _written(stage, name, Flow(after))

    await edited(stage, name, text, keep, instead=f"edit {visible(name[:40])} <<EOF")
