"""State: small values by key, JSON each, in the object's table `_state`.

A dot in a key means nothing: `lamp.colour` is a key like any other. Every change is told on the topic "state".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Final

import orjson

from objects.sdk import (
    Between,
    Facility,
    Help,
    Json,
    Kind,
    Length,
    Tab,
    check_state,
    command,
    registry,
    state_keys,
)
from teams.problems import Conflict, NoSuch, TooLarge, WrongArgument

KEY_BYTES: Final = 512
VALUE_BYTES: Final = 1 << 20  # one value as JSON
LIST_BYTES: Final = 1 << 20  # values that one `state.list` answers, the last one may pass it
TOPIC: Final = "state"
HIGHEST: Final = "\U0010ffff"  # sorts after every character that a key can hold

# A whole number of up to 18 characters plus one of up to 18 digits stays within 64 bits, so this needs no look at the
# sum. What is longer, broken or no number is left alone, gives no row, and is added up in Python.
_INCR: Final = (
    "INSERT INTO _state (key, value) VALUES (?1, ?2)"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + CAST(?2 AS INTEGER) AS TEXT)"
    " WHERE length(value) < 19 AND json_type(value) = 'integer' RETURNING value"
)
_SMALL: Final = 10**18
_PUT: Final = "INSERT INTO _state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_LIST: Final = "SELECT key, value FROM _state WHERE key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"

Key = Annotated[str, Length(1, KEY_BYTES), Help("the key, such as lamp.colour")]
Prefix = Annotated[str, Length(0, KEY_BYTES), Help("only keys that begin with this")]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value."""

    key: str
    value: Json


@dataclass(frozen=True, slots=True)
class Entries:
    """Some keys in order."""

    entries: list[Entry]
    next: str | None  # hand it in as `after` for what follows; null when that was all


