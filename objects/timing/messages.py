"""The messages of an object, in its own file: those that wait, in the order of their turns, and the dead ones.

A message has a command, which the platform runs, here or in another object, or none: then somebody elsewhere fetches
it. Its turn comes by priority, then by the moment at which it was due, then by its number. In a group one message at a
time has a moment at all: those behind it get theirs when it is gone.

In a copy of the object nothing waits: whoever finds messages of another object's there has to `adopt` them. A message
that Grove did not write itself, as its seal tells, came with a file and may name whom it likes: it is not delivered.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import inf
from typing import Any, Final, Protocol

import orjson

from teams.seals import is_sealed, seal

NEVER: Final = inf
TRIES: Final = 8  # the last one 1 to 2 minutes after the first
COPIED: Final = "it waited in the object that this one was copied from; redrive it to have it here"
FOREIGN: Final = "it came with a file from elsewhere, so it runs with nobody's rights: redrive it to lend it yours"
OVER: Final = "it was not done before it expired"


class Sql(Protocol):
    """The object's database."""

    def run(self, sql: str, params: Any = (), /) -> list[Any]: ...
    def has(self, table: str, /) -> bool: ...
    def need(self, table: str, /) -> Any: ...


@dataclass(slots=True)
class Message:
    """A row of `_message`. path: "" is this object. body: JSON, the arguments where there is a command.

    asked_at: when it is due by the wish of who sent it; due_at when it is in truth. most: times to try it.
    """

    path: str
    command: str
    body: str
    caller: str
    sent_at: float
    asked_at: float
    due_at: float = -1.0  # as asked
    expires_at: float | None = None
    priority: int = 0
    dedupe: str | None = None
    grp: str | None = None
    attempts: int = 0
    most: int = TRIES
    receipt: str | None = None
    problem: str | None = None
    dead_at: float | None = None
    number: int = 0  # given when it is kept
    seal: str = ""  # given when it is kept; none without a command

    def __post_init__(self) -> None:
        if self.due_at < 0:
            self.due_at = self.asked_at

    @property
    def content(self) -> Any:
        return orjson.loads(self.body)

    @property
    def sealed(self) -> tuple[str, ...]:
        """Give what decides what is run and with whose rights."""
        return ("message", str(self.number), self.path, self.command, self.body, self.caller)


_COLUMNS: Final = ", ".join(field.name for field in fields(Message))
_MARKS: Final = ", ".join("?" * len(fields(Message)))
_ALIVE: Final = "dead_at IS NULL"


