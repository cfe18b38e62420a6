"""The schedules and alarms of an object, in its own file: what is to run, when it does so next, and what it did.

A plan counts in the object that it was made in. In a copy it is as good as paused, until it is resumed there. So is
one that Grove did not write itself, as its seal tells: it came with a file, and may name whom it likes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import blake2b
from math import inf
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from objects.timing.messages import Sql
from objects.timing.specs import Spec, read
from teams.problems import Conflict
from teams.seals import is_sealed, seal

NEVER: Final = inf
LOG_CHARS: Final = 8_000  # of what a run said; the last
COUNTED: Final = 1_000  # moments that passed unheeded and are counted one by one
FOREIGN: Final = "it came with a file from elsewhere, so it runs with nobody's rights: `cron resume` lends it yours"
LATE_S: Final = 60.0  # a run that is later than this has been missed, where nothing is to be made up for


@dataclass(frozen=True, slots=True)
class Rules:
    """What is said of a plan beside what and when. Moments are Unix seconds."""

    zone: str = "UTC"
    dst: str = "once"
    missed: str = "last"
    lateness_s: float | None = None
    jitter_s: float = 0.0
    starts_at: float | None = None
    ends_at: float | None = None
    tries: int = 1
    overlap: str = "skip"
    alert_on: tuple[str, ...] = ()
    alert_to: str = ""
    alert_command: str = ""
    alert_mail: str = ""
    alert_hook: str = ""
    late_s: float = LATE_S
    slow_s: float = 5.0

    @property
    def last_at(self) -> float:
        """The last moment at which it may fire. Moments are told in microseconds, and one so told counts as itself."""
        return NEVER if self.ends_at is None else self.ends_at + 1e-6


_RULES: Final = TypeAdapter(Rules)


@lru_cache(maxsize=1_024)  # many schedules have the same, and one that fires asks again and again
def _rules(text: str) -> Rules:
    return _RULES.validate_json(text)


@dataclass(slots=True)
class Plan:
    """A row of `_schedule`. arguments, rules: JSON. caller: whose rights it has; by: the name of that caller."""

    name: str
    spec: str
    is_alarm: int
    command: str
    arguments: str
    rules: str
    caller: str
    by: str
    made_at: float
    home: str
    paused: int = 0
    nominal: float = NEVER
    at: float = NEVER
    last_at: float | None = None
    last: str = ""  # how the last run ended
    failures: int = 0  # runs in a row that failed
    seal: str = ""  # see `Plans.sign`

    @property
    def sealed(self) -> tuple[str, ...]:
        """Give what decides what is run, when and with whose rights."""
        what = (self.name, self.spec, str(self.is_alarm), self.command, self.arguments, self.rules)
        return ("schedule", *what, self.caller, self.by, repr(float(self.made_at)))

    @property
    def said(self) -> Rules:
        """Give its rules; raises Conflict where they cannot be read: files come from elsewhere, too."""
        try:
            return _rules(self.rules)
        except ValidationError:
            raise Conflict(f"{self.name[:60]}: what is kept of this schedule cannot be read. Remove it.") from None

    def say(self, rules: Rules) -> None:
        self.rules = orjson.dumps(rules).decode()

    def moments(self) -> Spec:
        """Give what its text means; raises WrongArgument for a text or a zone that is none."""
        rules = self.said
        dst: Any = rules.dst
        return read(self.spec, zone=rules.zone, dst=dst, made_at=rules.starts_at or self.made_at)

    def aim(self, after: float) -> None:
        """Set when it fires next: for the first moment after this one that is meant."""
        rules = self.said
        if rules.starts_at is not None:
            after = max(after, rules.starts_at - 1e-6)
        nominal = self.moments().after(after)
        if nominal is None or nominal > rules.last_at:
            self.nominal = self.at = NEVER
        else:
            self.nominal, self.at = nominal, nominal + self.jitter(nominal)

    def jitter(self, nominal: float) -> float:
        """Give the seconds by which it fires later than meant: by chance, and always the same for the same moment."""
        jitter_s = self.said.jitter_s
        if not jitter_s:
            return 0.0
        digest = blake2b(f"{self.home} {self.name} {nominal!r}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64 * jitter_s

    def catch_up(self, now: float) -> int:
        """Aim at the last moment that is due by now; gives how many due ones before it that leaves out.

        Beyond 1,000 they are not counted any more.
        """
        spec, last_at, left_out = self.moments(), self.said.last_at, 0
        while (following := spec.after(self.nominal)) is not None:
            if following > last_at or following + self.jitter(following) > now:
                break
            left_out += 1
            if left_out >= COUNTED:
                following = _last_before(spec, following, min(now - self.said.jitter_s, last_at))
            self.nominal, self.at = following, following + self.jitter(following)
        return left_out


def _last_before(spec: Spec, first: float, now: float) -> float:
    """Give the last moment up to now, or one near it, in steps that double: there may be millions."""
    back_s = 1.0
    while now - back_s > first:
        found = spec.after(now - back_s)
        if found is not None and found <= now:
            return max(first, found)
        back_s *= 2
    return first


@dataclass(slots=True)
class Run:
    """A row of `_run`. cause: what made it run. result: JSON, cut where it is long.

    outcome: ok, failed, missed, skipped or cancelled; of a task that is not over, running or waiting.
    """

    name: str
    nominal: float
    began_at: float
    took_s: float
    outcome: str
    cause: str
    input: str
    result: str | None = None
    problem: str | None = None
    number: int = 0


@dataclass(slots=True)
class Going:
    """A row of `_going`: a run whose task is not over. task: "" while the run waits for the one before it."""

    run: int
    name: str
    task: str = ""
    tried: int = 0
    look_at: float = NEVER


def _columns(row: type) -> tuple[tuple[str, ...], str]:
    names = tuple(field.name for field in fields(row))
    return names, ", ".join(names)


_PLAN_NAMES, _PLAN = _columns(Plan)
_RUN_NAMES, _RUN = _columns(Run)
_GOING_NAMES, _GOING = _columns(Going)


class Plans:
    """All plans of one object, within one call. identity: the object's own, by `Context.identity`."""

    def __init__(self, db: Sql, identity: str) -> None:
        self.db = db
        self.identity = identity

    def get(self, name: str) -> Plan | None:
        for row in self._rows(f"SELECT {_PLAN} FROM _schedule WHERE name = ?", (name,)):
            return Plan(*row)
        return None

    def some(self, after: str, limit: int) -> list[Plan]:
        """Give plans by name."""
        sql = f"SELECT {_PLAN} FROM _schedule WHERE name > ? ORDER BY name LIMIT ?"
        return [Plan(*row) for row in self._rows(sql, (after, limit))]

    def names(self) -> list[str]:
        return [name for (name,) in self._rows("SELECT name FROM _schedule ORDER BY name")]

    def count(self) -> int:
        return sum(count for (count,) in self._rows("SELECT count(*) FROM _schedule"))

    def next_due(self) -> float | None:
        """Give the moment at which the next fires, or a task is to be looked at; None where there is none."""
        return self.coming()[0]

    def coming(self) -> tuple[float | None, str]:
        """Give what `next_due` does, and the name of the schedule that fires next; "" where none does."""
        sql = "SELECT at, name FROM _schedule WHERE home = ? AND paused = 0 AND at < ? ORDER BY at, name LIMIT 1"
        at, name = next(iter(self._rows(sql, (self.identity, NEVER))), (NEVER, ""))
        if self.db.has("_going"):
            at = min([at, *(moment for (moment,) in self.db.run("SELECT min(look_at) FROM _going") if moment)])
        return (None if at == NEVER else float(at)), name

    def failing(self) -> list[str]:
        """Name those whose last run failed."""
        sql = "SELECT name FROM _schedule WHERE failures > 0 AND home = ? ORDER BY name LIMIT 10"
        return [name for (name,) in self._rows(sql, (self.identity,))]

    def ready(self, now: float) -> Plan | None:
        """Give the plan that is due the longest."""
        sql = f"SELECT {_PLAN} FROM _schedule WHERE home = ? AND paused = 0 AND at <= ? ORDER BY at, name LIMIT 1"
        for row in self._rows(sql, (self.identity, now)):
            return Plan(*row)
        return None

    def is_signed(self, plan: Plan) -> bool:
        """Whether Grove wrote this plan, for this object."""
        return is_sealed(plan.seal, self.identity, *plan.sealed)

    def is_next_signed(self) -> bool:
        """Whether Grove wrote what fires next, and so asked for the waking."""
        plan = self.ready(NEVER)
        return plan is None or self.is_signed(plan)

    def sign(self, plan: Plan, caller: str, by: str) -> None:
        """Let a plan have a caller's rights: after each change of what it does, before it is kept."""
        plan.caller, plan.by = caller, by
        plan.seal = seal(self.identity, *plan.sealed)

    def put(self, plan: Plan) -> None:
        """Keep a plan; one of the same name is replaced."""
        self.db.need("_schedule")
        self._insert("INSERT OR REPLACE INTO _schedule", _PLAN, [getattr(plan, name) for name in _PLAN_NAMES])

    def remove(self, name: str) -> None:
        """Forget a plan and what it did."""
        self.db.run("DELETE FROM _schedule WHERE name = ?", (name,))
        if self.db.has("_going"):
            self.db.run("DELETE FROM _going WHERE name = ?", (name,))
        if self.db.has("_run"):
            self._forget(self.db.run("DELETE FROM _run WHERE name = ? RETURNING number", (name,)))

    def note(self, run: Run, keep: int, log: str = "") -> int:
        """Take note of a run and give its number. keep: how many of the plan's are remembered. log: what it said."""
        self.db.need("_run")
        values = [getattr(run, name) for name in _RUN_NAMES][:-1]
        ((number,),) = self._insert("INSERT INTO _run", _RUN, [*values, None], " RETURNING number")
        going = " AND number NOT IN (SELECT run FROM _going)" if self.db.has("_going") else ""
        old = self.db.run(
            "DELETE FROM _run WHERE name = ? AND number <= (SELECT number FROM _run WHERE name = ?"
            f" ORDER BY number DESC LIMIT 1 OFFSET ?){going} RETURNING number",
            (run.name, run.name, keep),
        )
        self._forget(old)
        self.say(int(number), log)
        return int(number)

    def say(self, number: int, log: str) -> None:
        """Keep what a run said."""
        if log:
            self.db.need("_run_log")
            cut = log if len(log) <= LOG_CHARS else f"…{log[-LOG_CHARS:]}"
            self.db.run("INSERT OR REPLACE INTO _run_log (run, log) VALUES (?, ?)", (number, cut))

    def logs(self, runs: Sequence[Run]) -> dict[int, str]:
        """Give what runs said, by their numbers."""
        if not runs or not self.db.has("_run_log"):
            return {}
        marks = ", ".join("?" * len(runs))
        return dict(self.db.run(f"SELECT run, log FROM _run_log WHERE run IN ({marks})", [run.number for run in runs]))

    def run(self, number: int) -> Run | None:
        """Give a run by its number."""
        for row in self.db.run(f"SELECT {_RUN} FROM _run WHERE number = ?", (number,)):
            return Run(*row)
        return None

    def rewrite(self, run: Run) -> None:
        """Keep what became of a run that is remembered already."""
        self.db.run(
            "UPDATE _run SET began_at = ?, took_s = ?, outcome = ?, result = ?, problem = ? WHERE number = ?",
            (run.began_at, run.took_s, run.outcome, run.result, run.problem, run.number),
        )

    def _forget(self, numbers: Iterable[tuple[int]]) -> None:
        gone = list(numbers)
        if gone and self.db.has("_run_log"):
            for number in gone:
                self.db.run("DELETE FROM _run_log WHERE run = ?", number)

    # ---- Runs that are not over ----

    def keep_going(self, going: Going) -> None:
        """Take note that a run is not over, or how far it is."""
        self.db.need("_going")
        self._insert("INSERT OR REPLACE INTO _going", _GOING, [getattr(going, name) for name in _GOING_NAMES])

    def goings(self, name: str) -> list[Going]:
        """Give the runs of a plan that are not over, in their order."""
        if not self.db.has("_going"):
            return []
        return [Going(*row) for row in self.db.run(f"SELECT {_GOING} FROM _going WHERE name = ? ORDER BY run", (name,))]

    def to_look_at(self, now: float) -> Going | None:
        """Give a run of whose task somebody said that it is over."""
        if self.db.has("_going"):
            for row in self.db.run(f"SELECT {_GOING} FROM _going WHERE look_at <= ? ORDER BY run LIMIT 1", (now,)):
                return Going(*row)
        return None

    def look(self, task: str, at: float) -> None:
        """Have the run of a task looked at."""
        if self.db.has("_going"):
            self.db.run("UPDATE _going SET look_at = ? WHERE task = ? AND task <> ''", (at, task))

    def forget_goings(self, name: str) -> None:
        """Forget runs that are not over: they are another object's."""
        for going in self.goings(name):
            self.is_over(going)
            run = self.run(going.run)
            if run is not None:
                run.outcome, run.problem = "failed", "It is known only in the object that this one was copied from."
                self.rewrite(run)

    def is_over(self, going: Going) -> None:
        """Take note that a run is over."""
        self.db.run("DELETE FROM _going WHERE run = ?", (going.run,))

    def runs(self, name: str, before: int | None, limit: int) -> list[Run]:
        """Give what a plan did, the latest first."""
        if not self.db.has("_run"):
            return []
        sql = f"SELECT {_RUN} FROM _run WHERE name = ? AND number < ? ORDER BY number DESC LIMIT ?"
        return [Run(*row) for row in self.db.run(sql, (name, before or 2**62, limit))]

    def _insert(self, what: str, columns: str, row: Sequence[Any], gives: str = "") -> list[Any]:
        return self.db.run(f"{what} ({columns}) VALUES ({', '.join('?' * len(row))}){gives}", row)

    def _rows(self, sql: str, params: Any = ()) -> list[Any]:
        return self.db.run(sql, params) if self.db.has("_schedule") else []
