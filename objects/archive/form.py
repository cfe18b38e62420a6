"""The form of an archive: a subtree as one tar file that any `tar` unpacks.

Members are plain files in USTAR headers, in this order:

- `grove.json`: `{"format": "grove-archive", "version": 1, "path": "/project/42"}`: what it is, and where it came from.
- for each object, parents before children, numbered from 1:
  - `objects/00000001/about.json`: `path` (from the archive's top, which is ""), `kind`, `tags`, `settings` (those set
    on it, not what it inherits), `version`, `created_at`, `changed_at` (Unix seconds), `bytes` (of its SQLite file).
  - `objects/00000001/data.sqlite`: its SQLite file, plain; left out where `bytes` is 0.
- `end.json`: `{"objects": 2, "sha256": "…"}`: the digest of every byte of the file before this member's header.

So an archive is written and read in one pass and in constant memory, and one that was cut off or damaged is noticed.
Numbers rather than paths name the members: a path in Grove can be longer than one in a tar or a file system, and an
archive never says where on a disk something goes. Every other member, link or header is refused.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from teams.problems import TooLarge, WrongArgument

FORMAT: Final = "grove-archive"
VERSION: Final = 1
BLOCK: Final = 512
CHUNK_BYTES: Final = 1 << 18
ABOUT_BYTES: Final = 1 << 20  # a manifest entry; settings and tags of an object are far below


@dataclass(frozen=True, slots=True)
class About:
    """What an archive says of one object; see the module."""

    path: str
    kind: str
    tags: list[str]
    settings: dict[str, Any]
    version: int
    created_at: float
    changed_at: float
    bytes: int


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class _Heading(_Strict):
    format: str
    version: int
    path: str = Field(max_length=1 << 15)


class _About(_Strict):
    path: str = Field(max_length=1 << 15)
    kind: str = Field(max_length=255)
    tags: list[str]
    settings: dict[str, JsonValue]
    version: int = 0
    created_at: float = 0.0
    changed_at: float = 0.0
    bytes: int = Field(ge=0)


class _Ending(_Strict):
    objects: int
    sha256: str


Model = TypeVar("Model", bound=_Strict)


def size_bytes(path: str, abouts: Iterable[About]) -> int:
    """Tell how many bytes `write` will give."""
    total = count = 0
    for about in abouts:
        count += 1
        total += _in_blocks(len(_json(asdict(about))))
        if about.bytes:
            total += _in_blocks(about.bytes)
    head, end = _head(path), _end(count, "0" * 64)
    return total + _in_blocks(len(_json(head))) + _in_blocks(len(_json(end))) + 2 * BLOCK


def _in_blocks(length: int) -> int:
    return BLOCK + length + -length % BLOCK


def write(path: str, objects: Iterable[tuple[About, Iterable[bytes]]]) -> Iterator[bytes]:
    """Give an archive in chunks. `objects` come parents first, each with its SQLite file's `About.bytes` bytes."""
    digest = hashlib.sha256()
    count = 0
    for chunk in _before_the_end(path, objects):
        if chunk is None:
            count += 1
            continue
        digest.update(chunk)
        yield chunk
    yield _small("end.json", _end(count, digest.hexdigest()), 0)
    yield bytes(2 * BLOCK)


def _before_the_end(path: str, objects: Iterable[tuple[About, Iterable[bytes]]]) -> Iterator[bytes | None]:
    """Give the chunks, and None after each object."""
    yield _small("grove.json", _head(path), 0)
    for number, (about, file) in enumerate(objects, start=1):
        at = int(about.changed_at)
        yield _small(f"objects/{number:08}/about.json", asdict(about), at)
        if about.bytes:
            yield _header(f"objects/{number:08}/data.sqlite", about.bytes, at)
            yield from file
            yield bytes(-about.bytes % BLOCK)
        yield None


def _head(path: str) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "path": path}


def _end(objects: int, digest: str) -> dict[str, Any]:
    return {"objects": objects, "sha256": digest}


