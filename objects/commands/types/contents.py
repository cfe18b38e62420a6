"""Bytes of files, as arguments and as results."""

import base64
import binascii
import hashlib
import io
import mimetypes
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from objects.commands.shapes import MASK, Shape
from objects.commands.types.loaded import Loaded
from objects.commands.types.texts import show_bytes
from teams.problems import TooLarge

CHUNK_BYTES = 256 * 1024
SPOOL_BYTES = 1024 * 1024  # an upload larger than this is kept in a temporary file, not in memory


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


def is_download(shape: Shape) -> bool:
    """Whether values of a type are files."""
    return isinstance(shape, _DownloadShape)


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
