"""What a builtin is: a typed function with a docstring, as a command of an object is, that works on a stage of a pipe.

Usage, arguments, help and examples come from the signature and the docstring through the same machinery, so that
`help` and completion treat both alike.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from objects.commands.bases import Kind
from objects.commands.checks import Parameter
from objects.commands.declaring import Options
from objects.commands.methods import Example
from objects.commands.shapes import Shape
from objects.commands.spec import CommandSpec
from teams.problems import BadRequest
from terminal.language import Rest, Script
from terminal.ports import Screen, World
from terminal.rendering import Style
from terminal.values import Flow

if TYPE_CHECKING:
    from terminal.shell import Shell

KEPT, NAMED = ("*",), ("…",)

Run = Callable[..., Coroutine[Any, Any, Any]]


class Terminal(Kind[None]):
    """What the shell itself can do, whatever object it is at."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A word after its variables and patterns were worked out.

    value: what it is, where it came whole from a variable or `$(…)`. quoted: it began with a quote. script: of a block.
    start, end: where it stands in the text that was typed.
    """

    text: str
    start: int
    end: int
    value: Any = None
    quoted: bool = False
    raw: bool = False
    script: Script | None = None


@dataclass(slots=True)
class Stage:
    """One builtin at work: what it gets, where it is, and how it ends.

    arguments: as typed after the name, for builtins that read them themselves. status: 0 unless it says otherwise.
    """

    shell: "Shell"
    name: str
    input: Flow
    arguments: Sequence[Argument] = ()
    start: int = 0
    is_last: bool = True
    status: int = field(default=0)

    @property
    def world(self) -> World:
        """The tree as this caller sees it."""
        return self.shell.world

    @property
    def screen(self) -> Screen:
        """Where people read; what goes through a pipe is returned instead."""
        return self.shell.screen

    @property
    def style(self) -> Style:
        """How the screen can show things now."""
        return self.shell.style

    @property
    def has_input(self) -> bool:
        """Whether a pipe, `<` or a here-document brings something."""
        return not self.input.is_nothing

    def need_input(self) -> Flow:
        """Give what the pipe brings; raises BadRequest where there is no pipe."""
        if self.input.is_nothing and not self.shell.piped:
            raise BadRequest(f"{self.name}: works on what comes through a pipe: `ls | {self.name}`. Nothing comes.")
        return self.input

    def column_of(self, text: str) -> int:
        """Give the column of an argument as typed, counted from 1, for refusals."""
        return next((each.start for each in self.arguments if each.text == text), self.start) + 1


@dataclass(frozen=True, slots=True)
class Builtin:
    """Something that the shell itself can do.

    short: letters for flags: {"l": "long"}; a letter for a flag with a value takes it behind: `-n 5`.
    number: the flag or argument that `-5` gives. always: an object's command of the same name does not hide it.
    own: it reads its arguments itself (`stage.arguments`); the signature then is for help and completion.
    takes: what its arguments name, in order, the last again and again: "objects", "files", "anything", "kinds",
    "variables", "jobs", "trash", "fields" of what comes through the pipe, a "condition" on them.
    gives: the fields of its items; KEPT where they are those that come in, NAMED where they are its arguments.
    """

    name: str
    group: str
    spec: CommandSpec
    run: Run
    short: Mapping[str, str] = field(default_factory=dict)
    number: str = ""
    always: bool = False
    own: bool = False
    takes: Sequence[str] = ()
    gives: Sequence[str] = ()

    @property
    def usage(self) -> str:
        """The line to type."""
        return self.spec.usage()

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return self.spec.summary

    @property
    def description(self) -> str:
        """What else there is to know."""
        return self.spec.description

    @property
    def parameters(self) -> Sequence[Parameter]:
        """Its arguments; those with `flag` are given by name."""
        return self.spec.parameters

    @property
    def examples(self) -> Sequence[Example]:
        """Lines to type, with what they answer."""
        return self.spec.examples

    @property
    def rest(self) -> Rest | None:
        """How it takes the rest of a line; None where it reads words."""
        return rest_of(self.spec, keeps_or=False)


builtins: dict[str, Builtin] = {}
"""Every builtin by its name, in the order in which `help` lists them: filled by importing `terminal.builtins`."""


def builtin(
    group: str,
    *,
    short: Mapping[str, str] | None = None,
    number: str = "",
    always: bool = False,
    own: bool = False,
    takes: Sequence[str] = (),
    gives: Sequence[str] = (),
    name: str | None = None,
) -> Callable[[Run], Run]:
    """Make `async def name(stage: Stage, …) -> Json` a builtin. It gives a Flow, a JSON value or None."""

    def mark(function: Run) -> Run:
        spec = CommandSpec(Terminal, function, Options(reads=True, name=name))
        if spec.name in builtins:
            raise TypeError(f"{spec.where}: there is a builtin '{spec.name}' already.")
        builtins[spec.name] = Builtin(
            spec.name, group, spec, function, dict(short or {}), number, always, own, takes, gives
        )
        return function

    return mark


def rest_of(spec: CommandSpec, *, keeps_or: bool = True) -> Rest | None:
    """Tell the language how a command takes the rest of a line."""
    if spec.rest is None or spec.rest.flag:
        return None
    positional = [each for each in spec.parameters if not each.flag]
    switches = {"yes"}
    for each in spec.parameters:
        if each.flag and _is_switch(each.shape):
            switches |= {each.name, f"no-{each.name}"}
    return Rest(len(positional) - 1, frozenset(switches), keeps_or)


def _is_switch(shape: Shape) -> bool:
    return shape.noun.startswith("yes or no")
