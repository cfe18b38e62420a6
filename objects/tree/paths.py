"""Paths: the one place that knows what a path is.

A path is "/" or up to 64 names, each after a slash: `/project/42/file`. A name is 1 to 255 bytes of printable Unicode
in normal form C without "/" and ":" (a colon ends the path in `POST …/path:command`), and neither "." nor "..". So a
path typed with composed accents and one typed with decomposed accents are the same.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import md5
from unicodedata import normalize
from uuid import UUID

from teams.problems import WrongArgument

NAME_BYTES = 255
DEPTH = 64
TEXT_LENGTH = 2 * DEPTH * (NAME_BYTES + 1)  # characters; longer texts are refused unread (normal form may shrink them)

KEPT_LENGTH = 512  # characters


class ObjectPath(str):
    """A path in its canonical form: equal text is the same path. Only `parse` and what is below make one."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, field: str = "path") -> "ObjectPath":
        """Read a path: absolute, one trailing slash forgiven. Raises WrongArgument for `field`.

        Costs a dictionary look-up when the text was seen lately.
        """
        if type(text) is cls:
            return text
        try:
            # Long texts are not kept: an attacker could fill the memory with them.
            return _parse(text) if len(text) <= KEPT_LENGTH else _parse.__wrapped__(text)
        except ValueError as error:
            raise WrongArgument(field, str(error)) from None

    @classmethod
    def named(cls, text: str, field: str = "name") -> str:
        """Read a single name into its canonical form; raises WrongArgument for `field`."""
        try:
            return _name(normalize("NFC", text[:TEXT_LENGTH]))
        except ValueError as error:
            raise WrongArgument(field, str(error)) from None

    @property
    def name(self) -> str:
        """The last name; "" for the root."""
        return self[self.rfind("/") + 1 :]

    @property
    def parent(self) -> "ObjectPath":
        """The path above; the root is above itself."""
        return _trusted(self[: self.rfind("/")] or "/")

    @property
    def names(self) -> list[str]:
        """The names from the top down; none for the root."""
        return [] if self == "/" else self[1:].split("/")

    @property
    def depth(self) -> int:
        """How many names there are."""
        return 0 if self == "/" else self.count("/")

    @property
    def below(self) -> str:
        """What every path beneath begins with: "/a/", for the root "/"."""
        return self if self == "/" else self + "/"

    def ancestors(self) -> Iterator["ObjectPath"]:
        """The paths above, the nearest first, the root last; none for the root."""
        path = self
        while path != "/":
            path = path.parent
            yield path

    def joined(self, relative: str, field: str = "path") -> "ObjectPath":
        """Go on from here as a terminal does: names, ".", "..", or an absolute path. Raises WrongArgument."""
        if relative.startswith("/"):
            return ObjectPath.parse(relative, field)
        path = self
        for name in relative.split("/"):
            if name == "..":
                path = path.parent
            elif name not in ("", "."):
                path = _trusted(path.below + ObjectPath.named(name, field))
        return ObjectPath.parse(path, field)

    def is_under(self, top: str) -> bool:
        """Whether this is `top` or beneath it."""
        return top in ("/", self) or self.startswith(top + "/")

    def rebased(self, old_top: str, new_top: str) -> "ObjectPath":
        """Give the path that this has once `old_top`, at or above it, is `new_top`. Raises WrongArgument for "to"."""
        rest = self[len(old_top) :] if old_top != "/" else self
        return ObjectPath.parse(new_top + rest if new_top != "/" else rest or "/", "to")


def key(path: str) -> UUID:
    """Give what the database finds a path by: `md5(path)::uuid`, the expression of its unique index."""
    return UUID(bytes=md5(path.encode(), usedforsecurity=False).digest())


def _short(text: str) -> str:
    """Quote a text in a message, which it shall not fill."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _trusted(text: str) -> ObjectPath:
    """Call a text a path without a look at it."""
    return ObjectPath(text)


@lru_cache(maxsize=16_384)
def _parse(text: str) -> ObjectPath:
    """Read a path; raises ValueError with the reason, which is not kept."""
    if len(text) > TEXT_LENGTH:
        raise ValueError(
            f"the path is too long: {len(text):,} characters. {DEPTH} names of {NAME_BYTES} bytes may be in one."
        )
    if not text.startswith("/"):
        raise ValueError(f"{_short(text)} is not a path: a path begins with a slash." if text else "no path given.")
    if text == "/":
        return _trusted(text)
    names = normalize("NFC", text).removesuffix("/").split("/")[1:]
    if len(names) > DEPTH:
        raise ValueError(f"the path has {len(names):,} names; {DEPTH} is the most. Put it higher in the tree.")
    for name in names:
        if not name:
            raise ValueError(f"{_short(text)} has an empty name: two slashes in a row. Write one.")
        _name(name)
    return _trusted("/" + "/".join(names))


def _name(name: str) -> str:
    """Check a name in normal form; raises ValueError with the reason."""
    if not name:
        raise ValueError("a name has at least one character.")
    if not name.isprintable():
        bad = next(character for character in name if not character.isprintable())
        raise ValueError(f"the name {_short(name)} has a character that cannot be printed, {bad!a}. Leave it out.")
    if "/" in name or ":" in name:
        raise ValueError(f"the name {_short(name)} has a slash or a colon in it: these separate names and commands.")
    if name in (".", ".."):
        raise ValueError(f"{name!r} is not a name: it means a place seen from another one. Write the whole path.")
    if (size := len(name.encode())) > NAME_BYTES:
        raise ValueError(f"the name {_short(name)} has {size} bytes; {NAME_BYTES} is the most.")
    return name
