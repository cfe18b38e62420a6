"""What a type of an argument or a result is on every surface: noun, one word of text, JSON, and what people read.

pydantic checks values (`objects.commands.checks`); a Shape knows the rest. `shape_of` finds the Shape of an annotation:
ordinary Python types have theirs here, the SDK's own (`objects.commands.types`) bring one along in their annotation.
"""

import dataclasses
import enum
import json
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

MASK = "•••"
DEEPEST = 64  # levels of lists and objects inside each other; SQLite's JSON and Postgres's stop far later
SMALLEST_INT, LARGEST_INT = -(2**63), 2**63 - 1  # what SQLite, orjson and most clients can hold

_INTEGER = re.compile(r"[+-]?[0-9](_?[0-9]){0,99}")
_NUMBER = re.compile(r"[+-]?([0-9][0-9_]{0,99}\.?[0-9]{0,99}|\.[0-9]{1,99})([eE][+-]?[0-9]{1,4})?")
_WORDS_OF_TRUTH = {
    "yes": True,
    "true": True,
    "on": True,
    "1": True,
    "no": False,
    "false": False,
    "off": False,
    "0": False,
}


class NotAType(TypeError):  # noqa: N818 -- says what the annotation is not
    """An annotation that cannot be an argument or a result; found when the kind is loaded."""


class Shape:
    """A type as people and programs meet it; the base is that of a plain text.

    noun: what a value is called in help and refusals: "a whole number".
    plain: turns a Python value into JSON values; None where a value already is its JSON value.
    masks: a value, or a part of it, must not reach the journal as it is.
    """

    noun: str = "text"
    plain: Callable[[Any], Any] | None = None
    masks: bool = False

    def from_text(self, text: str) -> Any:
        """Turn a word, a form's field or a query's value into what the check takes; what does not fit stays text."""
        return text

    def word(self, plain: Any) -> str:
        """Write a JSON value of this type as the one word that `from_text` reads back."""
        return str(plain)

    def show(self, plain: Any) -> str:
        """Write a JSON value of this type for people, in one line."""
        return compact(plain)

    def masked(self, value: Any) -> Any:
        """Give the JSON value that the journal may keep. Takes anything: what was refused is journaled too."""
        return value

    def is_number(self) -> bool:
        """Whether columns of it are aligned to the right."""
        return False

    def parts(self) -> Iterable["Shape"]:
        """Give the shapes inside."""
        return ()


def compact(plain: Any) -> str:
    """Write a JSON value in one line: text bare, yes and no, whole floats without a point, the rest as JSON."""
    if plain is None:
        return ""
    if plain is True or plain is False:
        return "yes" if plain else "no"
    if isinstance(plain, str):
        return plain
    if isinstance(plain, float):
        return number(plain)
    if isinstance(plain, (list, dict)):
        return json.dumps(plain, ensure_ascii=False)
    return str(plain)


def number(value: float) -> str:
    """Write a float for people: 15 digits, which hides the noise of binary fractions; no point where it is whole."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return format(value, ".15g")


class IntShape(Shape):
    noun = "a whole number"

    def from_text(self, text: str) -> Any:
        return int(text) if _INTEGER.fullmatch(text) else text

    def is_number(self) -> bool:
        return True


class FloatShape(Shape):
    noun = "a number"

    def __init__(self) -> None:
        self.plain = _finite

    def from_text(self, text: str) -> Any:
        return float(text) if _NUMBER.fullmatch(text) else text

    def word(self, plain: Any) -> str:
        return repr(float(plain))

    def is_number(self) -> bool:
        return True


def _finite(value: float | None) -> float | None:
    # JSON has no infinity and no NaN; null says "there is no number".
    return value if value is None or math.isfinite(value) else None


class BoolShape(Shape):
    noun = "yes or no"

    def from_text(self, text: str) -> Any:
        return _WORDS_OF_TRUTH.get(text.lower(), text)

    def word(self, plain: Any) -> str:
        return "yes" if plain else "no"


class NoneShape(Shape):
    noun = "nothing"


class DecimalShape(Shape):
    noun = "a decimal number"

    def __init__(self) -> None:
        self.plain = str

    def is_number(self) -> bool:
        return True


class DateShape(Shape):
    noun = "a date such as 2026-05-17"

    def __init__(self) -> None:
        self.plain = date.isoformat


class ChoiceShape(Shape):
    """One of some values: a Literal or an Enum."""

    def __init__(self, values: Sequence[Any], enumeration: type[enum.Enum] | None = None) -> None:
        self.values = tuple(values)
        self.words = {str(value): value for value in values}
        self.noun = "one of " + ", ".join(self.words)
        if enumeration is not None:
            self.plain = _value_of

    def from_text(self, text: str) -> Any:
        return self.words.get(text, text)


def _value_of(member: Any) -> Any:
    return member.value if isinstance(member, enum.Enum) else member


class AnyJsonShape(Shape):
    """Any JSON value. From text: JSON where it parses, the bare text otherwise."""

    noun = "any JSON value"

    def from_text(self, text: str) -> Any:
        return parsed(text, text)

    def word(self, plain: Any) -> str:
        if isinstance(plain, str) and parsed(plain, _NOTHING) is _NOTHING:
            return plain
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


_NOTHING = object()


def parsed(text: str, otherwise: Any) -> Any:
    """Parse JSON with whole numbers exact; give `otherwise` where it is none."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_parse_int)
    except (ValueError, RecursionError):
        return otherwise


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _parse_int(digits: str) -> int:
    if len(digits) > 100:
        raise ValueError(digits[:20])
    return int(digits)


