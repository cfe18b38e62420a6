"""SQL functions that differ from SQLite's: chance comes from the caller, and none takes the square of its input.

`instr`, `replace`, `trim` and `jsonb_patch` of SQLite 3.54 compare each part of one argument with each part of the
other: a megabyte each holds the thread for minutes, and no progress handler runs inside a function. Searching and
replacing are done by Python's linear search here; the other two refuse what would take too long.
"""

import random
import threading
from collections.abc import Callable
from typing import Any

import apsw

from teams.problems import TooLarge

MOST_VALUE_BYTES = 136 * 2**20  # a file of FILE_BYTES and room around it; what users' SQL makes has bounds of its own
MOST_MADE_BYTES = 36 * 2**20
MOST_COMPARISONS = 200_000_000  # about 0.2 s
Value = Any  # what SQLite knows: None, int, float, str, bytes


class _Plain(threading.local):
    """SQLite's own functions, for values whose conversion to text is SQLite's business."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")

    def call(self, name: str, *arguments: Value) -> Value:
        marks = ",".join("?" * len(arguments))
        return self.connection.execute(f"SELECT {name}({marks})", arguments).get


_plain = _Plain()


def _instr(text: Value, part: Value) -> int | None:
    if isinstance(text, str) and isinstance(part, str):
        return text.find(part) + 1
    if isinstance(text, bytes) and isinstance(part, bytes):
        return text.find(part) + 1
    return _plain.call("instr", text, part) if _is_small(text, part) else _instr(_text(text), _text(part))


def _replace(text: Value, old: Value, new: Value) -> Value:
    if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
        size = len(text) + text.count(old) * (len(new) - len(old)) if old else 0
        if size > MOST_MADE_BYTES:
            raise TooLarge(f"replace: a value of {size:,} characters is more than {MOST_MADE_BYTES:,}. Replace less.")
        return text.replace(old, new) if old else text
    if _is_small(text, old):
        return _plain.call("replace", text, old, new)
    return None if new is None else _replace(_text(text), _text(old), _text(new))


def _is_small(one: Value, other: Value) -> bool:
    return _size(one) * _size(other) < MOST_COMPARISONS


def _size(value: Value) -> int:
    return len(value) if isinstance(value, (str, bytes)) else 32


def _text(value: Value) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(_plain.call("format", "%s", value))


def _bounded(name: str) -> Callable[..., Value]:
    def function(*arguments: Value) -> Value:
        if len(arguments) > 1 and not _is_small(arguments[0], arguments[1]):
            raise TooLarge(
                f"{name}: arguments of {_size(arguments[0]):,} and {_size(arguments[1]):,} bytes need more than"
                f" {MOST_COMPARISONS:,} comparisons. Give it shorter ones."
            )
        return _plain.call(name, *arguments)

    return function


_OVERRIDES: tuple[tuple[str, int, Callable[..., Value]], ...] = (
    ("instr", 2, _instr),
    ("replace", 3, _replace),
    ("trim", 2, _bounded("trim")),
    ("ltrim", 2, _bounded("ltrim")),
    ("rtrim", 2, _bounded("rtrim")),
    ("jsonb_patch", 2, _bounded("jsonb_patch")),  # json_patch is refused: its result could not keep its JSON mark
)


def install(connection: apsw.Connection, chance: Callable[[], random.Random]) -> None:
    """Put the functions into a connection. chance: gives the generator that the call under way uses."""

    def random_integer(*_none: Value) -> int:
        return chance().getrandbits(64) - 2**63

    def random_bytes(*arguments: Value) -> bytes:
        count = arguments[0]
        size = max(1, count if isinstance(count, int) else 1)
        if size > MOST_MADE_BYTES:
            raise TooLarge(f"randomblob({size}): a value holds {MOST_MADE_BYTES:,} bytes at most. Ask for fewer.")
        return chance().randbytes(size)

    # Innocuous: with trusted_schema off, only such functions work in defaults, views and triggers.
    flags = apsw.SQLITE_INNOCUOUS
    connection.create_scalar_function("random", random_integer, 0, flags=flags)
    connection.create_scalar_function("randomblob", random_bytes, 1, flags=flags)
    for name, count, function in _OVERRIDES:
        connection.create_scalar_function(name, function, count, deterministic=True, flags=flags)
