"""What the tree is made of as its callers see it, and the SQL that all of it shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, LiteralString, Self

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from objects.tree.paths import ObjectPath, key
from teams.access import Caller

Pg = Connection[Any]

PAGE_BYTES = 4_096
COUNTED = 1_000  # children are counted so far and no further: a folder of 100,000 costs as much as one of 1,000

# A subtree is a range of the index object_order, (left(path, 255)). "0" is the character after "/", so below "/a" is
# what lies between "/a/" and "/a0". Paths that differ only beyond 255 characters need the look at the path itself.
BELOW = (
    "(trashed_at is null and left(path, 255) >= left(%(below)s, 255) and left(path, 255) <= left(%(beyond)s, 255)"
    " and starts_with(path, %(below)s))"
)
AT = "(md5(path)::uuid = %(key)s and path = %(path)s and trashed_at is null)"
SUBTREE = f"({AT} or {BELOW})"
NODE = "id, parent_id, name, path, kind, tags, settings, effective, version, pages, created_at, changed_at"


@lru_cache(maxsize=16_384)
def sql(schema: str, text: LiteralString) -> bytes:
    """Write the schema's name where the text says `{s}`: composed once, then a dictionary look-up."""
    return SQL(text).format(s=Identifier(schema)).as_string(None).encode()


def at(path: ObjectPath) -> dict[str, object]:
    """Give the parameters of AT."""
    return {"key": key(path), "path": path}


def bounds(top: ObjectPath) -> dict[str, object]:
    """Give the parameters of BELOW."""
    return {"below": top.below, "beyond": top.below[:-1] + "0"}


@dataclass(frozen=True, slots=True)
class Node:
    """An object's row. `settings` are those set here, `effective` those in force; `pages` are of 4,096 bytes."""

    id: int
    parent_id: int | None
    name: str
    path: ObjectPath
    kind: str
    tags: list[str]
    settings: dict[str, Any]
    effective: dict[str, Any]
    version: int
    pages: int
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Self:
        """Make a node of a row of the columns NODE."""
        path = ObjectPath(row[3])
        return cls(*row[:3], path, *row[4:])  # type: ignore[call-arg]

    @property
    def size_bytes(self) -> int:
        """The length of the object's SQLite file."""
        return self.pages * PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Entry:
    """An object in a list. `children`: how many are right beneath it, counted to COUNTED."""

    path: str
    name: str
    kind: str
    tags: list[str]
    children: int
    size_bytes: int
    changed_at: datetime
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Found(Entry):
    """An object that was found, with what its summary says of it (`objects.summaries`): a few seconds behind.

    called_at: the latest call that changed it or failed; None where there was none. errors: calls that failed, counted
    to COUNTED. error: the latest of these, "" where there is none.
    """

    called_at: datetime | None
    errors: int
    error: str
    id: int


@dataclass(frozen=True, slots=True)
class Description:
    """All about one object. `settings` are those set here, `effective` all that are in force."""

    path: str
    name: str
    kind: str
    tags: list[str]
    settings: dict[str, int | float | str]
    effective: dict[str, int | float | str]
    children: int  # right beneath it, counted to COUNTED
    size_bytes: int
    version: int
    created_at: datetime
    changed_at: datetime
    paused_at: datetime | None
    called_at: datetime | None  # this and what follows as in Found
    errors: int
    error: str


@dataclass(frozen=True, slots=True)
class Measure:
    """How much there is: objects, and the bytes of their SQLite files."""

    objects: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What of the tree is visible: the nearest of `places` at or above a path decides. "/" is always one of them."""

    places: tuple[tuple[str, bool], ...] = (("/", True),)

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """Work out what a caller sees. Grants and a token's paths are the only places where that changes."""
        tops = {"/", *(path for path, _ in caller.grants), *(caller.scope.paths if caller.scope else ())}
        return cls(tuple((top, caller.sees(top)) for top in sorted(tops)))

    def under(self, top: ObjectPath) -> Self:
        """Give what decides at `top` and beneath it, without places that change nothing."""
        nearest = max((place for place in self.places if top.is_under(place[0])), key=lambda place: len(place[0]))
        inner = [place for place in self.places if place[0] != nearest[0] and ObjectPath(place[0]).is_under(top)]
        if all(seen == nearest[1] for _, seen in inner):
            inner = []
        return type(self)((("/", nearest[1]), *inner))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is hidden."""
        return all(seen for _, seen in self.places)

    @property
    def is_empty(self) -> bool:
        """Whether everything is hidden."""
        return not any(seen for _, seen in self.places)

    def condition(self, *, by_order: bool = False) -> LiteralString:
        """Write the SQL that is true for visible rows of `object`; its parameters are `parameters()`.

        by_order: let the index object_order leave out what lies before and after all that is visible.
        """
        if self.is_whole:
            return "true"
        bounded: LiteralString = "left(path, 255) between left(%(first_seen)s, 255) and left(%(last_seen)s, 255) and "
        return f"({bounded if by_order else ''}{self._within('/', self.places[1:])})"

    def _within(self, top: str, inner: Sequence[tuple[str, bool]]) -> LiteralString:
        """Write what is visible at and beneath a place, by the places directly beneath it."""
        seen = dict(self.places)[top]
        written: LiteralString = "true" if seen else "false"
        while inner:
            place = inner[0][0]
            beneath = [other for other in inner[1:] if ObjectPath(other[0]).is_under(place)]
            inner = [other for other in inner[1:] if other not in beneath]
            number = str(next(no for no, (path, _) in enumerate(self.places) if path == place))
            here = f"(path = %(place_{number})s or starts_with(path, %(below_{number})s))"
            inside = self._within(place, beneath)
            written += f" and not ({here} and not {inside})" if seen else f" or ({here} and {inside})"
        return f"({written})"

    def parameters(self) -> Mapping[str, object]:
        """Give the parameters of `condition`."""
        if self.is_whole:
            return {}
        visible = [path for path, seen in self.places if seen] or ["/"]
        return {
            "first_seen": min(visible),
            "last_seen": max(ObjectPath(path).below[:-1] + "0" for path in visible),
            **{f"place_{no}": path for no, (path, _) in enumerate(self.places)},
            **{f"below_{no}": path + "/" for no, (path, _) in enumerate(self.places)},
        }


EVERYTHING = Sight()
