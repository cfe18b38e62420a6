"""What the docstring and the signature of a marked method say."""

import inspect
import textwrap
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from objects.commands import checks
from objects.commands.checks import Parameter
from objects.commands.declaring import WrongCommand
from objects.commands.shapes import NotAType, shape_of
from objects.commands.types import Download


@dataclass(frozen=True, slots=True)
class Example:
    """A line as typed in a terminal, and the text that answers it."""

    line: str
    output: str


def documentation(where: str, method: Callable[..., Any]) -> tuple[str, str, tuple[Example, ...]]:
    """Give the first line of a docstring, the rest of its prose, and its examples."""
    text = inspect.getdoc(method) if method.__doc__ else None
    if not text:
        raise WrongCommand(f"{where}: a command has a docstring: a line that says what it does, and examples.")
    prose: list[str] = []
    examples: list[Example] = []
    lines = iter([*text.splitlines(), ""])
    typed: str | None = None
    output: list[str] = []
    for line in lines:
        if typed is not None and (not line.strip() or line.startswith("> ")):
            examples.append(Example(typed, "\n".join(output)))
            typed, output = None, []
        if line.startswith("> "):
            typed = line[2:].strip()
        elif typed is not None:
            output.append(line.rstrip())
        else:
            prose.append(line)
    summary, _, description = "\n".join(prose).strip().partition("\n")
    return summary, textwrap.dedent(description).strip(), tuple(examples)


def signature(where: str, method: Callable[..., Any]) -> tuple[tuple[Parameter, ...], Any]:
    """Give the parameters, and the type of the result. Raises WrongCommand where one cannot be served."""
    try:
        hints = typing.get_type_hints(method, include_extras=True)
    except (NameError, TypeError) as error:
        raise WrongCommand(f"{where}: its annotations cannot be read: {error}") from error
    if "return" not in hints:
        raise WrongCommand(f"{where}: has no type for its result. Write `-> None` where it gives nothing.")
    parameters = []
    _, *declared = inspect.signature(method).parameters.values()
    for each in declared:
        if each.kind in (each.POSITIONAL_ONLY, each.VAR_KEYWORD):
            raise WrongCommand(f"{where}: {each.name}: every argument has a name that callers can use.")
        if each.name not in hints:
            raise WrongCommand(f"{where}: {each.name}: has no type.")
        annotation = hints[each.name]
        variadic = each.kind is each.VAR_POSITIONAL
        try:
            shape = shape_of(annotation)
        except NotAType as error:
            raise WrongCommand(f"{where}: {each.name}: {error}") from error
        if annotation is Download:
            raise WrongCommand(f"{where}: {each.name}: a Download is a result. Take Content.")
        help_text, unit, bounds, rest = checks.about(annotation)
        parameters.append(
            Parameter(
                name=each.name.rstrip("_"),
                python_name=each.name,
                annotation=annotation,
                shape=shape,
                required=each.default is each.empty and not variadic,
                default=None if each.default is each.empty else each.default,
                flag=each.kind is each.KEYWORD_ONLY,
                variadic=variadic,
                rest=rest,
                help=help_text,
                unit=unit,
                bounds=bounds,
            )
        )
    positional = [each for each in parameters if not each.flag]
    if any(each.rest for each in positional[:-1]):
        raise WrongCommand(f"{where}: only the last positional argument can take the rest of the line.")
    return tuple(parameters), hints["return"]
