"""Commands that are written down to be run later: as a line of the terminal, or by name with arguments as JSON."""

from collections.abc import Mapping
from typing import Any, Final

from objects.commands.registry import registry
from objects.commands.shapes import compact
from objects.commands.spec import CommandSpec
from objects.commands.types import Content
from objects.commands.words import find_command, parse_line
from teams.problems import BadRequest, Conflict, NeedsConfirmation, NoSuch, WrongArgument

FIELD: Final = "command"


def planned(
    kind: str, line: str, arguments: Mapping[str, Any] | None, *, is_sure: bool, field: str = FIELD
) -> tuple[str, dict[str, Any]]:
    """Check a command that an object of a kind is to run later; gives its name and its arguments as JSON values.

    Raises WrongArgument for `field` or "arguments" where it cannot be run, NeedsConfirmation where it is dangerous.
    """
    commands = registry.commands(kind)
    try:
        if arguments is None:
            spec, checked = parse_line(commands, line)
        else:
            found = find_command(commands, line)
            if found is None or line.strip() not in {found.name, found.words}:
                raise WrongArgument(field, f"'{line[:60]}' is no command. With `arguments`, name the command alone.")
            spec, checked = found, found.check(arguments)
    except (BadRequest, NoSuch) as problem:
        raise WrongArgument(field, problem.detail, column=problem.extra.get("column")) from None
    except WrongArgument as problem:
        if problem.field == field:
            raise
        named = "arguments" if arguments is not None else field
        raise WrongArgument(named, f"{line.split(' ', 1)[0][:60]}: {problem.detail}") from None
    _check(spec, checked, field, is_sure=is_sure)
    return spec.name, {name: _plain(spec, name, value) for name, value in checked.items()}


def shown(command: str, arguments: Mapping[str, Any]) -> str:
    """Write a command as one line for people."""
    words = [f"{name}={compact(value)}" for name, value in arguments.items()]
    return " ".join([command.replace(".", " "), *words])


def _check(spec: CommandSpec, arguments: Mapping[str, Any], field: str, *, is_sure: bool) -> None:
    if spec.alone:
        raise WrongArgument(field, f"{spec.words}: works on the tree itself, and can only be called by somebody.")
    if spec.downloads or any(isinstance(value, Content) for value in arguments.values()):
        raise WrongArgument(field, f"{spec.words}: takes or gives a file, for which nobody is there later.")
    if any(spec.by_name[name].shape.masks for name in arguments):
        raise Conflict(f"{spec.words}: has a secret in it, which would be kept for others to read. Leave it out.")
    if spec.verb == "dangerous" and not is_sure:
        raise NeedsConfirmation(
            f"{spec.words} is dangerous, and nobody will be asked when it runs. Add --sure.", command=spec.name
        )


def _plain(spec: CommandSpec, name: str, value: Any) -> Any:
    parameter = spec.by_name[name]
    plain = parameter.shape.plain
    if plain is None:
        return value
    return [plain(each) for each in value] if parameter.variadic else plain(value)
