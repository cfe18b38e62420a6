"""Marking a method of a kind or facility as a command."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from teams.access import Role

F = TypeVar("F", bound=Callable[..., Any])


class WrongCommand(TypeError):  # noqa: N818 -- the command is wrong; it is met by who writes it
    """A command, kind or facility that cannot be registered; the text names the class and the method."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `@command` was told."""

    reads: bool = False
    dangerous: bool = False
    role: Role | None = None
    name: str | None = None
    streams: str | Callable[..., str] | None = None
    alone: bool = False
    large: bool = False
    takes: str = ""
    task: "Task | None" = None
    operators: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """How a task runs.

    seconds: after so long it is stopped; at most TASK_SECONDS.
    tries: how often it runs where it raises TryAgain; the pause before the next is `pause_s`, doubled each time.
    repeatable: it may run again where nobody knows how far it came, since its worker died, or at a place what it worked
      with, such as the browser. Its outcome counts once.
    place: who runs it: "" a process of its own, else a host that keeps something for the object, such as "browser".
      There, tasks of one object run one after the other, in the order in which they were started.
    """

    seconds: float = 300.0
    tries: int = 1
    pause_s: float = 1.0
    repeatable: bool = True
    place: str = ""


@overload
def command(method: F, /) -> F: ...
@overload
def command(
    *,
    reads: bool = False,
    dangerous: bool = False,
    role: Role | None = None,
    name: str | None = None,
    streams: str | Callable[..., str] | None = None,
    alone: bool = False,
    large: bool = False,
    takes: str = "",
    task: bool | Task = False,
    operators: str = "",
) -> Callable[[F], F]: ...
def command(  # noqa: PLR0913 -- each a word that a command is declared with
    method: F | None = None,
    /,
    *,
    reads: bool = False,
    dangerous: bool = False,
    role: Role | None = None,
    name: str | None = None,
    streams: str | Callable[..., str] | None = None,
    alone: bool = False,
    large: bool = False,
    takes: str = "",
    task: bool | Task = False,
    operators: str = "",
) -> F | Callable[[F], F]:
    """Make a method a command: typed, documented, callable over every surface.

    reads: changes nothing; viewers may call it.
    dangerous: asks first; `effect_of` spells out what will happen.
    role: the lowest role that may call it, where it is not viewer (reads) or editor.
    name: as users say it, where the method cannot be named so: "import".
    alone: no other call shares its batch, and no command calls it: it works on the rows of objects, not in one.
    large: its file may have UPLOAD_BYTES, where others have BODY_BYTES, and it may take LARGE_CALL_SECONDS.
    takes: the name of the limit of its file, where that is neither.
    task: it runs outside the object's lock, in a process of its own; the call only starts it. See `objects.work`.
    operators: the name of the deployment's setting that lets operators, and nobody else, call it.
    streams: the topic whose events follow the answer; or a function that gives it for the same arguments.
    """
    how = Task() if task is True else task or None
    options = Options(reads, dangerous, role, name, streams, alone, large, takes, how, operators)

    def mark(function: F) -> F:
        function.__dict__["__command__"] = options
        return function

    return mark if method is None else mark(method)


def effect_of(dangerous: Callable[..., Any]) -> Callable[[F], F]:
    """Mark the method that spells out a dangerous command's effect before it is confirmed.

    It takes the command's arguments, reads only, and gives a sentence: "Deletes 3 files, 1.2MB."
    """

    def mark(function: F) -> F:
        dangerous.__dict__["__effect__"] = function
        return function

    return mark