class ListShape(Shape):
    """A list. In one word: `a,b,c`, or a JSON array."""

    def __init__(self, item: Shape, make: Callable[[Iterable[Any]], Any] = list) -> None:
        self.item = item
        self.noun = f"a list: {item.noun} each"
        self.masks = item.masks
        if item.plain is not None:
            self.plain = lambda values, turn=item.plain: [turn(value) for value in values]
        elif make is not list:
            self.plain = list

    def from_text(self, text: str) -> Any:
        if text.startswith("["):
            return parsed(text, text)
        return [self.item.from_text(part) for part in text.split(",")] if text else []

    def word(self, plain: Any) -> str:
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))

    def show(self, plain: Any) -> str:
        return ", ".join(self.item.show(each) for each in plain) if isinstance(plain, list) else compact(plain)

    def masked(self, value: Any) -> Any:
        return [self.item.masked(each) for each in value] if isinstance(value, list | tuple) else MASK

    def parts(self) -> Iterable[Shape]:
        return (self.item,)


class DictShape(Shape):
    """Values by name. In one word: `a=1,b=2`, or a JSON object."""

    def __init__(self, value: Shape) -> None:
        self.value = value
        self.noun = f"an object: {value.noun} by name"
        self.masks = value.masks
        if value.plain is not None:
            self.plain = lambda values, turn=value.plain: {key: turn(each) for key, each in values.items()}

    def from_text(self, text: str) -> Any:
        return _members(text, lambda _key: self.value)

    def word(self, plain: Any) -> str:
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))

    def show(self, plain: Any) -> str:
        if not isinstance(plain, dict):
            return compact(plain)
        return ", ".join(f"{key}={self.value.show(each)}" for key, each in plain.items())

    def masked(self, value: Any) -> Any:
        return {key: self.value.masked(each) for key, each in value.items()} if isinstance(value, dict) else MASK

    def parts(self) -> Iterable[Shape]:
        return (self.value,)


class RecordShape(Shape):
    """A dataclass: its fields by name. In one word: `x=1,y=2`, or a JSON object."""

    def __init__(self, record: type[Any], fields: Mapping[str, Shape]) -> None:
        self.record = record
        self.fields = dict(fields)
        self.noun = f"an object with {', '.join(fields)}"
        self.masks = any(shape.masks for shape in fields.values())
        self._turns = tuple((name, shape.plain) for name, shape in fields.items())
        self.plain = self._plain

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):  # already plain: a stored answer given again
            return value
        return {
            name: getattr(value, name) if turn is None else turn(getattr(value, name)) for name, turn in self._turns
        }

    def from_text(self, text: str) -> Any:
        return _members(text, self.fields.get)

    def word(self, plain: Any) -> str:
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))

    def show(self, plain: Any) -> str:
        if not isinstance(plain, dict):
            return compact(plain)
        return " ".join(filter(None, (shape.show(plain.get(name)) for name, shape in self.fields.items())))

    def masked(self, value: Any) -> Any:
        if isinstance(value, self.record):
            value = {name: getattr(value, name) for name in self.fields}
        if not isinstance(value, dict):
            return MASK if self.masks else value
        # What is no field may be a secret under a wrong name.
        return {key: self.fields[key].masked(each) if key in self.fields else MASK for key, each in value.items()}

    def parts(self) -> Iterable[Shape]:
        return self.fields.values()


def _members(text: str, shape_for: Callable[[str], Shape | None]) -> Any:
    if text.startswith("{") or "=" not in text:
        return parsed(text, text)
    members: dict[str, Any] = {}
    for pair in text.split(","):
        key, equals, value = pair.partition("=")
        if not equals or key in members:
            return text
        shape = shape_for(key)
        members[key] = value if shape is None else shape.from_text(value)
    return members