class State(Facility):
    """Keeps small values by key."""

    name = "state"
    tab = Tab("State", order=100)

    @command(reads=True)
    def get(
        self,
        key: Key,
        *,
        default: Annotated[Json, Help("the answer where there is no such key; null is no default")] = None,
    ) -> Json:
        """Tell the value of a key.

        > state set colour red
        key colour  value red
        > state get colour
        red
        > state get size --default 12
        12
        """
        if (text := self._text(key)) is not None:
            return orjson.loads(text)
        if default is None:
            raise NoSuch(f"{key}: no such key. `state list` shows those that there are.", field="key")
        return default

    @command
    def set(
        self,
        key: Key,
        value: Annotated[Json, Help("any JSON; text that is no JSON is kept as text")],
        *,
        expect: Annotated[Json, Help("change it only where it is this now; null expects nothing")] = None,
        new: Annotated[bool, Help("refuse where the key is there already")] = False,
    ) -> Entry:
        """Keep a value under a key.

        > state set mode auto --new
        key mode  value auto
        > state set mode manual --expect auto
        key mode  value manual
        """
        value = self._checked("key", key, value)
        if expect is not None or new:
            self._compare(key, expect, is_new=new)
        self._put(key, value)
        return Entry(key, value)

    @command
    def set_many(self, values: Annotated[dict[str, Json], Help("values by key, such as width=3,height=4")]) -> int:
        """Keep several values; all of them or none. Tells how many.

        > state set_many width=3,height=4
        2
        """
        for key, value in values.items():
            self._put(key, self._checked("values", key, value))
        return len(values)

    @command
    def delete(self, *keys: Key) -> int:
        """Forget keys and their values; all of them or, where one is missing, none. Tells how many.

        > state set_many a=1,b=2
        2
        > state delete a b
        2
        """
        if not keys:
            raise WrongArgument("keys", "Name at least one key.")
        needed = state_keys(self._kind())
        for key in dict.fromkeys(keys):
            if key in needed:
                raise Conflict(f"{key}: objects of kind {self.context.kind} need this key. Set it instead.")
            if self._text(key) is None:
                raise NoSuch(f"{key}: no such key. Nothing was deleted.", field="keys")
            self.context.db.run("DELETE FROM _state WHERE key = ?", (key,))
            self.context.emit(TOPIC, {"key": key, "value": None, "deleted": True})
        return len(dict.fromkeys(keys))

    @command
    def incr(
        self, key: Key, by: Annotated[int | float, Help("how much is added; negative to count down")] = 1
    ) -> int | float:
        """Add to a number; a key that is not there counts as 0. Tells the sum.

        Decimals add up as they are written: 0.1 and 0.2 give 0.3.

        > state incr visits
        1
        > state incr visits 10
        11
        > state incr litres 0.1
        0.1
        > state incr litres 0.2
        0.3
        """
        if key.isascii() and key.isprintable() and type(by) is int and -_SMALL < by < _SMALL and not self._needed():
            db = self.context.db
            db.need("_state")
            for (text,) in db.run(_INCR, (key, str(by))):
                total: int | float = int(text)
                self.context.emit(TOPIC, {"key": key, "value": total, "deleted": False})
                return total
        total = self._checked("key", key, self._sum(key, by))
        self._put(key, total)
        return total

    @command(reads=True)
    def list_(
        self,
        prefix: Prefix = "",
        *,
        after: Annotated[str, Help("only keys after this one; `next` of the answer before")] = "",
        limit: Annotated[int, Between(1, 1_000)] = 100,
    ) -> Entries:
        """List keys with their values, by key.

        > state set_many lamp.level=3,lamp.on=true,mode=auto
        3
        > state list lamp.
        key         value
        lamp.level  3
        lamp.on     yes
        """
        found: list[Entry] = []
        weight = 0
        for key, text in self._rows(_LIST, (after, prefix, prefix + HIGHEST, limit + 1)):
            if len(found) == limit or weight > LIST_BYTES:
                return Entries(found, found[-1].key)
            found.append(Entry(key, orjson.loads(text)))
            weight += len(text)
        return Entries(found, None)

    @command(reads=True, streams=TOPIC)
    def watch(self, prefix: Prefix = "") -> Entries:
        """Tell the values now, then each change as it happens, until you unsubscribe.

        Events tell changes of all keys; `next` says that there were more values than one answer holds.

        > state set door open
        key door  value open
        > state watch
        key   value
        door  open
        """
        return self.list_(prefix, limit=1_000)

    def _kind(self) -> type[Kind[Any]]:
        return registry.kind(self.context.kind)

    def _needed(self) -> tuple[str, ...]:
        return state_keys(self._kind())

    def _rows(self, sql: str, params: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
        """Read where there is something to read: an object that nothing was kept in stays untouched."""
        db = self.context.db
        rows: Iterable[tuple[Any, ...]] = db.run(sql, params) if db.has("_state") else ()
        return rows

    def _text(self, key: str) -> str | None:
        for (text,) in self._rows("SELECT value FROM _state WHERE key = ?", (key,)):
            return str(text)
        return None

    def _put(self, key: str, value: Any) -> None:
        encoded = orjson.dumps(value)
        if len(encoded) > VALUE_BYTES:
            raise TooLarge(
                f"{key}: {len(encoded):,} bytes of JSON; a value has at most {VALUE_BYTES:,}. Put it as a file.",
                field="value",
            )
        db = self.context.db
        db.need("_state")
        db.run(_PUT, (key, encoded.decode()))
        self.context.emit(TOPIC, {"key": key, "value": value, "deleted": False})

    def _checked(self, field: str, key: str, value: Any) -> Any:
        """Check a key and the value that is to be kept under it, and give the value in its canonical form."""
        if not 0 < len(key.encode()) <= KEY_BYTES or not key.isprintable():
            shown = key if len(key) <= 60 else key[:57] + "…"
            raise WrongArgument(field, f"{shown!r}: a key is 1 to {KEY_BYTES} bytes of printable text.")
        return check_state(self._kind(), key, value)

    def _compare(self, key: str, expect: Any, *, is_new: bool) -> None:
        text = self._text(key)
        if is_new and text is not None:
            raise Conflict(
                f"{key}: there is such a key already. Its value is in `present`.", present=orjson.loads(text)
            )
        if expect is None:
            return
        if text is None:
            raise Conflict(f"{key}: there is no such key, so its value is not the one expected.", present=None)
        present = orjson.loads(text)
        if not _is_same(present, expect):
            raise Conflict(
                f"{key}: its value is not the one expected. What it is now is in `present`.", present=present
            )

    def _sum(self, key: str, by: float) -> int | float:
        """Add exactly, where 64 bits or floating point might not."""
        text = self._text(key)
        if text is None:
            text = str(self._default(key))
        present = orjson.loads(text)
        if type(present) not in (int, float):
            raise Conflict(f"{key}: its value is no number, so nothing can be added. Set it to one first.")
        if isinstance(present, int) and isinstance(by, int):
            total: int | float = present + by
            if not -(2**63) <= total < 2**63:
                raise Conflict(f"{key}: {present} and {by} is beyond the whole numbers kept here (64 bits).")
            return total
        total = float(Decimal(repr(present)) + Decimal(repr(by)))
        if not isfinite(total):
            raise Conflict(f"{key}: {present} and {by} is beyond the numbers that JSON can tell.")
        return total

    def _default(self, key: str) -> str:
        """Give what a key counts as before anything is kept under it."""
        form = self._kind().state_form
        return form.fresh.get(key, "0") if form is not None else "0"


def _is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, 1 and true are not, however deep they lie."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
