"""Help: what an object can do, and what a command takes and gives; as data, and as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objects.commands.bases import Facility, Kind
from objects.commands.checks import Parameter
from objects.commands.registry import Registry
from objects.commands.render import columns_of, visible
from objects.commands.shapes import BoolShape, NoneShape
from objects.commands.spec import CommandSpec, default_text
from objects.commands.words import no_such_command


@dataclass(frozen=True, slots=True)
class ArgumentHelp:
    """An argument of a command. default: as text; null where it must be given, or left out it means nothing."""

    name: str
    flag: bool
    required: bool
    takes: str
    default: str | None
    unit: str
    help: str


@dataclass(frozen=True, slots=True)
class ExampleHelp:
    """A line to type, and its answer."""

    line: str
    answer: str


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """All there is to say about one command."""

    name: str
    usage: str
    summary: str
    description: str
    arguments: list[ArgumentHelp]
    gives: str
    verb: str
    needs: str  # the lowest role
    streams: bool
    examples: list[ExampleHelp]


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command in a list."""

    name: str
    usage: str
    summary: str


@dataclass(frozen=True, slots=True)
class Group:
    """The commands of a kind or a facility."""

    name: str
    purpose: str
    commands: list[CommandLine]


@dataclass(frozen=True, slots=True)
class HelpPage:
    """What `help` answers: an object, one of its facilities, or one command.

    kind: the object's own commands, where help was asked for the object. facilities: those asked for, or all.
    """

    title: str
    kind: Group | None
    facilities: list[Group]
    command: CommandHelp | None
    full: bool  # every command of every facility is spelled out

    @staticmethod
    def as_text(page: Mapping[str, Any], width: int) -> str:
        """Write a page, as plain JSON, for people; without an empty line, so that it can stand in an example."""
        if page["command"] is not None:
            return _command_text(page["command"])
        lines = [] if page["kind"] is None else [page["title"], page["kind"]["purpose"]]
        if page["kind"] is not None:
            lines += _listed(page["kind"]["commands"])
        if page["kind"] is None or page["full"]:
            for group in page["facilities"]:
                lines += [f"{group['name']}: {group['purpose']}", *_listed(group["commands"])]
        else:
            lines += ["Every object has:", *_summed_up(page["facilities"], width)]
        if page["kind"] is None:
            lines.append("`help COMMAND` tells more of one.")
        else:
            lines.append("`help COMMAND` or `help FACILITY` tells more; `help --all` lists every command.")
        return visible("\n".join(lines), lines=True)


def help_of_object(registry: Registry, kind_name: str, path: str, *, full: bool = False) -> HelpPage:
    """Say what an object of a kind can do."""
    kind = registry.kind(kind_name)
    facilities = [_group(registry, facility) for facility in registry.facilities.values()]
    return HelpPage(f"{path}  {kind_name}", _group(registry, kind), facilities, None, full)


def help_of(registry: Registry, kind_name: str, words: Sequence[str]) -> HelpPage:
    """Say more of a command or a facility named by words: "state set", "state.set", "state"; raises NoSuch."""
    name = ".".join(word for each in words for word in each.split())
    commands = registry.commands(kind_name)
    spec = commands.get(name)
    facility = registry.facilities.get(name)
    if spec is None and facility is None:
        raise no_such_command(commands, name.split("."))
    groups = [] if facility is None else [_group(registry, facility)]
    # A command that is named like its facility ("sql") is told with what else the facility has.
    if spec is not None and (facility is None or len(groups[0].commands) == 1):
        return HelpPage(spec.words, None, [], help_of_command(spec), full=True)
    return HelpPage(name, None, groups, None, full=True)


def help_of_command(spec: CommandSpec) -> CommandHelp:
    """Say all there is to say about a command."""
    return CommandHelp(
        name=spec.name,
        usage=spec.usage(),
        summary=spec.summary,
        description=spec.description,
        arguments=[_argument(each) for each in spec.parameters],
        gives=spec.result_shape.noun,
        verb=spec.verb,
        needs=spec.needs.word,
        streams=spec.streams,
        examples=[ExampleHelp(each.line, each.output) for each in spec.examples],
    )


def purpose_of(owner: type[Kind[Any]] | type[Facility]) -> str:
    """Give the first line of a kind's or facility's docstring."""
    return (owner.__doc__ or "").strip().splitlines()[0]


def _group(registry: Registry, owner: type[Kind[Any]] | type[Facility]) -> Group:
    specs = [*registry.own_commands(owner).values()]
    if issubclass(owner, Kind) and owner.front:
        specs += [each for each in registry.commands(owner.name).values() if each.in_front]
    lines = [CommandLine(spec.name, spec.usage(), spec.summary) for spec in specs]
    return Group(owner.name, purpose_of(owner), lines)


def _argument(parameter: Parameter) -> ArgumentHelp:
    default: str | None = None
    if not parameter.required and not parameter.variadic and parameter.default not in (None, ""):
        default = default_text(parameter)
    takes = parameter.described()
    if parameter.variadic:
        takes = f"any number of: {takes}"
    return ArgumentHelp(
        parameter.name, parameter.flag, parameter.required, takes, default, parameter.unit, parameter.help
    )


def _listed(commands: Sequence[Mapping[str, Any]]) -> list[str]:
    widest = max((columns_of(each["usage"]) for each in commands if columns_of(each["usage"]) <= 40), default=0)
    return [f"  {each['usage']}{' ' * (widest - columns_of(each['usage']))}  {each['summary']}" for each in commands]


def _summed_up(groups: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    widest = max((len(group["name"]) for group in groups), default=0)
    lines = []
    for group in groups:
        names = ", ".join(each["name"].removeprefix(group["name"] + ".") for each in group["commands"])
        line = f"  {group['name']:{widest}}  {group['purpose']}"
        told = f"{line} ({names})"
        lines.append(told if len(group["commands"]) > 1 and columns_of(told) <= max(width, 100) else line)
    return lines


def _command_text(command: Mapping[str, Any]) -> str:
    lines = [command["usage"], command["summary"]]
    lines += [line for line in command["description"].splitlines() if line.strip()]
    if command["arguments"]:
        rows = [(("--" if each["flag"] else "") + each["name"], _about(each)) for each in command["arguments"]]
        widest = max(len(name) for name, _ in rows)
        lines += ["Arguments:", *(f"  {name:{widest}}  {text}" for name, text in rows)]
    if command["gives"] != NoneShape.noun:
        lines.append(f"Gives: {command['gives']}" + (", then events as they happen" if command["streams"] else ""))
    asks = "; asks first" if command["verb"] == "dangerous" else ""
    lines.append(f"Needs: {command['needs']}{asks}")
    if command["examples"]:
        lines.append("Examples:")
        for example in command["examples"]:
            lines.append(f"  > {example['line']}")
            lines += [f"  {line}" for line in example["answer"].splitlines()]
    return visible("\n".join(lines), lines=True)


def _about(argument: Mapping[str, Any]) -> str:
    text = f"{argument['help']} ({argument['takes']}" if argument["help"] else f"({argument['takes']}"
    if argument["unit"]:
        text += f", in {argument['unit']}"
    if argument["default"] is not None and not (argument["takes"] == BoolShape.noun and argument["default"] == "no"):
        text += f", {argument['default']} by default"
    return text + ")"
