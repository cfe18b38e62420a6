"""The registry: what commands there are, from the methods of kinds and facilities marked with `@command`.

Signature, types and docstring of a method make everything that any surface knows of it. What cannot be served is
refused when the kind is loaded (`WrongCommand`), not when a user calls it.
"""

import copy
import importlib
import inspect
import json
import pkgutil
import re
import textwrap
import threading
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any, ClassVar, Literal, TypeVar, overload

from pydantic import TypeAdapter
from pydantic_core import ValidationError

from objects.commands import checks
from objects.commands.bases import Facility, Kind
from objects.commands.checks import Parameter
from objects.commands.shapes import MASK, ListShape, MaybeShape, NotAType, Shape, shape_of
from objects.commands.suggest import did_you_mean
from objects.commands.types import Content, Download, Loaded
from teams.access import Role
from teams.problems import NoSuch

F = TypeVar("F", bound=Callable[..., Any])
Verb = Literal["reads", "changes", "dangerous", "task"]
LONGEST_IN_JOURNAL = 1_000  # characters of one argument


class WrongCommand(TypeError):  # noqa: N818 -- the command is wrong; it is met by who writes it
    """A command, kind or facility that cannot be registered; the text names the class and the method."""


# ---- Marking a method ----


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
    task: "Task | None" = None


