"""The macros of one object, in its own file: their texts, what was recorded of each, and how they were played."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from objects.commands.suggest import did_you_mean
from teams.problems import NoSuch, OverLimit

RECORDING: Final = 0  # the number of the row that says what is recorded


class Sql(Protocol):
    """The object's database."""

    def run(self, sql: str, params: Any = (), /) -> list[Any]: ...
    def has(self, table: str, /) -> bool: ...
    def need(self, table: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A macro. recorded: what its commands answered while it was recorded, each with `line`, `url`, `title`, `did`."""

    name: str
    text: str
    recorded: list[dict[str, Any]]
    changed_at: float
    by: str


@dataclass(frozen=True, slots=True)
class Play:
    """How a macro was played. line: at which it ended, or differs first; None where it is as it was recorded."""

    number: int
    name: str
    began_at: float
    took_s: float
    outcome: str
    line: int | None
    problem: str
    by: str
    arguments: Mapping[str, str]
    steps: Sequence[Mapping[str, Any]]
    picture: str


class Macros:
    """All macros of one object, within one call."""

    def __init__(self, db: Sql) -> None:
        self.db = db

    def all(self) -> list[Kept]:
        """Give them by name."""
        rows = "SELECT name, text, recorded, changed_at, by FROM _macro ORDER BY name"
        return [_kept(row) for row in self._rows("_macro", rows)]

    def find(self, name: str) -> Kept:
        """Give one; raises NoSuch."""
        sql = "SELECT name, text, recorded, changed_at, by FROM _macro WHERE name = ?"
        for row in self._rows("_macro", sql, (name,)):
            return _kept(row)
        names = [each.name for each in self.all()]
        there = did_you_mean(name, names) or (
            f" There are {', '.join(names[:10])}." if names else " `browser record macro NAME` makes one by doing."
        )
        raise NoSuch(f"{name}: no such macro.{there}", field="name")

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        return bool(self._rows("_macro", "SELECT 1 FROM _macro WHERE name = ?", (name,)))

    def put(self, kept: Kept, most: int) -> None:
        """Keep one, in place of one of the same name; raises OverLimit."""
        self.db.need("_macro")
        self.db.run(
            "INSERT INTO _macro VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO UPDATE"
            " SET text = ?2, recorded = ?3, changed_at = ?4, by = ?5",
            (kept.name, kept.text, orjson.dumps(kept.recorded).decode(), kept.changed_at, kept.by),
        )
        ((count,),) = self.db.run("SELECT count(*) FROM _macro")
        if count > most:
            raise OverLimit(
                f"{most} macros are the most here (limit BROWSER_MACROS). `browser forget NAME` makes room."
            )

    def remove(self, name: str) -> None:
        """Forget one, and how it was played; raises NoSuch."""
        self.find(name)
        self.db.run("DELETE FROM _macro WHERE name = ?", (name,))
        if self.db.has("_play"):
            self.db.run("DELETE FROM _play WHERE name = ?", (name,))

    # How they were played

    def next_number(self) -> int:
        """Give the number that the next play gets. Numbers are not used again while there are later ones."""
        ((last,),) = self._rows("_play", "SELECT max(number) FROM _play") or [(None,)]
        return int(last or 0) + 1

    def plays(self, name: str, limit: int, before: int | None = None) -> list[Play]:
        """Give plays of a macro, the latest first."""
        sql = (
            "SELECT number, name, began_at, took_s, outcome, line, problem, by, arguments, steps, picture FROM _play"
            " WHERE name = ? AND number < ? ORDER BY number DESC LIMIT ?"
        )
        return [_play(row) for row in self._rows("_play", sql, (name, before or 1 << 62, limit))]

    def note(self, play: Play, keep: int) -> None:
        """Remember a play. keep: how many of a macro are remembered."""
        self.db.need("_play")
        self.db.run(
            "INSERT OR REPLACE INTO _play VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                play.number, play.name, play.began_at, play.took_s, play.outcome, play.line, play.problem, play.by,
                orjson.dumps(play.arguments).decode(), orjson.dumps(play.steps).decode(), play.picture,
            ),
        )  # fmt: skip
        self.db.run(
            "DELETE FROM _play WHERE name = ?1 AND number NOT IN"
            " (SELECT number FROM _play WHERE name = ?1 ORDER BY number DESC LIMIT ?2)",
            (play.name, keep),
        )

    # What is recorded now

    def recording(self) -> tuple[str, int]:
        """Name the macro that is recorded, and count its steps until now; ("", 0) where none is."""
        sql = "SELECT step ->> 'name', (SELECT count(*) FROM _recorded) - 1 FROM _recorded WHERE no = ?"
        return next(((str(name), count) for name, count in self._rows("_recorded", sql, (RECORDING,))), ("", 0))

    def begin(self, name: str) -> None:
        """Record a macro from now on."""
        self.db.need("_recorded")
        self.db.run("DELETE FROM _recorded")
        self.db.run("INSERT INTO _recorded VALUES (?, ?)", (RECORDING, orjson.dumps({"name": name}).decode()))

    def add(self, step: Mapping[str, Any]) -> None:
        """Add what was done."""
        self.db.run("INSERT INTO _recorded (step) VALUES (?)", (orjson.dumps(step).decode(),))

    def end(self) -> list[dict[str, Any]]:
        """Record no more, and give what was done meanwhile."""
        rows = self._rows("_recorded", "SELECT step FROM _recorded WHERE no > ? ORDER BY no", (RECORDING,))
        if self.db.has("_recorded"):
            self.db.run("DELETE FROM _recorded")
        return [orjson.loads(step) for (step,) in rows]

    def _rows(self, table: str, sql: str, params: Any = ()) -> list[Any]:
        return self.db.run(sql, params) if self.db.has(table) else []


def _kept(row: Any) -> Kept:
    name, text, recorded, changed_at, by = row
    # A file may come from anywhere: what is no record of a step says nothing of one.
    steps = [each for each in orjson.loads(recorded) if isinstance(each, dict) and isinstance(each.get("line"), str)]
    return Kept(name, text, steps, changed_at, by)


def _play(row: Any) -> Play:
    number, name, began_at, took_s, outcome, line, problem, by, arguments, steps, picture = row
    told = [each for each in orjson.loads(steps) if isinstance(each, dict)]
    picture = picture if picture.startswith("data:image/jpeg;base64,") else ""
    return Play(number, name, began_at, took_s, outcome, line, problem, by, orjson.loads(arguments), told, picture)
