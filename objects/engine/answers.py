"""Answers under idempotency keys: a key that was used before gives the answer of then, and the call does not run."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from objects.commands.types import Content
from objects.engine.calls import Call, Outcome
from objects.engine.frame import Row
from teams.problems import WrongArgument


@dataclass(slots=True)
class Kept:
    """An answer to be kept under its idempotency key."""

    object_id: int
    caller: str
    key: str
    fingerprint: bytes
    value: bytes


class Answers:
    """The answers that a batch's keys have, and those that it will keep."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self._known: dict[tuple[int, str, str], tuple[bytes, bytes, int]] = {}

    def found(self, rows: Iterable[Any]) -> None:
        """Take what was kept earlier, as the statement `answers` gives it."""
        for object_id, caller, key, fingerprint, value, version in rows:
            self._known[object_id, caller, key] = (bytes(fingerprint), value.encode(), version)

    def give_again(self, call: Call, object_id: int, fingerprint: bytes, outcome: Outcome) -> bool:
        """Give the answer that a call's key has already, if it has one. Raises WrongArgument for another call's key."""
        known = self._known.get((object_id, call.caller.id, call.key or ""))
        if known is None:
            return False
        if known[0] != fingerprint:
            raise WrongArgument("key", f"the idempotency key '{call.key}' was used for another call. Use a new one.")
        outcome.value, outcome.version, outcome.replayed = orjson.loads(known[1]), known[2], True
        return True

    def keep(self, call: Call, row: Row, fingerprint: bytes, value: Any) -> None:
        """Keep an answer under the call's key, also for the calls of this batch."""
        encoded, key = orjson.dumps(value), call.key or ""
        self.kept.append(Kept(row.id, call.caller.id, key, fingerprint, encoded))
        self._known[row.id, call.caller.id, key] = (fingerprint, encoded, row.version + 1)


def fingerprint_of(call: Call) -> bytes:
    """Tell a call from any other, before it runs and may change what it was given."""
    words = orjson.dumps([call.command, call.arguments], default=_told, option=orjson.OPT_SORT_KEYS)
    return blake2b(words, digest_size=16).digest()


def _told(value: object) -> str:
    """Tell an argument that is no JSON from any other: a file by its digest."""
    return value.digest() if isinstance(value, Content) else repr(value)
