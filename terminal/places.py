"""Places: what a path typed in the shell means: an object, or something in it.

An object is a directory. In it are its children, and `files/…`, `state/…` (keys) and `db/…` (tables). A child of such a
name comes first. A name that is none of these is a file of the object: `cat report.csv`, `> /shop/orders/out.json`.
"""

import fnmatch
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from objects.tree.paths import ObjectPath
from teams.problems import BadRequest, NoSuch, Problem, TooLarge
from terminal.ports import World

ROOMS = ("files", "state", "db", "logs")
MOST_MATCHES = 10_000  # of a pattern
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """Something in the tree. room: "" for the object itself, else one of ROOMS. name: in the room; "" is all of it."""

    path: str
    kind: str
    room: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """The place as typed from the root."""
        inside = "/".join(filter(None, (self.room, self.name)))
        return f"{self.path.rstrip('/')}/{inside}" if inside else self.path


def absolute(here: str, text: str) -> list[str]:
    """Give the names from the root down of what was typed at an object; "." and ".." are worked out."""
    names = [] if text.startswith("/") else ObjectPath(here).names
    for name in text.split("/"):
        if name == "..":
            names = names[:-1]
        elif name not in ("", "."):
            names = [*names, name]
    return names


async def find(world: World, here: str, text: str) -> Place:
    """Find what a text means at an object; a name that is nothing yet is a file. Raises NoSuch, BadRequest.

    One call for an object, one more for each name that is none.
    """
    if len(text) > 20_000:
        raise BadRequest("the path has more than 20,000 characters, which none has.")
    names = absolute(here, text)
    for count in range(min(len(names), 64), -1, -1):
        path = "/" + "/".join(names[:count])
        try:
            path = str(ObjectPath.parse(path))
            kind = await world.kind_of(path)
        except Problem as problem:
            if count == 0 or (not isinstance(problem, NoSuch) and problem.status != 422):
                raise
            continue
        return _inside(path, kind, names[count:], is_folder=text.endswith("/"))
    raise NoSuch(f"{text}: no such object.")


def _inside(path: str, kind: str, rest: Sequence[str], *, is_folder: bool) -> Place:
    if not rest:
        return Place(path, kind)
    room, *inner = rest
    if room not in ROOMS:
        room, inner = "files", list(rest)
    name = normalize("NFC", "/".join(inner))
    return Place(path, kind, room, name + "/" if is_folder and name and room == "files" else name)


async def object_at(world: World, here: str, text: str) -> str:
    """Give the path of the object that a text means; raises NoSuch where it is none."""
    place = await find(world, here, text)
    if place.room:
        path = "/" + "/".join(absolute(here, text))
        raise NoSuch(f"{path}: no such object.")
    return place.path


async def children(world: World, path: str) -> AsyncIterator[dict[str, Any]]:
    """Give the children of an object, by name."""
    after = None
    while True:
        answer = await world.call(path, "tree.list", {"limit": PAGE, "after": after})
        for item in answer.value["objects"]:
            yield item
        after = answer.value["next"]
        if after is None:
            return


async def below(world: World, path: str, **asked: Any) -> AsyncIterator[dict[str, Any]]:
    """Give all objects beneath one, by path; asked: part, kind, tag."""
    after = None
    while True:
        answer = await world.call(path, "tree.find", {"limit": PAGE, "after": after, **asked})
        for item in answer.value["objects"]:
            yield item
        after = answer.value["next"]
        if after is None:
            return


async def files(world: World, path: str, folder: str = "", *, deep: bool = False) -> AsyncIterator[dict[str, Any]]:
    """Give the files of an object, or of a folder of them, by name."""
    after = ""
    while True:
        asked = {"folder": folder, "deep": deep, "limit": PAGE, "after": after}
        answer = await world.call(path, "files.list", asked)
        for item in answer.value["files"]:
            yield item
        after = answer.value["next"]
        if after is None:
            return


async def keys(world: World, path: str, prefix: str = "") -> AsyncIterator[dict[str, Any]]:
    """Give the state of an object: {"key", "value"} each."""
    after = ""
    while True:
        answer = await world.call(path, "state.list", {"prefix": prefix, "limit": PAGE, "after": after})
        for item in answer.value["entries"]:
            yield item
        after = answer.value["next"]
        if after is None:
            return


async def room_names(world: World, path: str, room: str) -> list[str]:
    """Give the names in a room of an object."""
    if room == "state":
        return [item["key"] async for item in keys(world, path)]
    if room == "db":
        return [item["name"] for item in (await world.call(path, "sql.tables", {})).value]
    if room == "files":
        return [item["name"] async for item in files(world, path, deep=True)]
    return []


# ---- Patterns ----

Piece = tuple[str, bool]
"""Characters of a word, and whether they were quoted."""

Segment = tuple[str, str, bool]
"""A name of a path: as text, as a pattern, and whether it is one."""

_WILD = re.compile(r"[*?\[]")


