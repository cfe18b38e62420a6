"""Check arguments against a command's signature, and say in Grove's voice what is wrong with them.

pydantic does the work, from one schema a command that is compiled when the kind is loaded. Its lax conversions are
turned off where they would hide a mistake: over JSON, "5" is no number and 1 is no yes.
"""

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired

import annotated_types
from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, with_config
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails, SchemaValidator, ValidationError
from typing_extensions import TypedDict

from objects.commands.shapes import (
    LARGEST_INT,
    SMALLEST_INT,
    ChoiceShape,
    DictShape,
    ListShape,
    MaybeShape,
    NotAType,
    RecordShape,
    Shape,
    UnionShape,
)
from objects.commands.suggest import did_you_mean
from objects.commands.types import Help, Loaded, RestOfLineMarker, Unit, shown
from teams.problems import WrongArgument

_NO_NUL = r"^[^\x00]*$"
_NUL = "holds a NUL character, which text cannot. Send bytes as a file."
_SURROGATE = "holds half of a surrogate pair, which is not Unicode text."


@dataclass(frozen=True, slots=True)
class Bounds:
    """What limits a value: its size, or its length in characters or items."""

    least: Any = None
    most: Any = None
    shortest: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a command.

    name: as users write it. python_name: as the method has it ("from_" for "from").
    flag: can only be given by name. variadic: takes any number of values. rest: takes the rest of a terminal line.
    """

    name: str
    python_name: str
    annotation: Any
    shape: Shape
    required: bool
    default: Any = None
    flag: bool = False
    variadic: bool = False
    rest: bool = False
    help: str = ""
    unit: str = ""
    bounds: Bounds = Bounds()

    def described(self) -> str:
        """Say what it takes: "a whole number, at least 1"."""
        return ", ".join([self.shape.noun, *self.limits()])

    def limits(self) -> list[str]:
        """Say the bounds: ["at least 1", "at most 20"]."""
        bounds, show = self.bounds, self.shape.show
        texts = []
        if bounds.least is not None:
            texts.append(f"at least {show(bounds.least)}")
        if bounds.most is not None:
            texts.append(f"at most {show(bounds.most)}")
        counted = "item" if isinstance(self.shape, ListShape) else "character"
        if bounds.shortest:
            texts.append(f"at least {_count(bounds.shortest, counted)}")
        if bounds.longest is not None:
            texts.append(f"at most {_count(bounds.longest, counted)}")
        return texts


def metadata_of(annotation: Any) -> list[Any]:
    """Give what `Annotated` says about an annotation, groups taken apart; also inside `Annotated[…] | None`."""
    if typing.get_origin(annotation) is not typing.Annotated:
        found: list[Any] = []
        options = typing.get_args(annotation)
        if type(None) in options and len(options) == 2:
            found = metadata_of(next(option for option in options if option is not type(None)))
        return found
    inner, *extras = typing.get_args(annotation)
    flat = metadata_of(inner)
    for extra in extras:
        if isinstance(extra, annotated_types.GroupedMetadata):
            flat.extend(extra)
        else:
            flat.append(extra)
    return flat


def about(annotation: Any) -> tuple[str, str, Bounds, bool]:
    """Give an annotation's help, unit, bounds, and whether it takes the rest of a line."""
    text, unit, rest = "", "", False
    limits: dict[str, Any] = {}
    for extra in metadata_of(annotation):
        if isinstance(extra, Help):
            text = extra.text
        elif isinstance(extra, Unit):
            unit = extra.text
        elif isinstance(extra, RestOfLineMarker):
            rest = True
        elif isinstance(extra, annotated_types.Ge):
            limits["least"] = extra.ge
        elif isinstance(extra, annotated_types.Le):
            limits["most"] = extra.le
        elif isinstance(extra, annotated_types.MinLen):
            limits["shortest"] = extra.min_length
        elif isinstance(extra, annotated_types.MaxLen):
            limits["longest"] = extra.max_length
    return text, unit, Bounds(**limits), rest


def compiled(name: str, parameters: Sequence[Parameter]) -> tuple[TypeAdapter[Any], Callable[[Any], dict[str, Any]]]:
    """Give the pydantic adapter of a command's arguments (for its JSON Schema) and the strict check made from it."""
    fields: dict[str, Any] = {}
    for parameter in parameters:
        each = list[parameter.annotation] if parameter.variadic else parameter.annotation  # type: ignore[name-defined]
        fields[parameter.name] = each if parameter.required else NotRequired[each]
    record = with_config(ConfigDict(extra="forbid"))(TypedDict(f"{name} arguments", fields))  # type: ignore[operator]
    adapter: TypeAdapter[Any] = _adapter(record)
    return adapter, SchemaValidator(strict(adapter.core_schema)).validate_python


def compiled_value(annotation: Any) -> Callable[[Any], Any]:
    """Give the strict check of one value."""
    return SchemaValidator(strict(_adapter(annotation).core_schema)).validate_python


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise NotAType(str(error).splitlines()[0]) from error


_STRICTER: dict[str, dict[str, Any]] = {
    "int": {"strict": True},
    "float": {"strict": True, "allow_inf_nan": False},
    "bool": {"strict": True},
    "str": {"strict": True},
    "decimal": {"allow_inf_nan": False},
    "dataclass-args": {"extra_behavior": "forbid"},
}
_AT_MOST_ONCE: dict[str, dict[str, Any]] = {
    "int": {"ge": SMALLEST_INT, "le": LARGEST_INT},
    "str": {"pattern": _NO_NUL},
    "decimal": {"max_digits": 50},
}
_NOT_SCHEMAS = frozenset({"metadata", "serialization", "default", "cls", "function", "post_init"})


