"""The types that arguments and results are made of, beside Python's own.

Each has a JSON form, a JSON Schema, a form as one word of text (for terminals, forms and query strings), and checks
that take what they gave once more unchanged. A `load` raises ValueError with what comes after the
argument's name: "for: 'soon' is not a duration such as 300ms, 5m or 1h30m".
"""

import base64
import binascii
import hashlib
import io
import mimetypes
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import IO, Annotated, Any, ClassVar, Self

import annotated_types
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from objects.commands.shapes import (
    DEEPEST,
    LARGEST_INT,
    MASK,
    SMALLEST_INT,
    AnyJsonShape,
    Shape,
    number,
)
from objects.tree.paths import ObjectPath as TreePath
from teams.problems import Problem, TooLarge

CHUNK_BYTES = 256 * 1024
SPOOL_BYTES = 1024 * 1024  # an upload larger than this is kept in a temporary file, not in memory


# ---- What may be said about any argument ----


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


# ---- What the types below share ----


class Loaded(Shape):
    """A Shape that checks its values itself: `load` takes JSON values and what it gave before."""

    schema: Mapping[str, Any] = {}  # JSON Schema of what it takes
    result_schema: Mapping[str, Any] | None = None  # of what it gives, where that is less

    @property
    def __shape__(self) -> Shape:
        return self

    def load(self, value: Any) -> Any:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.load,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema if handler.mode == "validation" or self.result_schema is None else self.result_schema)


