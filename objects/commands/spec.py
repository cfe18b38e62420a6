"""All that is known of one command, as every surface asks it."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic_core import ValidationError

from objects.commands import checks
from objects.commands.bases import Facility, Kind
from objects.commands.checks import Parameter
from objects.commands.declaring import Options, WrongCommand
from objects.commands.masking import masked
from objects.commands.methods import Example, documentation, signature
from objects.commands.shapes import ListShape, MaybeShape, NotAType, Shape, shape_of
from objects.commands.types import Content, Download, Loaded
from teams.access import Role

Verb = Literal["reads", "changes", "dangerous", "task"]


@dataclass(frozen=True, slots=True)
class Started:
    """A task that was started: `task.show` tells how it goes, and in the end its result."""

    task: str
    state: str  # waiting


class CommandSpec:
    """All that any surface knows of one command.

    name: as users say it: "take", "state.set". words: in a terminal: "state set".
    operators: see `command`; "" is for everybody.
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
        self.operators = options.operators
        self.in_front = False  # a kind's other name for a facility's command: see `Kind.front`
        self.needs = options.role or (Role.VIEWER if options.reads else Role.EDITOR)
        self.summary, self.description, self.examples = documentation(where, method)
        self.parameters, self.result = signature(where, method)
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
        self.upload_limit = options.takes or ("UPLOAD_BYTES" if options.large else "BODY_BYTES")
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
        return masked(arguments, self.by_name)

    def usage(self) -> str:
        """Give the line to type: "take [tokens=1]", "state set key value"."""
        return " ".join([self.words, *(_usage(each) for each in self.parameters)])


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


def _holds_secret(shape: Shape) -> bool:
    return (shape.masks and isinstance(shape, Loaded)) or any(_holds_secret(part) for part in shape.parts())