def strict(schema: Any) -> Any:
    """Copy a core schema with its leaves made strict: no conversions from text, no infinities, 64 bits, no NUL."""
    if isinstance(schema, list | tuple):
        return type(schema)(strict(each) for each in schema)
    if not isinstance(schema, Mapping):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str):  # not a schema but a mapping of names to schemas
        return {key: strict(value) for key, value in schema.items()}
    copy = {key: value if key in _NOT_SCHEMAS else strict(value) for key, value in schema.items()}
    return _AT_MOST_ONCE.get(kind, {}) | copy | _STRICTER.get(kind, {})


def wrong(
    error: ValidationError, arguments: Mapping[str, Any], parameters: Mapping[str, Parameter], command: str
) -> WrongArgument:
    """Turn pydantic's errors into the refusal of a command: every wrong field once, with its message."""
    messages: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        field = str(detail["loc"][0]) if detail["loc"] else "arguments"
        if field in messages:
            continue
        parameter = parameters.get(field)
        if parameter is None:
            messages[field] = unknown(field, parameters, command)
        elif len(detail["loc"]) == 1 and detail["type"] == "missing":
            told = f"{parameter.help} ({parameter.described()})" if parameter.help else parameter.described()
            messages[field] = f"is needed: {told}."
        else:
            shape = ListShape(parameter.shape) if parameter.variadic else parameter.shape
            messages[field] = explained(detail, shape, detail["loc"][1:], arguments.get(field))
    (first, message), *others = messages.items()
    return WrongArgument(first, message, dict(others))


def unknown(name: str, parameters: Mapping[str, Parameter], command: str) -> str:
    """Say that a command has no such argument, and which it has."""
    if not parameters:
        return f"no argument '{name[:60]}': {command} takes none."
    return f"no argument '{name[:60]}'.{did_you_mean(name, parameters)} Arguments: {', '.join(parameters)}."


def explained(detail: ErrorDetails, shape: Shape, loc: Sequence[int | str], value: Any) -> str:
    """Say what is wrong with a value, and where in it."""
    where = ""
    for step in loc:
        while isinstance(shape, MaybeShape):
            shape = shape.inner
        if isinstance(shape, UnionShape):
            return f"{where}{'this value' if shape.masks else shown(value)} is not {shape.noun}"
        if isinstance(shape, ListShape) and isinstance(step, int):
            shape, where = shape.item, f"{where}item {step + 1}: "
        elif isinstance(shape, DictShape):
            shape, where = shape.value, f"{where}{step}: "
        elif isinstance(shape, RecordShape) and step in shape.fields:
            shape, where = shape.fields[str(step)], f"{where}{step}: "
        elif isinstance(shape, RecordShape) and detail["type"] == "unexpected_keyword_argument":
            fields = ", ".join(shape.fields)
            return f"{where}no field '{step}'.{did_you_mean(str(step), shape.fields)} Fields: {fields}."
        else:
            break
        value = _inside(value, step)
    while isinstance(shape, MaybeShape) and detail["type"] != "missing":
        shape = shape.inner
    return where + _message(detail, shape)


def _inside(value: Any, step: int | str) -> Any:
    try:
        return value[step]
    except (TypeError, KeyError, IndexError):
        return value


def _message(detail: ErrorDetails, shape: Shape) -> str:  # noqa: C901, PLR0911, PLR0912 -- one case an error
    value, context = detail["input"], detail.get("ctx", {})
    seen = "this value" if shape.masks else shown(value)
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return f"is needed: {shape.noun}."
        case "greater_than_equal" | "less_than_equal" as which:
            bound = context["ge" if which == "greater_than_equal" else "le"]
            if bound in (SMALLEST_INT, LARGEST_INT):
                return f"{seen} is beyond 64 bits."
            if isinstance(shape, Loaded):
                bound = shape.show(bound)
            return f"{seen} is {'less' if which == 'greater_than_equal' else 'more'} than {bound}"
        case "greater_than" | "less_than" as which:
            bound = context["gt" if which == "greater_than" else "lt"]
            return f"{seen} is not {'more' if which == 'greater_than' else 'less'} than {bound}"
        case "string_too_short":
            return f"has {_count(len(value), 'character')}: at least {context['min_length']} needed."
        case "string_too_long":
            return f"has {_count(len(value), 'character')}: at most {context['max_length']} allowed."
        case "too_short":
            return f"has {_count(context['actual_length'], 'item')}: at least {context['min_length']} needed."
        case "too_long":
            return f"has {_count(len(value), 'item')}: at most {context['max_length']} allowed."
        case "string_unicode":
            return _SURROGATE
        case "string_pattern_mismatch":
            return _NUL if context["pattern"] == _NO_NUL else f"{seen} does not match {context['pattern']}"
        case "finite_number":
            return f"{seen} is not a finite number."
        case "multiple_of":
            return f"{seen} is not a multiple of {context['multiple_of']}"
    if isinstance(shape, ChoiceShape):
        return f"{seen} is not {shape.noun}.{did_you_mean(str(value), shape.words)}"
    return f"{seen} is not {shape.noun}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
