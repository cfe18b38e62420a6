"""The examples of every command, and how their answers are compared."""

import re
from collections.abc import Iterator

from objects.commands.registry import registry
from objects.commands.spec import CommandSpec

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ANYTHING = "…"  # in an example: any text; on a line of its own: any lines


def every_command() -> Iterator[tuple[str, CommandSpec]]:
    """Give each command once, with a kind that has it: its own, or the plain object for a facility's."""
    for name, kind in registry.kinds.items():
        yield from ((name, spec) for spec in registry.own_commands(kind).values())
    for facility in registry.facilities.values():
        yield from (("object", spec) for spec in registry.own_commands(facility).values())


def typed(line: str) -> tuple[str, bool]:
    """Give the line of an example without the & that lets a task wait, and whether there was one."""
    return line.removesuffix(" &"), line.endswith(" &")


def matches(shown: str, answered: str) -> bool:
    """Whether an answer is what an example shows. Moments differ with the day; "…" stands for whatever there is."""
    pattern = re.escape(MOMENT.sub("<moment>", shown)).replace(re.escape(ANYTHING), "(?s:.*)")
    return re.fullmatch(pattern, MOMENT.sub("<moment>", answered)) is not None
