"""`each`: a command run at many objects, or once for each item, with a bar and a summary of what failed."""

import asyncio
import time as clock
from collections.abc import Sequence
from typing import Annotated, Any

from objects.commands.render import visible
from objects.commands.types import Help, Json
from teams.problems import BadRequest, Problem, TooLarge, WrongArgument
from terminal import places
from terminal.builtins.base import Argument, Stage, builtin
from terminal.builtins.scripting import started
from terminal.outcomes import Complaint
from terminal.values import Flow, line_of

AT_ONCE = 8  # objects that `each` works on at the same time
MOST_EACH = 100_000


@builtin("scripting", own=True, always=True, takes=("objects",))
async def each(
    stage: Stage,
    *what: Annotated[str, Help("objects, then -- and a command; or, behind a pipe, a command with {}; or { a block }")],  # noqa: ARG001
    dry_run: Annotated[bool, Help("only say what would be run, and where")] = False,  # noqa: ARG001
    at_once: Annotated[int, Help("how many at the same time")] = AT_ONCE,  # noqa: ARG001
) -> Json:
    """Run a command at many objects, or once for each item that the pipe brings.

    `{}` stands for the object's path or the item; in a block, `$it` is the item. One that fails does not stop the
    others; the status is 1 then.

    > mkdir p/a
    …
    > mkdir p/b
    …
    > each p/* -- state set n 1 | count
    2
    > seq 2 | each echo 'number {}'
    item  result
       1  number 1
       2  number 2
    """
    given, is_dry, at_once_count = _flags(stage)
    targets, command = await _targets(stage, given)
    if is_dry:
        return [{"path": target.path, "command": _as_typed(command, target)} for target in targets]
    if not targets:
        stage.status = 1
        return None
    results = await _Runs(stage, targets, command, at_once_count).all()
    failed = [(target, problem) for target, (_, problem) in zip(targets, results, strict=True) if problem is not None]
    if failed:
        stage.status = 1
        await _tell_failures(stage, failed, len(targets))
    name = "path" if stage.input.is_nothing else "item"
    rows = [
        {name: target.text if name == "path" or isinstance(target.item, dict) else target.item, "result": value}
        for target, (value, problem) in zip(targets, results, strict=True)
        if problem is None
    ]
    if all(row["result"] is None for row in rows):
        for row in rows:
            del row["result"]
    return rows or None


class _Target:
    """Where, or with what, a command of `each` runs."""

    __slots__ = ("is_place", "item", "path")

    def __init__(self, item: Any, path: str, *, is_place: bool) -> None:
        self.item = item
        self.path = path
        self.is_place = is_place

    @property
    def text(self) -> str:
        """What `{}` stands for."""
        if self.is_place:
            return self.path
        return (
            self.item["path"]
            if isinstance(self.item, dict) and isinstance(self.item.get("path"), str)
            else line_of(self.item)
        )


def _flags(stage: Stage) -> tuple[list[Argument], bool, int]:
    """Take the flags out of what stands before `--`, or before the command where there is none."""
    words = list(stage.arguments)
    ends = next((at for at, word in enumerate(words) if word.text == "--" and not word.quoted), None)
    given: list[Argument] = []
    is_dry, at_once = False, AT_ONCE
    while words and (ends is not None or not given) and words[0].text != "--":
        word = words.pop(0)
        if word.quoted or not word.text.startswith("--"):
            given.append(word)
            continue
        name, equals, value = word.text[2:].partition("=")
        if name in ("dry-run", "dry_run"):
            is_dry = True
        elif name in ("at-once", "at_once"):
            if not equals:
                value = words.pop(0).text if words else ""
            if not value.isdecimal() or not 1 <= int(value[:9]) <= 64:
                raise WrongArgument(
                    "at_once", f"'{value[:20]}' is no number from 1 to 64.", column=stage.column_of(value)
                )
            at_once = int(value)
        else:
            raise WrongArgument(
                name[:40], f"no flag '--{name[:40]}'. Flags: --dry-run, --at-once.", column=word.start + 1
            )
    return given + words, is_dry, at_once


