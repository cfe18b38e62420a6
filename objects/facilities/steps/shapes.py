"""What runs and their steps look like to who asks."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from objects.sdk import Help, Json, Length, Moment, ObjectPath, Seconds

OVER: Final = ("done", "failed", "cancelled")

State = Literal["going", "waiting", "undoing", "done", "failed", "cancelled"]
RunId = Annotated[str, Length(0, 60), Help("which run; left out, the newest")]


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a plan: one of do, sleep, event and approval."""

    do: str = ""  # a command
    arguments: dict[str, Json] | None = None
    at: ObjectPath = ""  # of another object; left out, of this one
    undo: str = ""  # a command of the same object, where the run fails later
    undo_arguments: dict[str, Json] | None = None
    tries: int = 1
    sleep: Seconds | None = None
    event: str = ""
    approval: str = ""
    role: Literal["viewer", "editor", "admin", "owner"] = "editor"
    seconds: Seconds | None = None  # how long an event or an approval is waited for
    name: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was begun, or went on."""

    run: str
    state: State


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list."""

    run: str
    what: str
    state: State
    at: str  # the step that it waits in, or failed in
    waits: Literal["", "step", "sleep", "event", "approval", "task", "undo"]  # for what, where it waits
    began_at: Moment
    ended_at: Moment | None
    due_at: Moment | None  # when it goes on by itself at the latest
    steps: int  # that are done


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step on the time line."""

    name: str
    sort: Literal["step", "sleep", "event", "approval", "task", "undo"]
    state: Literal["waiting", "done", "failed", "undone"]
    began_at: Moment
    took: Seconds | None
    due_at: Moment | None
    tries: int
    value: Json
    detail: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run with its steps in the order in which they began."""

    run: str
    what: str
    arguments: dict[str, Json]
    state: State
    began_at: Moment
    ended_at: Moment | None
    value: Json
    problem: Json
    steps: list[StepLine]


def name_of(item: Item, number: int) -> str:
    """Name a part of a plan, where it has no name of its own by what it does."""
    return item.name or item.do or item.event or item.approval or f"sleep {number}"
