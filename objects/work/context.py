"""What a task may touch, in its own process: the network, other objects by calls, and those who watch."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from objects.commands.log import one_line
from objects.network.client import Answer, Request, fetch
from teams.access import Caller
from teams.limits import Limits
from teams.problems import Problem

NOTE_CHARS: Final = 200


class TryAgain(Problem):
    """It did not work now and may later: the task is begun again, as often as it may be, and fails with this then.

    after_s: seconds until then; where it is not given, the task's own pause, doubled each time.
    """

    type, title, status = "try-again", "It did not work this time", 503

    def __init__(self, detail: str, *, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Errand:
    """What a task's process is sent to do."""

    task: str
    tries: int
    path: str
    kind: str
    command: str
    arguments: str
    caller: Caller
    now: float
    moved_s: float = 0.0  # by which the clock is ahead of the machine's
    object_id: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """The result of the command that ends the task is the task's own: what `finish_with` gives, to be returned."""


class TaskContext:
    """One try of a task. There is no database: what the object has is asked for by `call`.

    task: its id. tries: which try this is, from 1. now: Unix seconds at its beginning; `clock()` is the time of day.
    """

    def __init__(
        self,
        errand: Errand,
        *,
        limits: Limits,
        ask: Callable[..., Any],
        tell: Callable[..., None],
        facilities: Callable[[str], type[Any]],
    ) -> None:
        self.task = errand.task
        self.tries = errand.tries
        self.path = errand.path
        self.kind = errand.kind
        self.caller = errand.caller
        self.now = errand.now
        self._moved_s = errand.moved_s
        self.limits = limits
        self.effect: tuple[str, dict[str, Any]] | None = None
        self._ask = ask
        self._tell = tell
        self._facilities = facilities

    def clock(self) -> float:
        """Give the Unix seconds of now."""
        return time.time() + self._moved_s

    def call(self, path: str, command: str, **arguments: Any) -> Any:
        """Run a command of an object, this one too, as a transaction of its own; raises what it refuses with.

        It takes effect now, whether or not the task ends well, and again where the task is begun again.
        """
        return self._ask(path, command, arguments)

    def finish_with(self, command: str, **arguments: Any) -> Finish:
        """Have a command of this object run in the transaction that ends the task: once, whatever crashes.

        Where the task returns what this gives, the command's result is the task's. A refusal makes the task fail.
        """
        self.effect = (command, arguments)
        return Finish()

    def fetch(self, request: Request) -> Answer:
        """Ask another site for something; see `objects.network.client.fetch`. How much came is told as progress."""
        return fetch(request, tells=lambda came, of: self.progress(came / of if of else None, f"{came:,} bytes"))

    def progress(self, done: float | None, note: str = "") -> None:
        """Tell those who watch how far it is: done: 0 to 1; None where nobody knows."""
        part = None if done is None else min(1.0, max(0.0, done))
        self._tell("progress", part, note.replace("\0", "")[:NOTE_CHARS])

    def write(self, text: str) -> None:
        """Add to the task's output; those who watch see it at once."""
        self._tell("output", text.replace("\0", "�"))

    def log(self, text: str, **fields: Any) -> None:
        """Add a line to the task's output: a constant text, and what differs as fields, which are JSON values."""
        self.write(one_line(text, fields) + "\n")

    def facility(self, name: str) -> Any:
        """Give one of the object's facilities, within the same bounds."""
        return self._facilities(name)(self)

    def __getattr__(self, name: str) -> Any:
        if name in ("authorize", "db", "emit", "pg", "random", "settings", "start", "tasks"):
            raise self._no(name)
        raise AttributeError(name)

    def _no(self, name: str) -> TypeError:
        return TypeError(
            f"a task has no `{name}`: it runs outside of the object. Call a command of the object for that."
        )


def problem_of(members: Mapping[str, Any]) -> Problem:
    """Make a problem of its members, as another process told them."""
    known: dict[str, type[Problem]] = {}
    waiting = [Problem]
    while waiting:
        each = waiting.pop()
        known.setdefault(each.type, each)
        waiting += each.__subclasses__()
    made = Problem(str(members.get("detail", "")), field=members.get("field"), retry_after_s=members.get("retry_after"))
    found = known.get(str(members.get("type")), Problem)
    made.__class__ = found if found.__init__ is Problem.__init__ or found.type == "wrong-argument" else Problem
    taken = ("type", "title", "status", "detail", "field", "retry_after")
    made.extra = {name: value for name, value in members.items() if name not in taken}
    return made
