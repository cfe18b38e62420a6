"""Words to build with: texts, variables, conditions, loops over many objects, time."""

import asyncio
import time as clock
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

from objects.commands.shapes import shape_of
from objects.commands.types import AtLeast, Help, Json, Loaded, RestOfLine, Seconds
from teams.problems import BadRequest, NoSuch, TooLarge, WrongArgument
from terminal.builtins.base import Argument, Stage, builtin
from terminal.builtins.filters import test_of
from terminal.rendering import Style, written
from terminal.values import Breath, Flow, close

if TYPE_CHECKING:
    from terminal.shell import Shell

LONGEST_TEXT = 4_000_000


@builtin("scripting", always=True, own=True)
async def echo(stage: Stage, *words: Annotated[str, Help("what is to be said")]) -> Json:  # noqa: ARG001
    """Say words; one word that is a value from a variable stays that value.

    > echo hello   'big  world'
    hello big  world
    """
    given = stage.arguments
    if given and all(each.value is not None and each.start == given[0].start for each in given):
        values = [each.value for each in given]  # of one word: a variable that holds a list is as many arguments
        return values[0] if len(values) == 1 else values
    return " ".join(each.text for each in given) + "\n"


@builtin("scripting", always=True)
async def printf(stage: Stage, form: Annotated[str, Help(r"text with %s, %d and %f, \n and \t")], *values: str) -> Json:
    r"""Say values in a form; it is used again while values are left.

    > printf '%s has %d\n' a 1 b 2
    a has 1
    b has 2
    """
    import re  # noqa: PLC0415 -- only here

    escapes = {"n": "\n", "t": "\t", "\\": "\\", "r": "\r", "e": "\x1b", "0": "\0"}
    form = re.sub(r"\\([nt\\re0])", lambda match: escapes[match[1]], form)
    left = list(values)

    def filled(match: "re.Match[str]") -> str:
        if match[0] == "%%":
            return "%"
        width = min(int(match[2] or 0), 1_000)
        value = left.pop(0) if left else ""
        if match[4] in "df":
            try:
                number = float(value or 0)
                value = str(int(number)) if match[4] == "d" else f"{number:.{min(int(match[3] or 6), 30)}f}"
            except (ValueError, OverflowError):
                raise BadRequest(f"printf: '{value[:40]}' is no number.", column=stage.column_of(value)) from None
        return value.ljust(width) if match[1] else value.rjust(width)

    parts: list[str] = []
    size = 0
    while True:
        before = len(left)
        parts.append(re.sub(r"%(-?)(\d*)(?:\.(\d+))?([sdf])|%%", filled, form))
        size += len(parts[-1])
        if not left or len(left) == before:
            break
        if size > LONGEST_TEXT:
            raise TooLarge(f"printf: more than {LONGEST_TEXT:,} characters.")
    return "".join(parts)


@builtin("scripting", always=True, name="set", takes=("variables",))
async def set_(
    stage: Stage,
    name: Annotated[str, Help("the variable; all are listed where it is left out")] = "",
    *value: Annotated[str, Help("its value; what the pipe brings where there is none")],
) -> Json:
    """Keep a value in a variable, as `name=value` does, or list the variables.

    > seq 3 | set numbers
    > echo $numbers | sum
    6
    """
    import re  # noqa: PLC0415 -- only here

    if not name:
        return dict(stage.shell.variables) or None
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise WrongArgument(
            "name", f"'{name[:40]}' is no name: letters, digits and _, no digit first.", column=stage.column_of(name)
        )
    if value:
        given = [each for each in stage.arguments if each.text != name] or list(stage.arguments)
        stage.shell.variables[name] = (
            given[0].value if len(given) == 1 and given[0].value is not None else " ".join(value)
        )
    else:
        stage.shell.variables[name] = await stage.input.whole() if stage.has_input else ""
    return None


@builtin("scripting", always=True, takes=("variables",))
async def unset(stage: Stage, *names: Annotated[str, Help("variables")]) -> Json:
    """Forget variables.

    > x=1
    > unset x
    """
    for name in names:
        if name not in stage.shell.variables:
            raise NoSuch(f"no variable '{name[:60]}'.", column=stage.column_of(name))
        del stage.shell.variables[name]


@builtin("scripting", always=True)
async def true(stage: Stage) -> Json:
    """Do nothing, well: the status is 0.

    > true && echo yes
    yes
    """
    stage.status = 0


@builtin("scripting", always=True)
async def false(stage: Stage) -> Json:
    """Do nothing, badly: the status is 1.

    > false || echo no
    no
    """
    stage.status = 1


@builtin("scripting")
async def test(stage: Stage, condition: Annotated[RestOfLine, Help("as `where` takes it")]) -> Json:
    """Set the status: 0 where a condition holds, of what the pipe brings or of variables; 1 where not.

    > x=5
    > test $x > 3 && echo large
    large
    """
    item = await stage.input.whole() if stage.has_input else {}
    stage.status = 0 if test_of(stage, condition)(item) else 1


@builtin("scripting")
async def sleep(stage: Stage, duration: Annotated[Seconds, AtLeast(0), Help("how long, such as 2s or 5m")]) -> Json:
    """Wait.

    > sleep 10ms
    """
    await asyncio.sleep(min(duration, 31_536_000))
    return stage.input if stage.has_input else None


