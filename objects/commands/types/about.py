"""What may be said about any argument, beside its type."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import annotated_types


@dataclass(frozen=True, slots=True)
class Help:
    """What an argument is, in a few words: `Annotated[int, Help("how many tokens")]`."""

    text: str


@dataclass(frozen=True, slots=True)
class Unit:
    """What an argument is counted in, where the type does not say it: `Annotated[float, Unit("tokens a second")]`."""

    text: str


@dataclass(frozen=True, slots=True)
class AtLeast(annotated_types.GroupedMetadata):
    """The smallest value allowed."""

    least: Any

    def __iter__(self) -> Iterator[annotated_types.BaseMetadata]:
        yield annotated_types.Ge(self.least)


@dataclass(frozen=True, slots=True)
class AtMost(annotated_types.GroupedMetadata):
    """The largest value allowed."""

    most: Any

    def __iter__(self) -> Iterator[annotated_types.BaseMetadata]:
        yield annotated_types.Le(self.most)


@dataclass(frozen=True, slots=True)
class Between(annotated_types.GroupedMetadata):
    """The smallest and the largest value allowed."""

    least: Any
    most: Any

    def __iter__(self) -> Iterator[annotated_types.BaseMetadata]:
        yield annotated_types.Ge(self.least)
        yield annotated_types.Le(self.most)


@dataclass(frozen=True, slots=True)
class Length(annotated_types.GroupedMetadata):
    """How many characters of a text, or items of a list, are allowed."""

    least: int
    most: int

    def __iter__(self) -> Iterator[annotated_types.BaseMetadata]:
        yield annotated_types.MinLen(self.least)
        yield annotated_types.MaxLen(self.most)


@dataclass(frozen=True, slots=True)
class RestOfLineMarker:
    """In a terminal line the argument takes all that follows, as it was typed."""


RestOfLine = Annotated[str, RestOfLineMarker()]
"""A text that, in a terminal, is the rest of the line as typed: `sql select * from t where x > 1`."""