async def _targets(stage: Stage, given: list[Argument]) -> tuple[list[_Target], list[Argument]]:
    dashes = next((at for at, argument in enumerate(given) if argument.text == "--" and not argument.quoted), None)
    places_given, command = (given[:dashes], given[dashes + 1 :]) if dashes is not None else (
        (given[:-1], given[-1:]) if given and given[-1].script is not None else ([], given))  # fmt: skip
    if not command:
        raise BadRequest("each: name the command: `each /project/* -- state list`, or `ls | each state get {}`.")
    if places_given:
        found = [_Target(path.text, path.text, is_place=True) for path in places_given]
        for target, path in zip(found, places_given, strict=True):
            try:
                target.path = await places.object_at(stage.world, stage.shell.path, path.text)
            except Problem as problem:
                problem.extra["column"] = path.start + 1
                raise
        return found, command
    if not stage.has_input:
        if stage.shell.piped:
            return [], command
        raise BadRequest("each: say where: `each /project/* -- state list`, or bring items through a pipe.")
    targets = []
    has_mark = any(
        "{}" in argument.text or "$it" in argument.text or argument.script is not None for argument in command
    )
    async for item in stage.input.each():
        where = item.get("path") if isinstance(item, dict) else item
        is_place = not has_mark
        if is_place and not (isinstance(where, str) and where.startswith("/")):
            raise BadRequest(
                "each: say where the item goes in the command: {} stands for it.", column=command[0].start + 1
            )
        targets.append(_Target(item, str(where) if is_place else stage.shell.path, is_place=is_place))
        if len(targets) > MOST_EACH:
            raise TooLarge(f"each: more than {MOST_EACH:,} items. `head` or `where` makes fewer.")
    return targets, command


def _filled(command: Sequence[Argument], target: _Target) -> list[Argument]:
    text = target.text
    return [
        argument if "{}" not in argument.text or argument.script is not None else Argument(
            argument.text.replace("{}", text), argument.start, argument.end,
            value=target.item if argument.text == "{}" and not isinstance(target.item, str | dict) else None,
            quoted=argument.quoted or argument.text == "{}", raw=argument.raw,
        )
        for argument in command
    ]  # fmt: skip


def _as_typed(command: Sequence[Argument], target: _Target) -> str:
    return " ".join(argument.text for argument in _filled(command, target))


class _Runs:
    """Runs a command for every target, some at the same time, and shows how far it is."""

    def __init__(self, stage: Stage, targets: Sequence[_Target], command: Sequence[Argument], at_once: int) -> None:
        self.stage = stage
        self.targets = targets
        self.command = command
        self.at_once = min(at_once, len(targets))
        self.results: list[tuple[Any, Problem | None]] = [(None, None)] * len(targets)
        self.next = 0
        self.done = 0
        self.shown_at = clock.monotonic()
        self.bar = False

    async def all(self) -> list[tuple[Any, Problem | None]]:
        """Run it everywhere; gives what each gave or was refused with, in order."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in self.targets[: self.at_once]:
                    group.create_task(self._work())
        finally:
            if self.bar:
                await self.stage.screen.write("\r\x1b[K")
        return self.results

    async def _work(self) -> None:
        while self.next < len(self.targets):
            number, self.next = self.next, self.next + 1
            self.results[number] = await self._one(self.targets[number])
            self.done += 1
            await self._progress()

    async def _one(self, target: _Target) -> tuple[Any, Problem | None]:
        fork = self.stage.shell.fork(path=target.path if target.is_place else None)
        fork.is_background = True
        fork.variables["it"] = target.path if target.is_place else target.item
        try:
            flow, status = await started(fork, _filled(self.command, target), Flow())
            value = await flow.text() if flow.is_file else await flow.whole()
        except Complaint as complaint:
            return None, complaint.problem
        except Problem as problem:
            return None, problem
        if status:
            return None, BadRequest(f"ended with status {status}.")
        return value.removesuffix("\n") if isinstance(value, str) else value, None

    async def _progress(self) -> None:
        screen, now = self.stage.screen, clock.monotonic()
        if screen.plain or not screen.colours or self.stage.shell.is_background or now - self.shown_at < 0.2:
            return
        self.shown_at, self.bar = now, True
        wide = max(10, min(40, screen.width - 30))
        full = wide * self.done // len(self.targets)
        await screen.write(f"\r\x1b[K{'█' * full}{'░' * (wide - full)} {self.done:,} of {len(self.targets):,}")


async def _tell_failures(stage: Stage, failed: Sequence[tuple[_Target, Problem]], total: int) -> None:
    lines = [f"{len(failed):,} of {total:,} failed:"]
    lines += [f"  {target.text[:100]}: {problem.detail[:300]}" for target, problem in failed[:20]]
    if len(failed) > 20:
        lines.append(f"  and {len(failed) - 20:,} more")
    for line in lines:
        await stage.screen.write(stage.style.paint(visible(line), "red") + "\n")