class Messages:
    """All messages of one object, within one call. identity: the object's own, by `Context.identity`."""

    def __init__(self, db: Sql, identity: str) -> None:
        self.db = db
        self.identity = identity

    # ---- What there is ----

    @property
    def is_untouched(self) -> bool:
        """Whether there never was a message here."""
        return not self.db.has("_queue")

    @property
    def is_copy(self) -> bool:
        """Whether what waits here waits in another object, of which this one is a copy."""
        return any(home != self.identity for (home,) in self._rows("SELECT home FROM _queue"))

    @property
    def paused(self) -> int:
        """0: on, 1: paused, 2: it takes no new messages."""
        return sum(paused for (paused,) in self._rows("SELECT paused FROM _queue"))

    def get(self, number: int) -> Message | None:
        for row in self._rows(f"SELECT {_COLUMNS} FROM _message WHERE number = ?", (number,)):
            return Message(*row)
        return None

    def waiting_twin(self, dedupe: str) -> int | None:
        """Give the number of the message that waits under this dedupe key."""
        for (number,) in self._rows(f"SELECT number FROM _message WHERE dedupe = ? AND {_ALIVE}", (dedupe,)):
            return int(number)
        return None

    def count(self) -> int:
        """Count what waits."""
        return 0 if self.is_copy else sum(count for (count,) in self._rows("SELECT waiting FROM _queue"))

    def dead_count(self) -> int:
        if self.is_copy:
            return sum(count for (count,) in self._rows("SELECT count(*) FROM _message"))
        return sum(count for (count,) in self._rows("SELECT count(*) FROM _message WHERE dead_at IS NOT NULL"))

    def counts(self, now: float) -> dict[str, Any]:
        """Count messages by what they wait for, and give the age of the oldest that is due."""
        counted: dict[str, Any] = {"waiting": self.count(), "due": 0, "delayed": 0, "leased": 0, "age": 0.0}
        counted["dead"] = self.dead_count()
        if counted["waiting"]:
            sql = (
                "SELECT count(*) FILTER (WHERE due_at <= ?1), count(*) FILTER (WHERE due_at > ?1 AND receipt IS NULL),"
                " count(*) FILTER (WHERE due_at > ?1 AND receipt IS NOT NULL), min(due_at)"
                f" FROM _message WHERE {_ALIVE}"
            )
            ((counted["due"], counted["delayed"], counted["leased"], oldest),) = self._rows(sql, (now,))
            counted["age"] = round(max(0.0, now - oldest), 3)
        return counted

    def some(self, after: int, limit: int, *, dead: bool) -> list[Message]:
        """Give messages by number: those that wait, or the dead."""
        if self.is_copy:
            where = "dead_at IS NOT NULL OR 1" if dead else "0"
        else:
            where = "dead_at IS NOT NULL" if dead else _ALIVE
        sql = f"SELECT {_COLUMNS} FROM _message WHERE number > ? AND ({where}) ORDER BY number LIMIT ?"
        found = [Message(*row) for row in self._rows(sql, (after, limit))]
        for message in found:
            if message.dead_at is None and dead:
                message.dead_at, message.problem = message.sent_at, COPIED
        return found

    def next_due(self) -> float | None:
        """Give the moment at which the platform has the next to do; None where it has none."""
        if self.paused == 1 or self.is_copy:
            return None
        moments = [moment for priority in self._priorities(0) for moment in self._first_due(priority)]
        return min(moments, default=None)

    def is_awaited(self, before: float | None) -> bool:
        """Whether a waking was asked for in time. before: what `next_due` gave before a message was added.

        What Grove did not write itself may come first without one.
        """
        if before is None:
            return self.next_due() is None
        sql = (
            f"SELECT {_COLUMNS} FROM _message WHERE (command = '') = 0 AND priority = ? AND {_ALIVE}"
            " ORDER BY due_at LIMIT 1"
        )
        found = [Message(*row) for priority in self._priorities(0) for row in self._rows(sql, (priority,))]
        first = min(found, key=lambda message: message.due_at)
        return first.due_at == before and self.is_signed(first)

    def ready(self, now: float, *, fetched: bool = False) -> Message | None:
        """Give the message whose turn it is. fetched: among those that somebody elsewhere fetches."""
        for priority in self._priorities(int(fetched)):
            sql = (
                f"SELECT {_COLUMNS} FROM _message WHERE (command = '') = ? AND priority = ? AND due_at <= ?"
                f" AND {_ALIVE} ORDER BY due_at, number LIMIT 1"
            )
            for row in self._rows(sql, (int(fetched), priority, now)):
                return Message(*row)
        return None

    # ---- What changes it ----

    def adopt(self, now: float) -> None:
        """Make what waited in the object that this one is a copy of a dead letter here. Comes before each change."""
        self.db.need("_queue")
        self.db.need("_message")
        if not self._rows("SELECT 1 FROM _queue"):
            self.db.run("INSERT INTO _queue (id, home, next) VALUES (1, ?, 1)", (self.identity,))
        elif self.is_copy:
            self.db.run(
                f"UPDATE _message SET dead_at = ?, problem = ?, receipt = NULL WHERE {_ALIVE}",
                (now, COPIED),
            )
            self.db.run("UPDATE _queue SET home = ?, paused = 0, waiting = 0", (self.identity,))

    def add(self, message: Message) -> int:
        """Let a message wait; gives its number. It is behind all of its group."""
        ((message.number,),) = self.db.run("UPDATE _queue SET next = next + 1 RETURNING next - 1")
        self._sign(message)
        self._keep(message)
        return message.number

    def is_signed(self, message: Message) -> bool:
        """Whether Grove wrote this message, for this object."""
        return is_sealed(message.seal, self.identity, *message.sealed)

    def _sign(self, message: Message) -> None:
        """Let a message have its caller's rights."""
        message.seal = seal(self.identity, *message.sealed) if message.command else ""

    def _keep(self, message: Message) -> None:
        if message.grp is not None and self._rows(
            f"SELECT 1 FROM _message WHERE grp = ? AND {_ALIVE} LIMIT 1", (message.grp,)
        ):
            message.due_at = NEVER
        values = tuple(getattr(message, field.name) for field in fields(Message))
        self.db.run(f"INSERT INTO _message ({_COLUMNS}) VALUES ({_MARKS})", values)
        self.db.run("UPDATE _queue SET waiting = waiting + 1")

    def remove(self, message: Message, now: float) -> None:
        """Take a message away: it is done."""
        self.db.run("DELETE FROM _message WHERE number = ?", (message.number,))
        self.db.run("UPDATE _queue SET waiting = waiting - 1")
        self._next_of(message.grp, now)

    def put_off(self, message: Message, until: float, problem: str | None, *, tried: bool) -> None:
        """Let a message wait longer after a try that failed. tried: the try is not counted yet."""
        self.db.run(
            "UPDATE _message SET attempts = attempts + ?, due_at = ?, problem = ?, receipt = NULL WHERE number = ?",
            (int(tried), until, problem, message.number),
        )

    def lend(self, message: Message, until: float) -> str:
        """Let somebody have a message for a while, and give the receipt for it, which no other loan has."""
        ((serial,),) = self.db.run("UPDATE _queue SET next = next + 1 RETURNING next - 1")
        receipt = f"{message.number}-{serial}"
        self.db.run(
            "UPDATE _message SET attempts = attempts + 1, due_at = ?, receipt = ? WHERE number = ?",
            (until, receipt, message.number),
        )
        return receipt

    def extend(self, message: Message, until: float) -> None:
        """Let somebody have a message longer."""
        self.db.run("UPDATE _message SET due_at = ? WHERE number = ?", (until, message.number))

    def forget(self, message: Message, now: float) -> None:
        """Take a message or a dead letter away, whatever it is."""
        if message.dead_at is None:
            self.remove(message, now)
        else:
            self.db.run("DELETE FROM _message WHERE number = ?", (message.number,))

    def revive(self, message: Message, now: float, caller: str) -> None:
        """Let a dead letter wait again, behind its group. caller: who lends rights to one without a seal."""
        if not self.is_signed(message):
            message.caller = caller
            self._sign(message)
        self.db.run("DELETE FROM _message WHERE number = ?", (message.number,))
        message.dead_at = message.problem = message.receipt = message.expires_at = None
        message.attempts, message.asked_at, message.due_at = 0, now, now
        self._keep(message)

    def empty(self, *, dead: bool) -> int:
        """Drop all that waits or all that is dead; gives how many those were."""
        gone = self.db.run(f"DELETE FROM _message WHERE {'dead_at IS NOT NULL' if dead else _ALIVE} RETURNING 1")
        if not dead:
            self.db.run("UPDATE _queue SET waiting = 0")
        return len(gone)

    def turn(self, paused: int) -> None:
        """Pause, drain or go on."""
        self.db.run("UPDATE _queue SET paused = ?", (paused,))

    def bury(self, message: Message, now: float, problem: str, *, tried: bool, keep: int) -> None:
        """Make a dead letter of a message. keep: dead letters that there may be; the oldest go."""
        self.db.run(
            "UPDATE _message SET dead_at = ?, problem = ?, attempts = attempts + ?, receipt = NULL WHERE number = ?",
            (now, problem, int(tried), message.number),
        )
        self.db.run("UPDATE _queue SET waiting = waiting - 1")
        self.db.run(
            "DELETE FROM _message WHERE number IN (SELECT number FROM _message WHERE dead_at IS NOT NULL"
            " ORDER BY dead_at DESC, number DESC LIMIT -1 OFFSET ?)",
            (keep,),
        )
        self._next_of(message.grp, now)

    def _next_of(self, group: str | None, now: float) -> None:
        """Let the next of a group have its moment."""
        if group is not None:
            self.db.run(
                "UPDATE _message SET due_at = max(asked_at, ?) WHERE number ="
                f" (SELECT number FROM _message WHERE grp = ? AND {_ALIVE} ORDER BY number LIMIT 1) AND due_at = ?",
                (now, group, NEVER),
            )

    # ---- How it is read ----

    def _rows(self, sql: str, params: Any = ()) -> list[Any]:
        return self.db.run(sql, params) if self.db.has("_message") else []

    def _priorities(self, fetched: int) -> Iterator[int]:
        """Give the priorities that there are, the highest first, with a step through the index each."""
        most = inf
        sql = f"SELECT max(priority) FROM _message WHERE (command = '') = ? AND priority < ? AND {_ALIVE}"
        while (found := self._rows(sql, (fetched, most))) and found[0][0] is not None:
            most = found[0][0]
            yield int(most)

    def _first_due(self, priority: int) -> list[float]:
        sql = f"SELECT min(due_at) FROM _message WHERE (command = '') = 0 AND priority = ? AND {_ALIVE}"
        return [moment for (moment,) in self._rows(sql, (priority,)) if moment is not None and moment < NEVER]