def is_pattern(pieces: Sequence[Piece]) -> bool:
    """Whether some of the characters that were not quoted are those of patterns."""
    return any(not is_quoted and _WILD.search(text) for text, is_quoted in pieces)


async def matching(world: World, here: str, pieces: Sequence[Piece]) -> list[str]:
    """Give what a pattern means at an object, as typed: absolute where the pattern is; nothing where nothing fits.

    `*` is children; where none fits at the end of the pattern, files. `**` is all objects beneath, at any depth.
    """
    typed = "".join(text for text, _ in pieces)
    segments = _segments(pieces)
    is_absolute = typed.startswith("/")
    base = "/" if is_absolute else here
    found = await _match(world, base, segments, 0)
    if len(found) > MOST_MATCHES:
        raise TooLarge(f"the pattern '{typed[:60]}' fits more than {MOST_MATCHES:,} names. Make it narrower.")
    if is_absolute:
        return found
    front = base.rstrip("/") + "/"
    return [path.removeprefix(front) for path in found]


def _segments(pieces: Sequence[Piece]) -> list[Segment]:
    """Give each name of a path: as text, as a pattern, and whether it is one."""
    segments: list[Segment] = []
    text, pattern, wild = "", "", False
    for part, is_quoted in pieces:
        for char in part:
            if char == "/":
                segments.append((text, pattern, wild))
                text, pattern, wild = "", "", False
                continue
            text += char
            pattern += f"[{char}]" if is_quoted and char in "*?[" else char
            wild = wild or (not is_quoted and char in "*?[")
    segments.append((text, pattern, wild))
    return [each for each in segments if each[0] not in ("", ".")]


async def _match(world: World, path: str, segments: Sequence[Segment], depth: int) -> list[str]:
    if not segments:
        return [path]
    (text, pattern, wild), *rest = segments
    if not wild:
        if text in ROOMS and rest and not await _exists(world, _joined(path, text)):
            return await _match_room(world, path, text, rest)
        return await _match(world, _joined(path, text), rest, depth)
    if not await _exists(world, path):
        return []
    if pattern == "**":
        return await _match_below(world, path, rest, depth)
    fits = re.compile(fnmatch.translate(pattern)).match
    matched = [item["path"] async for item in _bounded(children(world, path)) if fits(item["name"])]
    if not rest and not matched:
        listed = _bounded(files(world, path))
        return [_joined(path, item["name"]) async for item in listed if fits(item["name"].rstrip("/"))]
    found: dict[str, None] = {}
    for each in matched:
        found.update(dict.fromkeys(await _there(world, each, rest, depth)))
    return list(found)


async def _match_below(world: World, path: str, rest: Sequence[Segment], depth: int) -> list[str]:
    """Match what comes behind `**`: at this object and at any depth beneath."""
    beneath = [item["path"] async for item in _bounded(below(world, path))]
    if not rest:
        return beneath
    found: dict[str, None] = {}
    if any(text in ROOMS or pattern == "**" for text, pattern, _ in rest):
        for place in [path, *beneath]:
            found.update(dict.fromkeys(await _there(world, place, rest, depth)))
        return list(found)
    # The paths are here already: no call for each is needed.
    fits = [re.compile(fnmatch.translate(pattern)).match for _, pattern, _ in rest]
    front = len(path.rstrip("/")) + 1
    for each in beneath:
        names = each[front:].split("/")[-len(fits) :]
        if len(names) == len(fits) and all(fit(name) for fit, name in zip(fits, names, strict=True)):
            found[each] = None
    return list(found)


async def _there(world: World, path: str, rest: Sequence[Segment], depth: int) -> list[str]:
    """Match what is behind an object that is there; names without a pattern have to be there too."""
    if any(segment[2] for segment in rest):
        return await _match(world, path, rest, depth + 1)
    place = _joined(path, "/".join(segment[0] for segment in rest)) if rest else path
    return [place] if not rest or rest[0][0] in ROOMS or await _exists(world, place) else []


async def _match_room(world: World, path: str, room: str, rest: Sequence[Segment]) -> list[str]:
    if not await _exists(world, path):
        return []
    pattern = "/".join(segment[1] for segment in rest)
    fits = re.compile(fnmatch.translate(pattern)).match
    names = await room_names(world, path, room)
    slashes = pattern.count("/")
    return [
        f"{_joined(path, room)}/{name}"
        for name in names
        if fits(name) and (room != "files" or "**" in pattern or name.count("/") == slashes)
    ]


async def _bounded(items: AsyncIterator[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    count = 0
    async for item in items:
        count += 1
        if count > MOST_MATCHES:
            raise TooLarge(f"the pattern would look at more than {MOST_MATCHES:,} names. Make it narrower.")
        yield item


async def _exists(world: World, path: str) -> bool:
    try:
        await world.kind_of(str(ObjectPath.parse(path)))
    except Problem:
        return False
    return True


def _joined(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}"