def _json(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _small(name: str, members: dict[str, Any], at: int) -> bytes:
    text = _json(members)
    return _header(name, len(text), at) + text + bytes(-len(text) % BLOCK)


def _header(name: str, length: int, at: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = length, max(0, at), 0o644
    return member.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def is_archive(head: bytes) -> bool:
    """Whether a file that begins with these 512 bytes claims to be an archive of Grove."""
    return head.startswith(b"grove.json\0")


class Reader:
    """Reads an archive once, from its start; hostile and damaged ones end in WrongArgument for `field`.

    Only what is asked for is in memory: `objects()` gives each About, and until the next one is asked for,
    `file_chunks()` gives the SQLite file of the last. The digest is checked when `objects()` ends: a caller that
    must not act on a damaged archive undoes what it did when that raises.
    """

    def __init__(self, file: IO[bytes], *, field: str, object_bytes: int, objects: int) -> None:
        """object_bytes: the largest SQLite file taken. objects: the most objects taken."""
        self._file = file
        self._field = field
        self._object_bytes = object_bytes
        self._objects = objects
        self._digest = hashlib.sha256()
        self._pending = 0  # bytes of the present SQLite file that were not read yet
        self._padding = 0
        head = self._parsed(_Heading, self._first("grove.json"), "grove.json")
        if head.format != FORMAT:
            raise self._refused(f"its format is '{head.format}', not '{FORMAT}'")
        if head.version != VERSION:
            raise self._refused(f"its format version is {head.version}; this Grove reads version {VERSION}")
        self.path = head.path

    def objects(self) -> Iterator[About]:
        """Give what is said of each object, parents first."""
        number = 0
        while True:
            before = self._digest.hexdigest()
            member = self._member()
            if member.name == "end.json":
                break
            number += 1
            if number > self._objects:
                raise TooLarge(f"The archive holds more than {self._objects:,} objects. Import parts of it.")
            about = self._about(member, number)
            yield about
            for _ in self.file_chunks():
                pass
        end = self._parsed(_Ending, self._text(member), "end.json")
        if end.objects != number or end.sha256 != before:
            raise self._refused("its content is not what was exported: the digest at its end differs")
        while chunk := self._file.read(CHUNK_BYTES):
            if any(chunk):
                raise self._refused("something follows its end")

    def file_chunks(self) -> Iterator[bytes]:
        """Give what is left of the present object's SQLite file."""
        while self._pending:
            chunk = self._read(min(CHUNK_BYTES, self._pending))
            self._pending -= len(chunk)
            yield chunk
        self._read(self._padding)
        self._padding = 0

    def _about(self, member: tarfile.TarInfo, number: int) -> About:
        folder = f"objects/{number:08}"
        if member.name != f"{folder}/about.json":
            raise self._refused(f"'{member.name[:80]}' is where '{folder}/about.json' should be")
        about = self._parsed(_About, self._text(member), member.name)
        if about.bytes > self._object_bytes:
            raise TooLarge(
                f"{about.path or 'the top'}: its file has {about.bytes:,} bytes; an object has at most"
                f" {self._object_bytes:,} here (quota.bytes)."
            )
        if about.bytes:
            data = self._member()
            if data.name != f"{folder}/data.sqlite" or data.size != about.bytes:
                raise self._refused(
                    f"'{data.name[:80]}' of {data.size} bytes is not what '{folder}/about.json' announces"
                )
            self._pending, self._padding = data.size, -data.size % BLOCK
        return About(**about.model_dump())

    def _member(self) -> tarfile.TarInfo:
        block = self._read(BLOCK)
        try:
            member = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            raise self._refused("a header in it is damaged") from error
        if member.type != tarfile.REGTYPE or member.size < 0:
            raise self._refused(f"'{member.name[:80]}' is not a plain file")
        return member

    def _first(self, name: str) -> bytes:
        member = self._member()
        if member.name != name:
            raise self._refused(f"it begins with '{member.name[:80]}', not with '{name}'")
        return self._text(member)

    def _text(self, member: tarfile.TarInfo) -> bytes:
        if member.size > ABOUT_BYTES:
            raise TooLarge(f"'{member.name}' in the archive has {member.size:,} bytes; at most {ABOUT_BYTES:,} do.")
        text = self._read(member.size)
        self._read(-member.size % BLOCK)
        return text

    def _parsed(self, model: type[Model], text: bytes, name: str) -> Model:
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise self._refused(f"'{name}' is wrong at {where}: {first['msg']}") from error

    def _read(self, length: int) -> bytes:
        chunk = self._file.read(length)
        if len(chunk) < length:
            raise self._refused("it ends too early: it was cut off")
        self._digest.update(chunk)
        return chunk

    def _refused(self, why: str) -> WrongArgument:
        return WrongArgument(self._field, f"This archive cannot be imported: {why}. Nothing was changed.")