async def _sequence(stage: Stage, numbers: Sequence[float]) -> Flow:
    if not 1 <= len(numbers) <= 3:
        raise BadRequest(f"{stage.name}: give the last number, the first and last, or first, step and last.")
    start, step, end = (1.0, 1.0, numbers[0]) if len(numbers) == 1 else (
        (numbers[0], 1.0, numbers[1]) if len(numbers) == 2 else (numbers[0], numbers[1], numbers[2]))  # fmt: skip
    if step == 0:
        raise BadRequest(f"{stage.name}: the step is 0, so it would never end.")
    is_whole = all(float(each).is_integer() for each in (start, step))

    async def found() -> AsyncIterator[Any]:
        breath = Breath()
        at = 0
        while ((value := start + at * step) <= end) if step > 0 else ((value := start + at * step) >= end):
            yield int(value) if is_whole else round(value, 12)
            at += 1
            await breath()

    return Flow(items=found())


@builtin("scripting")
async def seq(stage: Stage, *numbers: Annotated[float, Help("[first [step]] last")]) -> Json:
    """Count: from 1, or from the first number, to the last.

    > seq 2 4
    2
    3
    4
    """
    return await _sequence(stage, numbers)


@builtin("scripting")
async def range(stage: Stage, *numbers: Annotated[float, Help("[first [step]] last")]) -> Json:  # noqa: A001 -- what people call it
    """Count: the same as seq.

    > range 10 -5 0
    10
    5
    0
    """
    return await _sequence(stage, numbers)


@builtin("scripting")
async def date(stage: Stage, form: Annotated[str, Help("as strftime has it: %Y-%m-%d")] = "") -> Json:  # noqa: ARG001
    """Tell what time it is, in UTC.

    > date %Y | wc -l
    1
    """
    now = datetime.now(UTC)
    if form:
        return now.strftime(form.encode(errors="replace").decode().replace("\0", ""))
    return now.isoformat(timespec="seconds").replace("+00:00", "Z")


# ---- Commands that run commands ----


async def started(shell: "Shell", given: Sequence[Argument], flow: Flow) -> tuple[Flow, int]:
    """Run a command given as words, as one quoted text, or as a block; gives what it gives, and its status."""
    if len(given) == 1 and given[0].script is not None:
        return await shell.gathered(given[0].script)
    if len(given) == 1 and given[0].quoted and " " in given[0].text:
        return await shell.gathered(shell.parse(given[0].text))
    stages: list[Stage] = []
    flow = await shell.run_arguments(given, flow, stages, given[-1].end)
    if flow.items is not None and not flow.live:
        flow = Flow(await flow.listed(), None)
    return flow, stages[-1].status if stages else 0


@builtin("scripting", own=True, always=True)
async def time(stage: Stage, *command: Annotated[str, Help("the command")]) -> Json:  # noqa: ARG001
    """Run a command and say how long it took.

    > time true
    took …
    """
    if not stage.arguments:
        raise BadRequest("time: name the command: `time state list`.")
    began = clock.perf_counter()
    try:
        flow, stage.status = await started(stage.shell, stage.arguments, stage.input)
    finally:
        took = clock.perf_counter() - began
        await stage.screen.write(stage.style.paint(f"took {took * 1000:.1f} ms", "dim") + "\n")
    return flow


@builtin("scripting", own=True, always=True)
async def watch(
    stage: Stage,
    every: Annotated[str, Help("run it again so often, such as 2s; else when the object changes")] = "",  # noqa: ARG001
    *command: Annotated[str, Help("the command; the object's events where it is left out")],  # noqa: ARG001
) -> Json:
    """Show a command's answer again and again, whenever it is another one, until Ctrl-C. Alone: this object's events.

    > watch 1s pwd | first
    …
    """
    given = list(stage.arguments)
    pause: float | None = None
    if given and not given[0].quoted and given[0].text[:1].isdecimal():
        try:
            pause = cast("Loaded", shape_of(Seconds)).load(given[0].text)
        except ValueError as error:
            raise WrongArgument("every", str(error), column=given[0].start + 1) from None
        del given[0]
        if not given:
            raise BadRequest("watch: name the command: `watch 2s state list`.")
    shell = stage.shell
    path = shell.path
    if not given:
        return Flow(items=stage.world.events(path, ""), live=True)

    async def rounds() -> AsyncIterator[Any]:
        before: list[str] | None = None
        while True:
            fork = shell.fork()
            fork.is_background = True  # it asks nobody, and follows no events of its own
            flow, stage.status = await started(fork, given, Flow())
            value, shape = (await flow.listed(), None) if flow.items is not None else (flow.value, flow.shape)
            if not stage.is_last:
                yield value
            else:
                shown = [
                    text async for text in written(Flow(value, shape, view=flow.view), Style(width=stage.style.width))
                ]
                if shown != before:
                    yield _Shown("".join(shown))
                before = shown
            if pause is not None:
                await asyncio.sleep(max(pause, 0.1))
            else:
                events = stage.world.events(path, "")
                try:
                    async for _ in events:
                        break
                finally:
                    await close(events)

    return Flow(items=rounds(), live=True)


class _Shown(str):
    """A text that is shown as it is."""

    __slots__ = ()
