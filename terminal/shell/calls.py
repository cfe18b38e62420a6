"""Commands of objects: found by the words that name them, given their arguments, confirmed where they are dangerous."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from objects.commands.spec import CommandSpec
from objects.commands.suggest import did_you_mean
from teams.problems import BadRequest, NeedsConfirmation, NoSuch, Problem, WrongArgument
from terminal import arguments as reading
from terminal import watching
from terminal.builtins import Argument
from terminal.builtins import builtins as all_builtins
from terminal.rendering import visible
from terminal.values import Flow, close, json_of, text_of

if TYPE_CHECKING:
    from terminal.shell import Shell

SQL_PLACE: Final = re.compile(r" \(line (\d+), column (\d+)\)")
WORD: Final = re.compile(r"\w+|\S")
INTO_FILE: Final = re.compile(r">+\s*([\w./-]+\.\w+)\s*$")


def matched(commands: Mapping[str, CommandSpec], given: Sequence[Argument]) -> tuple[CommandSpec | None, int]:
    for count in range(min(3, len(given)), 0, -1):
        if any(each.raw for each in given[:count]) or any(each.quoted for each in given[1:count]):
            continue
        spec = commands.get(".".join(each.text for each in given[:count]))
        if spec is not None:
            return spec, count
    return None, 0


async def call(shell: "Shell", path: str, given: Sequence[Argument], flow: Flow, end: int) -> Flow:
    """Run the command of an object that words name. end: where they end in what was typed."""
    commands = await shell.world.commands(path)
    spec, used = matched(commands, given)
    if spec is None:
        raise _unknown(commands, given)
    words = list(given[used:])
    confirmed = False
    if spec.verb == "dangerous" and "yes" not in spec.by_name:
        kept = [each for each in words if each.quoted or each.text not in ("--yes", "-y")]
        confirmed, words = len(kept) < len(words), kept
    at: Mapping[str, int] = {}
    try:
        texts, at = reading.read(spec, words, end)
        await _fill(shell, spec, texts, flow)
        answer = await _confirmed(shell, path, spec, texts, confirmed=confirmed)
    except WrongArgument as problem:
        problem.extra.setdefault("column", at.get(problem.field or "", end) + 1)
        problem.extra["name"] = spec.words
        if spec.facility == "sql" and words and words[-1].raw:
            _point_into(words[-1], problem)
        raise
    except Problem as problem:
        problem.extra.setdefault("column", at.get(problem.field or "", given[0].start) + 1)
        problem.extra["name"] = spec.words
        raise
    if spec.streams and not shell.is_background:
        topic = spec.topic_of(reading.checked(spec, texts, at, end))
        items = _followed(shell, path, topic, answer.value)
        shell.unread.append(items)
        return Flow(items=items, live=True)
    if spec.task:
        return Flow(await watching.result(shell, path, answer.value["task"]), spec.result_shape)
    return Flow(answer.value, spec.result_shape)


async def _followed(shell: "Shell", path: str, topic: str, value: Any) -> AsyncIterator[Any]:
    yield value
    events = shell.world.events(path, topic)
    try:
        async for event in events:
            yield event
    finally:
        await close(events)


async def _confirmed(shell: "Shell", path: str, spec: CommandSpec, texts: dict[str, Any], *, confirmed: bool) -> Any:
    try:
        return await shell.world.call(path, spec.name, texts, text=True, confirmed=confirmed)
    except NeedsConfirmation as problem:
        if shell.is_background:
            raise
        await shell.confirm(problem.detail, "yes", name=spec.words)
    return await shell.world.call(path, spec.name, texts, text=True, confirmed=True)


async def _fill(shell: "Shell", spec: CommandSpec, texts: dict[str, Any], flow: Flow) -> None:
    """Give what comes through the pipe to the last argument that is missing; ask for a secret that is."""
    missing = [each for each in spec.parameters if each.required and not each.flag and each.name not in texts]
    if not flow.is_nothing:
        target = missing[-1] if missing else next(
            (each for each in spec.parameters if each.variadic and each.name not in texts), None
        )  # fmt: skip
        if target is None:
            raise BadRequest(
                f"{spec.words}: all its arguments are given, so what the pipe brings has no place. Leave one out."
            )
        if spec.uploads == target.name:
            content = await flow.content()
            try:
                texts[target.name] = content.decode()
            except UnicodeDecodeError:
                texts[target.name] = {"base64": b64encode(content).decode()}
        elif target.variadic:
            texts[target.name] = [text_of(each) async for each in flow.each()]
        elif flow.is_file or (flow.items is None and isinstance(flow.value, str)) or target.rest:
            texts[target.name] = await flow.text()
        else:
            texts[target.name] = json_of(await flow.whole())
    for each in missing:
        if each.shape.masks and each.name != spec.uploads and each.name not in texts and not shell.is_background:
            texts[each.name] = await shell.screen.ask(f"{each.name}: ", secret=True)


def _point_into(query: Argument, problem: WrongArgument) -> None:
    """Mark the very word of a query that SQLite stumbled over."""
    place = SQL_PLACE.search(problem.detail)
    if place is None:
        return
    lines = query.text.split("\n")
    line, column = int(place[1]), int(place[2])
    at = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1
    problem.detail = problem.detail.replace(place[0], "")
    problem.extra["column"] = query.start + at + 1
    problem.extra["length"] = len((WORD.match(query.text, at) or [" "])[0])
    file = INTO_FILE.search(query.text)
    if file is not None and at >= file.start():
        problem.detail += f". In SQL, > compares: `… | save {file[1]}` writes the answer into a file."


def _unknown(commands: Mapping[str, CommandSpec], given: Sequence[Argument]) -> Problem:
    name = given[0].text
    below = [spec.words for each, spec in commands.items() if each.startswith(name + ".")] if name else []
    if below and len(given) > 1:
        typed = f"{name} {given[1].text}"
        return NoSuch(
            f"no command '{typed[:60]}'.{did_you_mean(typed, below)} {name} has: "
            + ", ".join(words.partition(" ")[2] for words in below) + ".",
            column=given[1].start + 1, name="", no_command=True,
        )  # fmt: skip
    if below:
        listed = ", ".join(words.partition(" ")[2] for words in below)
        return NoSuch(f"{name}: what of it? {name} has: {listed}.", column=given[0].start + 1, name="", no_command=True)
    near = did_you_mean(name, [*all_builtins, *(spec.words for spec in commands.values())])
    return NoSuch(
        f"no command '{visible(name[:60])}'.{near} `help` lists them.",
        column=given[0].start + 1, name="", no_command=True,
    )  # fmt: skip
