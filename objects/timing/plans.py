"""The schedules and alarms of an object, in its own file. A plan says what is to run, and when it does so next."""

from dataclasses import dataclass, fields
from math import inf
from typing import Any, Final

from objects.timing.messages import Sql

NEVER: Final = inf


@dataclass(slots=True)
class Plan:
    """A row of `_schedule`. arguments, rules: JSON. at: when it fires next. home: the object in which it is at work."""

    name: str
    spec: str
    is_alarm: int
    command: str
    arguments: str
    rules: str
    caller: str
    made_at: float
    home: str
    paused: int
    at: float
    last_at: float | None
    failures: int


_COLUMNS: Final = ", ".join(field.name for field in fields(Plan))
_MARKS: Final = ", ".join("?" * len(fields(Plan)))


class Plans:
    """All plans of one object, within one call. identity: the object's own, by `Context.identity`."""

    def __init__(self, db: Sql, identity: str) -> None:
        self.db = db
        self.identity = identity

    def get(self, name: str) -> Plan | None:
        for row in self._rows(f"SELECT {_COLUMNS} FROM _schedule WHERE name = ?", (name,)):
            return Plan(*row)
        return None

    def next_due(self) -> float | None:
        """Give the moment at which the next fires; None where none does."""
        sql = "SELECT min(at) FROM _schedule WHERE home = ? AND paused = 0"
        for (at,) in self._rows(sql, (self.identity,)):
            return None if at is None or at == NEVER else float(at)
        return None

    def ready(self, now: float) -> Plan | None:
        """Give the plan that is due the longest."""
        sql = f"SELECT {_COLUMNS} FROM _schedule WHERE home = ? AND paused = 0 AND at <= ? ORDER BY at, name LIMIT 1"
        for row in self._rows(sql, (self.identity, now)):
            return Plan(*row)
        return None

    def put(self, plan: Plan) -> None:
        """Keep a plan; one of the same name is replaced."""
        self.db.need("_schedule")
        values = tuple(getattr(plan, field.name) for field in fields(Plan))
        self.db.run(f"INSERT OR REPLACE INTO _schedule ({_COLUMNS}) VALUES ({_MARKS})", values)

    def remove(self, name: str) -> None:
        self.db.run("DELETE FROM _schedule WHERE name = ?", (name,))

    def move_on(self, plan: Plan, last_at: float, at: float) -> None:
        """Take note that a plan fired, and when it does so next."""
        self.db.run("UPDATE _schedule SET last_at = ?, at = ? WHERE name = ?", (last_at, at, plan.name))

    def _rows(self, sql: str, params: Any = ()) -> list[Any]:
        return self.db.run(sql, params) if self.db.has("_schedule") else []
