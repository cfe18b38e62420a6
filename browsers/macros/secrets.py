"""What macros type and nobody is shown: kept in the object's file, locked for this very object and this Grove.

Whoever may play macros can have a secret typed into a page; none is ever given to anybody. A copy of the object, or an
export of it, has the names alone: what is locked there opens nowhere else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from objects.commands.suggest import did_you_mean
from teams.locks import lock, unlock
from teams.problems import Conflict, NoSuch, OverLimit

CHARS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Line:
    """A secret, without it. is_ours: it can be read here; else it came with a copy or a file from elsewhere."""

    name: str
    is_ours: bool
    changed_at: float
    by: str


class Secrets:
    """All secrets of one object, within one call. context: the object's."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._db = context.db

    def all(self) -> list[Line]:
        """Give them by name."""
        rows = self._db.run("SELECT name, locked, changed_at, by FROM _secret ORDER BY name") if self._is_any else []
        return [
            Line(name, self._read(name, locked) is not None, changed_at, by) for name, locked, changed_at, by in rows
        ]

    def put(self, name: str, value: str, most: int) -> None:
        """Keep one, in place of one of the same name; raises OverLimit."""
        self._db.need("_secret")
        locked = lock(value, *self._purpose(name))
        row = (name, locked, self._context.now, self._context.caller.name)
        self._db.run("INSERT OR REPLACE INTO _secret VALUES (?, ?, ?, ?)", row)
        ((count,),) = self._db.run("SELECT count(*) FROM _secret")
        if count > most:
            raise OverLimit(f"{most} secrets are the most here (limit BROWSER_MACROS). Take one away first.")

    def remove(self, name: str) -> None:
        """Forget one; raises NoSuch."""
        names = [each.name for each in self.all()]
        if name not in names:
            raise NoSuch(f"{name}: no such secret.{did_you_mean(name, names)}", field="name")
        self._db.run("DELETE FROM _secret WHERE name = ?", (name,))

    def values(self, names: Iterable[str]) -> dict[str, str]:
        """Give those that there are of these. Raises Conflict for one that cannot be read here."""
        found = {}
        for name in names:
            rows = self._db.run("SELECT locked FROM _secret WHERE name = ?", (name,)) if self._is_any else []
            for (locked,) in rows:
                value = self._read(name, locked)
                if value is None:
                    raise Conflict(
                        f"{name}: this secret came with a copy or a file from elsewhere, and cannot be read here. "
                        f"Set it anew: `browser secret {name} …`."
                    )
                found[name] = value
        return found

    @property
    def _is_any(self) -> bool:
        return bool(self._db.has("_secret"))

    def _read(self, name: str, locked: bytes) -> str | None:
        return unlock(bytes(locked), *self._purpose(name))

    def _purpose(self, name: str) -> tuple[str, ...]:
        return ("macro", self._context.identity, name)