class MaybeShape(Shape):
    """A type or null. In text: `null`, or what the type takes; a text that is itself null is quoted: `"null"`."""

    def __init__(self, inner: Shape) -> None:
        self.inner = inner
        self.noun = f"{inner.noun}, or null"
        self.masks = inner.masks
        if inner.plain is not None:
            self.plain = lambda value, turn=inner.plain: None if value is None else turn(value)

    def from_text(self, text: str) -> Any:
        if text == "null":
            return None
        if text.startswith('"') and isinstance(unquoted := parsed(text, None), str):
            text = unquoted
        return self.inner.from_text(text)

    def word(self, plain: Any) -> str:
        if plain is None:
            return "null"
        word = self.inner.word(plain)
        return json.dumps(word, ensure_ascii=False) if word == "null" or word.startswith('"') else word

    def show(self, plain: Any) -> str:
        return "" if plain is None else self.inner.show(plain)

    def masked(self, value: Any) -> Any:
        return None if value is None else self.inner.masked(value)

    def is_number(self) -> bool:
        return self.inner.is_number()

    def parts(self) -> Iterable[Shape]:
        return (self.inner,)


class UnionShape(AnyJsonShape):
    """One of some types. In one word: JSON where it parses, the bare text otherwise."""

    def __init__(self, options: Sequence[tuple[type[Any], Shape]]) -> None:
        self.options = tuple(options)
        self.noun = ", or ".join(shape.noun for _, shape in options)
        self.masks = any(shape.masks for _, shape in options)
        if any(shape.plain is not None for _, shape in options):
            self.plain = self._plain

    def _plain(self, value: Any) -> Any:
        for kind, shape in self.options:
            if type(value) is kind:
                return value if shape.plain is None else shape.plain(value)
        return value

    def masked(self, value: Any) -> Any:
        return MASK if self.masks else value

    def parts(self) -> Iterable[Shape]:
        return (shape for _, shape in self.options)


_ORDINARY: dict[Any, Callable[[], Shape]] = {
    str: Shape,
    int: IntShape,
    float: FloatShape,
    bool: BoolShape,
    None: NoneShape,
    type(None): NoneShape,
    Decimal: DecimalShape,
    date: DateShape,
}
_INSTEAD = {
    "bytes": "Content for an argument, Download for a result",
    "datetime": "Moment",
    "timedelta": "Seconds",
    "Any": "Json",
    "object": "Json",
}


class HasShape(typing.Protocol):
    """Metadata of an annotation, or a class, that brings its own Shape."""

    __shape__: ClassVar[Shape]


def shape_of(annotation: Any, _inside: tuple[Any, ...] = ()) -> Shape:  # noqa: C901, PLR0911, PLR0912 -- one case a type
    """Find the Shape of an annotation; raises NotAType for what no surface could carry."""
    own = getattr(annotation, "__shape__", None)
    if isinstance(own, Shape):
        return own
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        inner, *metadata = typing.get_args(annotation)
        for extra in reversed(metadata):
            own = getattr(extra, "__shape__", None)
            if isinstance(own, Shape):
                return own
        return shape_of(inner, _inside)
    try:
        ordinary = _ORDINARY.get(annotation)
    except TypeError:
        ordinary = None
    if ordinary is not None:
        return ordinary()
    if origin is typing.Literal:
        return ChoiceShape(typing.get_args(annotation))
    if origin in (typing.Union, types.UnionType):
        return _union(typing.get_args(annotation), _inside)
    arguments = typing.get_args(annotation)
    if origin in (list, Sequence):
        return ListShape(shape_of(arguments[0], _inside))
    if origin in (set, frozenset):
        return ListShape(shape_of(arguments[0], _inside), make=origin)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return ListShape(shape_of(arguments[0], _inside), make=tuple)
    if origin in (dict, Mapping) and arguments[0] is str:
        return DictShape(shape_of(arguments[1], _inside))
    if isinstance(annotation, type):
        if issubclass(annotation, enum.Enum):
            return ChoiceShape([member.value for member in annotation], annotation)
        if dataclasses.is_dataclass(annotation):
            if annotation in _inside:
                raise NotAType(f"{annotation.__name__} holds itself: give the inner ones as Json")
            hints = typing.get_type_hints(annotation, include_extras=True)
            names = [field.name for field in dataclasses.fields(annotation)]
            return RecordShape(annotation, {name: shape_of(hints[name], (*_inside, annotation)) for name in names})
    name = getattr(annotation, "__name__", None) or str(annotation)
    instead = _INSTEAD.get(name, "a type of objects.sdk, a dataclass, or list, dict and scalars of them")
    raise NotAType(f"{name} cannot be written as JSON and as text: use {instead}")


def _union(options: tuple[Any, ...], inside: tuple[Any, ...]) -> Shape:
    real = [option for option in options if option not in (None, type(None))]
    if len(real) == 1:
        shape = shape_of(real[0], inside)
    else:
        shape = UnionShape([(_class_of(option), shape_of(option, inside)) for option in real])
        if len(real) < len(options):
            shape.noun += ", or null"
        return shape
    return MaybeShape(shape)


def _class_of(annotation: Any) -> Any:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _class_of(typing.get_args(annotation)[0])
    return origin or annotation