def shown(value: Any) -> str:
    """Write a refused value for a message: quoted where it is text, cut where it is long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…" + text[0] * isinstance(value, str)


def checked_text(text: str) -> str:
    """Refuse what no database column and no terminal takes: NUL and half of a surrogate pair."""
    if "\0" in text:
        raise ValueError("holds a NUL character, which text cannot. Send bytes as a file.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("holds half of a surrogate pair, which is not Unicode text.") from None
    return text


# ---- Any JSON ----


class _JsonShape(Loaded, AnyJsonShape):
    schema: Mapping[str, Any] = {}

    def load(self, value: Any) -> Any:
        check_json(value)
        return value


def check_json(value: Any, depth: int = 0) -> None:  # noqa: C901 -- flat and in order of frequency: every value passes here
    """Raise ValueError unless the value is JSON that every part of Grove can keep."""
    kind = type(value)
    if kind is str:
        checked_text(value)
    elif kind is int:
        if not SMALLEST_INT <= value <= LARGEST_INT:
            raise ValueError(f"{shown(value)} is beyond 64 bits. Send it as text.")
    elif kind is float:
        if value - value != 0.0:  # infinity and NaN, without a function call
            raise ValueError(f"{value} is not a finite number.")
    elif kind is list or kind is dict:
        if depth == DEEPEST:
            raise ValueError(f"is nested deeper than {DEEPEST} levels.")
        if kind is dict:
            for key in value:
                if type(key) is not str:
                    raise ValueError(f"has the key {shown(key)}: keys are text.")
                checked_text(key)
            value = value.values()
        for each in value:
            check_json(each, depth + 1)
    elif value is not None and kind is not bool:
        raise ValueError(f"is a {kind.__name__}, which is not a JSON value.")


Json = Annotated[Any, _JsonShape()]
"""Any JSON value, at most 64 levels deep. From text: JSON where it parses, the bare text otherwise."""


# ---- Durations and times ----

_NUMBER = r"(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:e[+-]?[0-9]{1,4})?"
_DURATION = re.compile(rf"[+-]?(?:{_NUMBER}|(?:{_NUMBER}(?:us|ms|s|m|h|d|w))+)")
_PART = re.compile(rf"({_NUMBER})(us|ms|s|m|h|d|w)")
_SECONDS_IN = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class _SecondsShape(Loaded):
    noun = "a duration such as 300ms, 5m or 1h30m"
    schema: Mapping[str, Any] = {
        "anyOf": [{"type": "number"}, {"type": "string", "pattern": _DURATION.pattern.replace("(?:", "(")}],
        "description": "seconds, or a text such as 300ms, 5m, 1h30m, 2d",
    }
    result_schema: Mapping[str, Any] | None = {"type": "number", "description": "seconds"}

    def load(self, value: Any) -> float:
        if isinstance(value, str):
            value = _duration(value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{shown(value)} is not {self.noun}")  # noqa: TRY004 -- pydantic collects ValueErrors
        try:
            seconds = float(value)
        except OverflowError:
            seconds = float("inf")
        if seconds - seconds != 0.0:
            raise ValueError(f"{shown(value)} is not a finite number of seconds.")
        return seconds

    def word(self, plain: Any) -> str:
        return f"{float(plain)!r}s"

    def show(self, plain: Any) -> str:
        return show_seconds(plain)

    def is_number(self) -> bool:
        return True


def _duration(text: str) -> float:
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{shown(text)} is not {_SecondsShape.noun}")
    parts = _PART.findall(text)
    if not parts:
        return float(text)
    total = sum(float(count) * _SECONDS_IN[unit] for count, unit in parts)
    return -total if text.startswith("-") else total


def show_seconds(seconds: float) -> str:
    """Write a duration for people: 0.3s, 5m, 1h30m, 2d."""
    if abs(seconds) < 60 or abs(seconds) >= 1e12:
        return f"{number(seconds)}s"
    text = "-" if seconds < 0 else ""
    rest = round(abs(seconds), 6)
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _SECONDS_IN[unit])
        if count:
            text += f"{int(count)}{unit}"
    return text + (f"{number(round(rest, 6))}s" if rest else "")


Seconds = Annotated[float, _SecondsShape()]
"""A duration: float seconds. In text also "300ms", "5m", "1h30m", "2d"; a bare number is seconds."""


class _MomentShape(Loaded):
    noun = "a moment such as 2026-05-17T09:30:00Z, or Unix seconds"
    schema: Mapping[str, Any] = {
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
        "description": "ISO 8601 with a time zone, or Unix seconds",
    }
    result_schema: Mapping[str, Any] | None = {"type": "string", "format": "date-time"}

    def __init__(self) -> None:
        self.plain = _iso

    def load(self, value: Any) -> datetime:
        try:
            moment = _moment(value)
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            moment = None
        if moment is not None:
            raise ValueError(f"{shown(value)} has no time zone: add Z, or an offset such as +02:00.")
        raise ValueError(f"{shown(value)} is not {self.noun}")

    def word(self, plain: Any) -> str:
        return str(plain)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        # Eight digits are far more likely a date such as 20260517 than a second of 1970.
        if not re.fullmatch(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?", value) or len(value) == 8:
            return datetime.fromisoformat(value)
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    return None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, _MomentShape()]
"""A moment: aware, UTC. ISO 8601 with a time zone, or Unix seconds; never naive."""


# ---- Names, paths, sizes, secrets ----


class _PathShape(Loaded):
    noun = "the path of an object, such as /project/42"
    schema: Mapping[str, Any] = {"type": "string", "description": "path of an object, from the root: /project/42"}

    def __init__(self) -> None:
        self.plain = str  # of the tree's own class, which is a text too

    def load(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not {self.noun}")  # noqa: TRY004 -- pydantic collects ValueErrors
        try:
            return str(TreePath.parse(value))
        except Problem as problem:
            raise ValueError(problem.detail) from None


ObjectPath = Annotated[str, _PathShape()]
"""The path of an object from the root, in its canonical form. Whether there is such an object is asked later."""


class _NameShape(Loaded):
    noun = "a name of 1 to 255 bytes"
    schema: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}

    def load(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not {self.noun}")  # noqa: TRY004 -- pydantic collects ValueErrors
        if not value:
            raise ValueError("is empty: a name has 1 to 255 bytes.")
        name = unicodedata.normalize("NFC", checked_text(value))
        if (size := len(name.encode())) > 255:
            raise ValueError(f"has {size} bytes: a name has 1 to 255.")
        if not name.isprintable():
            raise ValueError(f"{shown(name)} holds characters that cannot be printed.")
        return name


Name = Annotated[str, _NameShape()]
"""A name of something inside an object: printable, 1 to 255 bytes, in Unicode form NFC."""

_SIZE = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,9})?) ?([kKMGTP]?)(i?)[bB]?")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


class _SizeShape(Loaded):
    noun = "a size such as 512kB, 10MB or 1.5GiB"
    schema: Mapping[str, Any] = {
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": LARGEST_INT}, {"type": "string"}],
        "description": "bytes, or a text such as 10MB, 1.5GiB",
    }
    result_schema: Mapping[str, Any] | None = {"type": "integer", "minimum": 0, "description": "bytes"}

    def load(self, value: Any) -> int:
        size = value
        if isinstance(value, str):
            match = _SIZE.fullmatch(value)
            if match is None or (match[3] and not match[2]):
                raise ValueError(f"{shown(value)} is not {self.noun}")
            try:
                exact = Decimal(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2]]
            except InvalidOperation:
                raise ValueError(f"{shown(value)} is not {self.noun}") from None
            size = int(exact)
            if size != exact:
                raise ValueError(f"{shown(value)} is not a whole number of bytes.")
        if isinstance(size, bool) or not isinstance(size, int):
            raise ValueError(f"{shown(value)} is not {self.noun}")  # noqa: TRY004 -- pydantic collects ValueErrors
        if not 0 <= size <= LARGEST_INT:
            raise ValueError(f"{shown(value)} is not between 0 and {LARGEST_INT} bytes.")
        return size

    def show(self, plain: Any) -> str:
        return show_bytes(plain)

    def is_number(self) -> bool:
        return True


def show_bytes(size: float) -> str:
    """Write a size for people: 512B, 1.5kB, 33.6MB."""
    units = ["B", "kB", "MB", "GB", "TB", "PB"]
    while abs(size) >= 999.95 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{number(round(size, 1))}{units[0]}"


Size = Annotated[int, _SizeShape()]
"""A size in bytes. In text also "10MB" (1000 to a step) and "1.5GiB" (1024 to a step)."""


class SecretText(str):
    """A secret in memory: a text that a log or a traceback prints as •••."""

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK


class _SecretShape(Loaded):
    noun = "a secret text"
    masks = True
    schema: Mapping[str, Any] = {"type": "string", "format": "password", "writeOnly": True}

    def __init__(self) -> None:
        self.plain = str

    def load(self, value: Any) -> SecretText:
        if not isinstance(value, str):
            raise ValueError("is not text.")  # noqa: TRY004 -- pydantic collects ValueErrors
        return SecretText(checked_text(value))

    def word(self, plain: Any) -> str:
        return str(plain)

    def show(self, plain: Any) -> str:  # noqa: ARG002 -- that is the point
        return MASK

    def masked(self, value: Any) -> Any:  # noqa: ARG002 -- that is the point
        return MASK


Secret = Annotated[str, _SecretShape()]
"""A text that the journal and logs mask. It cannot be in a result."""


# ---- Bytes ----


class _ContentShape(Loaded):
    noun = 'the content of a file: a text, {"text": …} or {"base64": …}'
    masks = True
    schema: Mapping[str, Any] = {
        "oneOf": [
            {"type": "string"},
            {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"],
             "additionalProperties": False},
            {"type": "object", "properties": {"base64": {"type": "string", "contentEncoding": "base64"}},
             "required": ["base64"], "additionalProperties": False},
        ],
        "description": 'bytes of a file: a text (UTF-8), {"text": …} or {"base64": …}',
    }  # fmt: skip

    def load(self, value: Any) -> "Content":
        if isinstance(value, Content):
            return value
        if isinstance(value, dict) and len(value) == 1:
            (form, inner), *_ = value.items()
            if form == "base64" and isinstance(inner, str):
                try:
                    return Content(base64.b64decode(inner, validate=True))
                except (binascii.Error, ValueError):
                    raise ValueError("holds a base64 text that cannot be decoded.") from None
            value = inner if form == "text" else None
        if not isinstance(value, str):
            raise ValueError(f"is not {self.noun}")  # noqa: TRY004 -- pydantic collects ValueErrors
        try:
            return Content(value.encode())
        except UnicodeEncodeError:
            raise ValueError("holds half of a surrogate pair, which is not Unicode text.") from None

    def word(self, plain: Any) -> str:
        return str(plain)

    def masked(self, value: Any) -> Any:
        try:
            content = self.load(value)
        except ValueError:
            return MASK
        return {"bytes": content.size, "sha256": content.digest()}


class Content:
    """The bytes of a file as an argument: in JSON a text, {"text": …} or {"base64": …}; over HTTP an Upload."""

    __shape__: ClassVar[Shape] = _ContentShape()

    def __init__(self, data: bytes = b"", *, name: str = "", content_type: str = "") -> None:
        self._data = data
        self._digest: str | None = None
        self.name = name
        self.content_type = content_type

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self._data)

    def read(self) -> bytes:
        """Give all bytes."""
        return self._data

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Give the bytes in pieces of at most `size`, from the start at each call."""
        for start in range(0, len(self._data), size):
            yield self._data[start : start + size]

    def open(self) -> io.BufferedReader:
        """Give the bytes as a file, read once from the start."""
        return io.BufferedReader(_Pieces(self.chunks()))

    def digest(self) -> str:
        """Give the SHA-256 of the bytes in hexadecimal digits."""
        if self._digest is None:
            sha = hashlib.sha256()
            for chunk in self.chunks():
                sha.update(chunk)
            self._digest = sha.hexdigest()
        return self._digest

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.size} bytes>"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _ContentShape().__get_pydantic_core_schema__(source, handler)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(_ContentShape.schema)


