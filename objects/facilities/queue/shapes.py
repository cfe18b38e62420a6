"""What the queue's commands take and answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import orjson

from objects.sdk import AtLeast, Between, Help, Json, Length, Moment, Seconds
from objects.timing.lines import shown
from objects.timing.messages import NEVER, Message
from objects.timing.wallclock import utc

Key = Annotated[str, Length(1, 200)]
Delay = Annotated[Seconds, Between(0, 366 * 86_400)]
Lease = Annotated[Seconds, Between(1, 12 * 3_600), Help("how long it is yours; then others may have it")]
Receipt = Annotated[str, Length(1, 60), Help("what `queue receive` gave with it")]
Number = Annotated[int, AtLeast(1), Help("the message's number")]
State = Literal["on", "paused", "draining"]


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message that waits. new: whether this call made it; one with the same key waited already otherwise."""

    number: int
    due: Moment | None  # null while it is behind others of its group
    new: bool


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is yours until the lease ends."""

    number: int
    receipt: str
    body: Json
    attempts: int  # this one included
    group: str
    sent: Moment
    until: Moment


@dataclass(frozen=True, slots=True)
class Look:
    """A message as it is in the queue. what: its command, or its body where somebody fetches it."""

    number: int
    what: str
    path: str
    state: Literal["due", "delayed", "behind", "leased", "dead"]
    due: Moment | None
    priority: int
    attempts: int
    group: str
    key: str
    problem: str
    sent: Moment


@dataclass(frozen=True, slots=True)
class Looks:
    """Some messages by number."""

    messages: list[Look]
    next: int | None  # hand it in as `after` for what follows; null when that was all


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the queue is. age: of the longest waiting message that is due."""

    state: State
    waiting: int
    due: int
    delayed: int
    leased: int
    dead: int
    age: Seconds


@dataclass(frozen=True, slots=True)
class DepthAt:
    """How many messages waited at most in the minute that began at a moment. Between two, as many as at the first."""

    at: Moment
    waiting: int


def moment(unix: float) -> datetime | None:
    return None if unix == NEVER else utc(unix)


def look(message: Message, now: float) -> Look:
    state: Literal["due", "delayed", "behind", "leased", "dead"]
    if message.dead_at is not None:
        state = "dead"
    elif message.due_at == NEVER:
        state = "behind"
    elif message.due_at <= now:
        state = "due"
    else:
        state = "leased" if message.receipt is not None else "delayed"
    content = message.content
    return Look(
        number=message.number,
        what=shown(message.command, content) if message.command else orjson.dumps(content).decode()[:200],
        path=message.path,
        state=state,
        due=moment(message.due_at),
        priority=message.priority,
        attempts=message.attempts,
        group=message.grp or "",
        key=message.dedupe or "",
        problem=message.problem or "",
        sent=utc(message.sent_at),
    )
