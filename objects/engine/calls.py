"""What goes into the engine and what comes out of it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from objects.commands.types import Content
from teams.access import Caller
from teams.limits import Limits
from teams.problems import Problem

if TYPE_CHECKING:
    from objects.engine.context import Context
    from objects.engine.holding import Seen

log = logging.getLogger("grove.engine")


@dataclass(slots=True)
class Call:
    """One command asked of one object.

    arguments: by name, as JSON values or as the words of a terminal line; the registry converts and checks them.
    key: idempotency key; a key that this caller used on this object before gives the answer of then.
    via: the surface: "http", "socket", "page", "terminal", "worker".
    text: the arguments are words as people write them (a form, a query string, a terminal line), not JSON values.
    create: make the object of this kind first where there is none, if the caller may.
    confirmed: the caller said yes to a dangerous command.
    work: what the platform itself does in the object instead of a command, with its Context; `command` only names it.
    reply: told the outcome once, from an engine thread or the loop that runs it, after the commit.
    """

    schema: str
    path: str
    command: str
    arguments: dict[str, Any]
    caller: Caller
    reply: Callable[["Outcome"], None]
    key: str | None = None
    via: str = "http"
    text: bool = False
    create: str | None = None
    confirmed: bool = False
    work: Callable[["Context"], Any] | None = None
    seconds: float = 0.0  # that it may take, for what brings a large file: see `seconds_for`; 0 is CALL_SECONDS
    deadline: float = 0.0  # time.monotonic() after which nobody waits for the answer; set by the engine
    needs: frozenset[str] = frozenset()  # further paths that an earlier try of this call had to lock
    quick: bool = False  # an event loop may run it itself: see `on_loop`
    seen: "Seen | None" = None  # its object as it was read ahead: see `waking`
    answered: bool = False

    def answer(self, outcome: "Outcome") -> None:
        """Tell the outcome, once: what comes after the first is dropped. Never raises."""
        if self.answered:
            return
        self.answered = True
        try:
            self.reply(outcome)
        except Exception:
            log.exception("nobody could be told how a call ended: %s on %s", self.command, self.path)


def seconds_for(arguments: Mapping[str, Any], limits: Limits) -> float:
    """Give the `seconds` of a call with these arguments."""
    brings = sum(each.size for each in arguments.values() if isinstance(each, Content))
    return limits.LARGE_CALL_SECONDS if brings > limits.BODY_BYTES else 0.0


@dataclass(slots=True)
class Outcome:
    """How a call ended.

    value: the result as plain JSON values; None when there is a problem.
    version: the object's version after the call.
    replayed: the answer was stored under the idempotency key earlier.
    """

    value: Any = None
    problem: Problem | None = None
    version: int = 0
    replayed: bool = False


@dataclass(slots=True)  # frozen would take three times as long to make, and there is one a call
class Event:
    """Something that subscribers of an object hear, after the commit. Nobody changes it."""

    schema: str
    path: str
    topic: str
    data: Any
    version: int
    at: float  # Unix seconds