class _Pieces(io.RawIOBase):
    """What comes in pieces, as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class Upload(Content):
    """Content that arrives piece by piece: written to a temporary file once it is large, and gone when closed.

    limit_bytes: `write` raises TooLarge beyond it.
    """

    def __init__(self, *, limit_bytes: int, name: str = "", content_type: str = "") -> None:
        super().__init__(name=name, content_type=content_type)
        self.limit_bytes = limit_bytes
        self._size = 0
        # Closed by close(), or when it is collected: the one who reads is not the one who wrote.
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115

    @property
    def size(self) -> int:
        return self._size

    def write(self, chunk: bytes) -> None:
        """Add a piece at the end."""
        self._size += len(chunk)
        if self._size > self.limit_bytes:
            self.close()
            raise TooLarge(
                f"more than {show_bytes(self.limit_bytes)} were sent, the limit here. Send less, or in parts.",
                limit_bytes=self.limit_bytes,
            )
        self._digest = None
        self._file.write(chunk)

    def read(self) -> bytes:
        self._file.seek(0)
        return self._file.read()

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        at = 0
        while True:
            self._file.seek(at)
            chunk = self._file.read(size)
            if not chunk:
                return
            at += len(chunk)
            yield chunk

    def close(self) -> None:
        """Give the temporary file back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _DownloadShape(Loaded):
    noun = "a file"
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "type": {"type": "string"},
            "size": {"type": "integer", "minimum": 0},
            "base64": {"type": "string", "contentEncoding": "base64"},
        },
        "required": ["name", "type", "size", "base64"],
        "additionalProperties": False,
    }

    def __init__(self) -> None:
        self.plain = _plain_download

    def load(self, value: Any) -> "Download":
        if not isinstance(value, Download):
            raise ValueError("is not a Download.")  # noqa: TRY004 -- pydantic collects ValueErrors
        return value

    def show(self, plain: Any) -> str:
        return f"{plain['name']}  {plain['type']}  {show_bytes(plain['size'])}"


