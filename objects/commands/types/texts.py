"""Names, paths, sizes and secrets: what is one word of text."""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from objects.commands.shapes import LARGEST_INT, MASK, Shape, number
from objects.commands.types.loaded import Loaded, checked_text, shown
from objects.tree.paths import ObjectPath as TreePath
from teams.problems import Problem


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


class _RelativePathShape(Shape):
    noun = "a path"

    @property
    def __shape__(self) -> Shape:
        return self


RelativePath = Annotated[str, _RelativePathShape()]
"""A path that a command reads itself, such as one without a slash in front; surfaces offer paths for it."""


def is_path(shape: Shape) -> bool:
    """Whether values of a type are paths of objects."""
    return isinstance(shape, _PathShape | _RelativePathShape)


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