@dataclass(frozen=True, slots=True)
class Task:
    """How a task runs.

    seconds: after so long it is stopped; at most TASK_SECONDS.
    tries: how often it runs where it raises TryAgain; the pause before the next is `pause_s`, doubled each time.
    repeatable: it may run again where nobody knows how far it came, since its worker died. Its outcome counts once.
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
    task: bool | Task = False,
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
    task: bool | Task = False,
) -> F | Callable[[F], F]:
    """Make a method a command: typed, documented, callable over every surface.

    reads: changes nothing; viewers may call it.
    dangerous: asks first; `effect_of` spells out what will happen.
    role: the lowest role that may call it, where it is not viewer (reads) or editor.
    name: as users say it, where the method cannot be named so: "import".
    alone: no other call shares its batch, and no command calls it: it works on the rows of objects, not in one.
    large: its file may have UPLOAD_BYTES, where others have FILE_BYTES, and it may take LARGE_CALL_SECONDS.
    task: it runs outside the object's lock, in a process of its own; the call only starts it. See `objects.work`.
    streams: the topic whose events follow the answer; or a function that gives it for the same arguments.
    """
    options = Options(reads, dangerous, role, name, streams, alone, large, Task() if task is True else task or None)

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


# ---- What is known of a command ----


@dataclass(frozen=True, slots=True)
class Started:
    """A task that was started: `task.show` tells how it goes, and in the end its result."""

    task: str
    state: str  # waiting


@dataclass(frozen=True, slots=True)
class Example:
    """A line as typed in a terminal, and the text that answers it."""

    line: str
    output: str


class CommandSpec:
    """All that any surface knows of one command.

    name: as users say it: "take", "state.set". words: in a terminal: "state set".
    facility: the name of the facility that it is of; None where it is the kind's own.
    verb: "reads", "changes", "dangerous" or "task". needs: the lowest role. streams: whether events follow the answer.
    task: how it runs, where it is one; `answer_shape` is then of what a call gives, `result_shape` of what comes of it.
    downloads: the result is a Download, which HTTP streams. uploads: the name of the Content argument, or "".
    upload_limit: the name of the limit for that argument, as an attribute of Limits.
    """

    def __init__(self, owner: type[Kind[Any]] | type[Facility], method: Callable[..., Any], options: Options) -> None:
        self.owner = owner
        self.method = method
        self.facility = owner.name if issubclass(owner, Facility) else None
        self.name = _command_name(owner, method, options)
        self.words = self.name.replace(".", " ")
        where = f"{owner.__module__}.{owner.__name__}.{method.__name__}"
        self.where = where
        if options.reads and options.dangerous:
            raise WrongCommand(f"{where}: a command that only reads is not dangerous. Choose one.")
        self.task = options.task
        if self.task is not None and (options.reads or options.dangerous or options.alone or options.large):
            raise WrongCommand(f"{where}: a task is neither reads nor dangerous, alone or large: it only starts.")
        self.verb: Verb = (
            "task" if self.task else "dangerous" if options.dangerous else "reads" if options.reads else "changes"
        )
        self.in_front = False  # a kind's other name for a facility's command: see `Kind.front`
        self.needs = options.role or (Role.VIEWER if options.reads else Role.EDITOR)
        self.summary, self.description, self.examples = _documentation(where, method)
        self.parameters, self.result = _signature(where, method)
        self.by_name: Mapping[str, Parameter] = {parameter.name: parameter for parameter in self.parameters}
        try:
            self.result_shape: Shape = shape_of(self.result)
            self.adapter, self._validate = checks.compiled(self.name, self.parameters)
            self.result_adapter: TypeAdapter[Any] = TypeAdapter(self.result)
        except NotAType as error:
            raise WrongCommand(f"{where}: {error}") from error
        if self.result is Content or _holds_secret(self.result_shape):
            raise WrongCommand(
                f"{where}: a result cannot hold Secret or Content. Give what may be shown, or a Download."
            )
        self.downloads = self.result is Download
        if self.task is not None and (
            self.downloads or any(each.shape is Content.__shape__ for each in self.parameters)
        ):
            raise WrongCommand(
                f"{where}: a task takes and gives no file: it is kept for later. Use the object's files."
            )
        self.uploads = next((each.name for each in self.parameters if each.shape is Content.__shape__), "")
        self.rest = next((each for each in self.parameters if each.rest), None)
        self._effect: Callable[..., str] | None = method.__dict__.get("__effect__")
        self.alone = options.alone
        self.large = options.large
        self.upload_limit = "UPLOAD_BYTES" if options.large else "FILE_BYTES"
        self._topic = "task" if self.task else options.streams
        self.streams = options.streams is not None
        self._plain = self.result_shape.plain
        self.answer_shape: Shape = shape_of(Started) if self.task else self.result_shape  # of what a call gives at once
        self._by_keyword = not any(each.variadic or each.python_name != each.name for each in self.parameters)

    def __repr__(self) -> str:
        return f"<CommandSpec {self.name}>"

    def put_in_front(self) -> "CommandSpec":
        """Give the same command under its name without the facility's."""
        made = copy.copy(self)
        made.name = made.words = self.name.partition(".")[2] or self.name
        made.in_front = True
        prefix = f"{self.facility} "
        made.examples = tuple(Example(each.line.removeprefix(prefix), each.output) for each in self.examples)
        return made

    def check(self, arguments: Mapping[str, Any], *, text: bool = False) -> dict[str, Any]:
        """Convert and check arguments; what is left out stays out, for the method's own default to apply.

        text: values are words of a line, fields of a form or of a query string, each of them text.
        Checked arguments may be checked again: they come out the same.
        Raises WrongArgument with every wrong field.
        """
        if text:
            arguments = {name: self._from_text(name, value) for name, value in arguments.items()}
        try:
            return self._validate(arguments)
        except ValidationError as error:
            raise checks.wrong(error, arguments, self.by_name, self.name) from None

    def _from_text(self, name: str, value: Any) -> Any:
        parameter = self.by_name.get(name)
        if parameter is None:
            return value
        if parameter.variadic and not isinstance(value, list):
            value = [value]
        if isinstance(value, list):
            shape = parameter.shape
            if not parameter.variadic:  # a flag given several times
                shape = shape.inner if isinstance(shape, MaybeShape) else shape
                shape = shape.item if isinstance(shape, ListShape) else shape
            return [shape.from_text(each) if isinstance(each, str) else each for each in value]
        return parameter.shape.from_text(value) if isinstance(value, str) else value

    def run(self, instance: Any, arguments: Mapping[str, Any]) -> Any:
        """Call the method on a kind or facility with checked arguments."""
        return self._call(self.method, instance, arguments)

    def _call(self, method: Callable[..., Any], instance: Any, arguments: Mapping[str, Any]) -> Any:
        if self._by_keyword:
            return method(instance, **arguments)
        if not any(each.variadic and each.name in arguments for each in self.parameters):
            return method(instance, **{self.by_name[name].python_name: each for name, each in arguments.items()})
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for each in self.parameters:
            if each.variadic:
                positional.extend(arguments[each.name])
            elif not each.flag:
                positional.append(arguments.get(each.name, each.default))
            elif each.name in arguments:
                named[each.python_name] = arguments[each.name]
        return method(instance, *positional, **named)

    def effect(self, instance: Any, arguments: Mapping[str, Any]) -> str:
        """Say what a dangerous command would do, for the question that comes before it."""
        if self._effect is None:
            return self.summary
        return str(self._call(self._effect, instance, arguments))

    def topic_of(self, arguments: Mapping[str, Any]) -> str:
        """Give the topic whose events follow the answer to these checked arguments; "" where none do."""
        if self._topic is None:
            return ""
        return self._topic if isinstance(self._topic, str) else self._topic(**arguments)

    def plain(self, value: Any) -> Any:
        """Turn a result into JSON values. A Download stays one, for HTTP to stream; `Download.plain` reads it whole."""
        return value if self._plain is None or type(value) is Download else self._plain(value)

    def masked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Give arguments, checked or refused, as the journal may keep them: no secrets, no files, nothing long."""
        kept: dict[str, Any] = {}
        for name, value in arguments.items():
            kind = type(value)
            parameter = self.by_name.get(name)
            if parameter is None:  # a slip of the pen may be a secret under a wrong name
                kept[str(name)[:100].replace("\0", "�").encode(errors="replace").decode()] = MASK
            elif parameter.shape.masks:
                kept[name] = (
                    [parameter.shape.masked(each) for each in value]
                    if parameter.variadic and isinstance(value, list)
                    else parameter.shape.masked(value)
                )
            elif value is None or kind is bool or kind is float or (kind is str and _is_short(value)):
                kept[name] = value
            else:
                kept[name] = _short(value, parameter)
        return kept

    def usage(self) -> str:
        """Give the line to type: "take [tokens=1]", "state set key value"."""
        return " ".join([self.words, *(_usage(each) for each in self.parameters)])


def _short(value: Any, parameter: Parameter) -> Any:
    shape = parameter.shape
    if not isinstance(value, str | int) and shape.plain is not None:
        try:
            value = [shape.plain(each) for each in value] if parameter.variadic else shape.plain(value)
        except (TypeError, ValueError, AttributeError, KeyError):
            value = repr(value)  # it was refused; what it looked like is worth keeping
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _cut(str(value)[:LONGEST_IN_JOURNAL])
    if isinstance(value, str):
        return _cut(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return _cut(repr(value) if not isinstance(value, list | dict) else f"a {type(value).__name__} that is not JSON")
    return _cut(text) if len(text) > LONGEST_IN_JOURNAL or not _is_clean(text) else value


def _is_short(text: str) -> bool:
    return len(text) <= LONGEST_IN_JOURNAL and text.isascii() and "\0" not in text


def _is_clean(text: str) -> bool:
    if "\\u0000" in text:
        return False
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _cut(text: str) -> str:
    if len(text) > LONGEST_IN_JOURNAL:
        text = f"{text[:LONGEST_IN_JOURNAL]}… ({len(text):,} characters)"
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    return text.replace("\0", "�")


def _usage(parameter: Parameter) -> str:
    if parameter.variadic:
        return f"[{parameter.name}…]"
    if parameter.flag:
        if parameter.shape.noun == "yes or no":
            return f"[--{parameter.name}]"
        shown = f"--{parameter.name} {parameter.name.upper()}"
        return shown if parameter.required else f"[{shown}]"
    if parameter.required:
        return parameter.name
    if parameter.default is None or parameter.default == "":
        return f"[{parameter.name}]"
    return f"[{parameter.name}={default_text(parameter)}]"


def default_text(parameter: Parameter) -> str:
    """Write a default as people read it."""
    shape, default = parameter.shape, parameter.default
    return shape.show(default if default is None or shape.plain is None else shape.plain(default))


def _command_name(owner: type[Kind[Any]] | type[Facility], method: Callable[..., Any], options: Options) -> str:
    name = options.name or method.__name__.rstrip("_")
    if issubclass(owner, Facility):
        return name if name == owner.name else f"{owner.name}.{name}"
    return name


def _documentation(where: str, method: Callable[..., Any]) -> tuple[str, str, tuple[Example, ...]]:
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


def _signature(where: str, method: Callable[..., Any]) -> tuple[tuple[Parameter, ...], Any]:
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


def _holds_secret(shape: Shape) -> bool:
    return (shape.masks and isinstance(shape, Loaded)) or any(_holds_secret(part) for part in shape.parts())


# ---- All kinds and facilities ----


class Registry:
    """Kinds, facilities and their commands, found by walking the packages `objects.kinds` and `objects.facilities`.

    further: modules or packages outside Grove that hold kinds too, set before the first use: `settings.KIND_PACKAGES`.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("objects.facilities", "objects.kinds")

    def __init__(self) -> None:
        self.further: tuple[str, ...] = ()
        self._kinds: dict[str, type[Kind[Any]]] = {}
        self._facilities: dict[str, type[Facility]] = {}
        self._own: dict[type, dict[str, CommandSpec]] = {}  # kind or facility -> its commands
        self._commands: dict[str, dict[str, CommandSpec]] = {}  # kind -> all that its objects can do
        self._alone: frozenset[str] | None = None
        self._large: frozenset[str] | None = None
        self._loaded = False
        self._loading = threading.RLock()

    def load(self) -> None:
        """Import every kind and facility; once. Raises WrongCommand where one cannot be served."""
        if self._loaded:
            return
        with self._loading:
            if not self._loaded:
                # A try that failed left some behind; the next begins anew, and fails for the same reason.
                self._kinds, self._facilities, self._own = {}, {}, {}
                self._find_all()
            self._loaded = True

    def _find_all(self) -> None:
        for package in (*self.PACKAGES, *self.further):
            for module in _modules(importlib.import_module(package)):
                for found in list(vars(module).values()):
                    if _is_registrable(found) and found.__module__ == module.__name__:
                        self.add(found)
        self._check_examples()

    @classmethod
    def of(cls, *owners: type[Kind[Any]] | type[Facility]) -> "Registry":
        """Make a registry of exactly these, for tests."""
        made = cls()
        made._loaded = True
        for owner in owners:
            made.add(owner)
        made._check_examples()
        return made

    def add(self, owner: type[Kind[Any]] | type[Facility]) -> None:
        """Register a kind or a facility with its commands."""
        is_facility = issubclass(owner, Facility)
        known: Mapping[str, type] = self._facilities if is_facility else self._kinds
        noun = "facility" if is_facility else "kind"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", owner.name):
            raise WrongCommand(f"{owner.__module__}.{owner.__name__}: '{owner.name}' is not a name for a {noun}: "
                               "small letters, digits and _, beginning with a letter.")  # fmt: skip
        if (other := known.get(owner.name)) is not None:
            raise WrongCommand(f"{owner.__module__}.{owner.__name__}: the {noun} '{owner.name}' is already "
                               f"{other.__module__}.{other.__name__}.")  # fmt: skip
        if not (owner.__doc__ or "").strip():
            raise WrongCommand(
                f"{owner.__module__}.{owner.__name__}: a {noun} has a docstring: its purpose in one line."
            )
        specs: dict[str, CommandSpec] = {}
        for method in _marked(owner):
            spec = CommandSpec(owner, method, method.__dict__["__command__"])
            if (twin := specs.get(spec.name)) is not None:
                raise WrongCommand(f"{spec.where}: the command '{spec.name}' is already {twin.where}.")
            specs[spec.name] = spec
        self._own[owner] = specs
        if issubclass(owner, Facility):
            self._facilities[owner.name] = owner
        else:
            self._kinds[owner.name] = owner
        self._commands.clear()
        self._alone = None
        self._large = None

    @property
    def kinds(self) -> Mapping[str, type[Kind[Any]]]:
        """Every kind by its name, sorted."""
        self.load()
        return MappingProxyType(dict(sorted(self._kinds.items())))

    @property
    def facilities(self) -> Mapping[str, type[Facility]]:
        """Every facility by its name, sorted."""
        self.load()
        return MappingProxyType(dict(sorted(self._facilities.items())))

    def kind(self, name: str) -> type[Kind[Any]]:
        """Find a kind; raises NoSuch."""
        self.load()
        found = self._kinds.get(name)
        if found is None:
            raise NoSuch(
                f"no kind '{name[:60]}'.{did_you_mean(name, self._kinds)} Kinds: {', '.join(sorted(self._kinds))}."
            )
        return found

    def facility(self, name: str) -> type[Facility]:
        """Find a facility; raises NoSuch."""
        self.load()
        found = self._facilities.get(name)
        if found is None:
            raise NoSuch(f"no facility '{name[:60]}'.{did_you_mean(name, self._facilities)}")
        return found

    def own_commands(self, owner: type[Kind[Any]] | type[Facility]) -> Mapping[str, CommandSpec]:
        """Give the commands of one kind or facility alone, in the order they were written."""
        self.load()
        return MappingProxyType(self._own[owner])

    def commands(self, kind_name: str) -> Mapping[str, CommandSpec]:
        """Give all that an object of a kind can do: the kind's own commands first, then the facilities'. Kept."""
        found = self._commands.get(kind_name)
        if found is None:
            kind = self.kind(kind_name)
            found = dict(self.own_commands(kind))
            if kind.front:
                for spec in map(CommandSpec.put_in_front, self.own_commands(self.facility(kind.front)).values()):
                    found.setdefault(spec.name, spec)
            for facility in self.facilities.values():
                for name, spec in self.own_commands(facility).items():
                    if (twin := found.get(name)) is not None:
                        raise WrongCommand(f"{twin.where}: '{name}' is a command of every object: {spec.where}.")
                    found[name] = spec
            self._commands[kind_name] = found
        return found

    def command(self, kind_name: str, command_name: str) -> CommandSpec:
        """Find a command of a kind in two look-ups; raises NoSuch with the nearest name."""
        try:
            return self._commands[kind_name][command_name]
        except KeyError:
            commands = self.commands(kind_name)
        spec = commands.get(command_name)
        if spec is None:
            near = did_you_mean(command_name, commands)
            raise NoSuch(f"no command '{command_name[:60]}' on objects of kind {kind_name}.{near} `help` lists them.")
        return spec

    def reads(self, kind_name: str, command_name: str) -> bool:
        """Whether a command only reads; False where there is no such command."""
        try:
            return self._commands[kind_name][command_name].verb == "reads"
        except KeyError:
            try:
                return self.command(kind_name, command_name).verb == "reads"
            except NoSuch:
                return False

    def is_alone(self, command_name: str) -> bool:
        """Whether a command of this name, of any kind, must have its batch for itself."""
        if self._alone is None:
            self.load()
            self._alone = frozenset(spec.name for specs in self._own.values() for spec in specs.values() if spec.alone)
        return command_name in self._alone

    def is_large(self, command_name: str) -> bool:
        """Whether a command of this name, of any kind, takes large files and long."""
        if self._large is None:
            self.load()
            self._large = frozenset(spec.name for specs in self._own.values() for spec in specs.values() if spec.large)
        return command_name in self._large

    def _check_examples(self) -> None:
        from objects.commands.words import find_command  # noqa: PLC0415 -- words needs CommandSpec from here

        kinds: Sequence[str] = sorted(self._kinds)
        for owner in (*self._facilities.values(), *self._kinds.values()):
            names = [owner.name] if issubclass(owner, Kind) else kinds
            for spec in self._own[owner].values():
                for example in spec.examples:
                    if not any(find_command(self._unloaded(name), example.line) for name in names):
                        raise WrongCommand(f"{spec.where}: the example '{example.line}' is of no command.")

    def _unloaded(self, kind_name: str) -> Mapping[str, CommandSpec]:
        owners = (self._kinds[kind_name], *self._facilities.values())
        return {name: spec for owner in owners for name, spec in self._own[owner].items()}


def _modules(package: ModuleType) -> list[ModuleType]:
    within = getattr(package, "__path__", ())  # a plain module has none
    names = sorted(each.name for each in pkgutil.walk_packages(within, package.__name__ + "."))
    return [package, *map(importlib.import_module, names)]


def _is_registrable(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Kind | Facility) and not inspect.isabstract(found)


def _marked(owner: type) -> list[Callable[..., Any]]:
    """Find the methods marked as commands, those of a base first; who overrides one marks it again, or it is none."""
    found: dict[str, Callable[..., Any]] = {}
    for each in reversed(owner.__mro__):
        for name, member in vars(each).items():
            if callable(member) and "__command__" in getattr(member, "__dict__", {}):
                found[name] = member
            else:
                found.pop(name, None)
    return list(found.values())


registry = Registry()
"""The one that every surface asks."""