def _plain_download(download: Any) -> Any:
    return download.plain() if isinstance(download, Download) else download


class Download:
    """A file as a result. HTTP streams it; where a JSON value is needed it is {"name", "type", "size", "base64"}.

    body: the bytes, or pieces of them that are read once; then `size` must be given.
    content_type: guessed from the name where it is not given.
    """

    __shape__: ClassVar[Shape] = _DownloadShape()

    def __init__(
        self, name: str, body: bytes | Iterable[bytes], *, content_type: str = "", size: int | None = None
    ) -> None:
        if isinstance(body, bytes):
            size = len(body)
        if size is None:
            raise TypeError("a Download made of pieces needs its size")
        self.name = name
        self.size = size
        self.content_type = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        self._body = body

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes in pieces; once, where the body was made of pieces."""
        if isinstance(self._body, bytes):
            for start in range(0, len(self._body), CHUNK_BYTES):
                yield self._body[start : start + CHUNK_BYTES]
        else:
            yield from self._body

    def read(self) -> bytes:
        """Give all bytes."""
        return b"".join(self.chunks())

    def plain(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        encoded = base64.b64encode(self.read()).decode()
        return {"name": self.name, "type": self.content_type, "size": self.size, "base64": encoded}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _DownloadShape().__get_pydantic_core_schema__(source, handler)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(_DownloadShape.schema)


# ---- The rest of a terminal line ----


@dataclass(frozen=True, slots=True)
class RestOfLineMarker:
    """In a terminal line the argument takes all that follows, as it was typed."""


RestOfLine = Annotated[str, RestOfLineMarker()]
"""A text that, in a terminal, is the rest of the line as typed: `sql select * from t where x > 1`."""
