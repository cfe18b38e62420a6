"""Tasks: what runs outside of the object, and how it goes. Commands that are tasks start one, such as `http.get`.

Everything about a task is told on the topic "task": that it waits, runs, how far it is, what it writes, how it ended.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson

from objects.sdk import (
    AtLeast,
    Between,
    Facility,
    Help,
    Json,
    Length,
    Moment,
    ObjectPath,
    Seconds,
    Tab,
    command,
)
from objects.work.records import Beneath

TOPIC: Final = "task"
AGENDA_ROWS: Final = 5_000  # that are looked at for those that the caller sees
LATELY_S: Final = 86_400.0
State = Literal["waiting", "running", "done", "failed", "cancelled"]

Id = Annotated[str, Length(0, 60), Help("which one; left out, the newest")]


@dataclass(frozen=True, slots=True)
class Line:
    """A task in a list."""

    task: str
    command: str
    state: State
    done: float | None  # the part, 0 to 1; null where nobody knows
    note: str  # what it does now, or why it failed
    took: Seconds | None
    tries: int
    place: int | None  # in the queue before the workers, from 1; null beyond 1,000 and where it does not wait
    created_at: Moment
    caller: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A task somewhere in the tree."""

    path: ObjectPath
    kind: str
    task: str
    command: str
    state: State
    done: float | None
    note: str
    since: Moment  # it began to run, or to wait, or was over


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what a task wrote."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A task with all that is known of it."""

    task: str
    command: str
    arguments: dict[str, Json]
    caller: str
    state: State
    tries: int
    done: float | None
    note: str
    place: int | None  # in the queue before the workers, from 1; null where it does not wait
    value: Json  # the result; null until it is done
    problem: Json  # why it failed, or why it is tried again; null otherwise
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None


class Task(Facility):
    """Runs what takes long beside the object."""

    name = "task"
    tab = Tab("Tasks", order=220)

    @command(reads=True)
    def list_(
        self,
        state: Annotated[State | None, Help("only those")] = None,
        *,
        command: Annotated[str, Length(0, 100), Help("only those of this command")] = "",
        before: Annotated[str, Length(0, 60), Help("only those older than this one; the last of the list before")] = "",
        limit: Annotated[int, Between(1, 1_000)] = 50,
    ) -> list[Line]:
        """List this object's tasks, the newest first.

        > http get http://example.com/
        …
        > task list
        …http.get  done…
        """
        desk = self.context.tasks
        rows = desk.listed(None if state is None else [state], limit, command=command, before=before)
        places = desk.places(rows)
        return [_line(row, places.get(row.id)) for row in rows]

    @command(reads=True)
    def agenda(
        self,
        *,
        failed: Annotated[bool, Help("those that failed in the last day instead")] = False,
        kind: Annotated[str, Length(0, 60), Help("only of objects of this kind")] = "",
        limit: Annotated[int, Between(1, 1_000)] = 50,
    ) -> list[Entry]:
        """Tell the tasks of this object and all beneath it that run or wait; those that run first.

        > http get http://example.com/ &
        …
        > task agenda
        path …
        """
        where = Beneath(self.context.path, kind, AGENDA_ROWS, LATELY_S if failed else 0.0)
        sees = self.context.caller.sees
        found = [_entry(row, path, kind) for row, path, kind in self.context.tasks.beneath(where) if sees(path)]
        return found[:limit]

    @command(reads=True)
    def show(self, task: Id = "") -> Whole:
        """Tell all about a task, with its result.

        > http get http://example.com/
        …
        > task show
        …state…done…
        """
        return self._whole(self.context.tasks.find(task))

    @command(reads=True)
    def output(self, task: Id = "") -> str:
        """Tell what a task has written so far.

        > http get http://example.com/
        …
        > task output
        GET http://example.com/
        200, 11B…
        """
        return str(self.context.tasks.output(self.context.tasks.find(task).id))

    @command(reads=True)
    def pieces(
        self,
        task: Id = "",
        *,
        after: Annotated[int, AtLeast(0), Help("only those after this number")] = 0,
        limit: Annotated[int, Between(1, 1_000)] = 200,
    ) -> list[Piece]:
        """Tell what a task has written piece by piece, for who has read a part of it already.

        > http get http://example.com/
        …
        > task pieces
        number  text
        …
        """
        desk = self.context.tasks
        return [Piece(*each) for each in desk.pieces(desk.find(task).id, after, limit)]

    @command(reads=True, streams=TOPIC)
    def watch(self) -> list[Line]:
        """Tell the tasks now, then everything about them as it happens, until you unsubscribe.

        > http get http://example.com/
        …
        > task watch
        …http.get  done…
        """
        return self.list_(limit=20)

    @command
    def cancel(self, task: Id = "") -> Whole:
        """Stop a task that is not over. What it has changed until then stays.

        > http get http://example.com/ &
        …
        > task cancel
        …state…cancelled…
        """
        desk = self.context.tasks
        return self._whole(desk.cancel(desk.find(task, ["waiting", "running"])))

    @command
    def retry(self, task: Id = "") -> Whole:
        """Start a task that is over once more, as another task with your rights.

        > http get http://example.com/ &
        …
        > task cancel
        …
        > task retry
        …state…waiting…
        """
        desk = self.context.tasks
        return self._whole(desk.again(desk.find(task, ["failed", "cancelled"])))

    def _whole(self, row: Any) -> Whole:
        value = None if row.value is None else orjson.loads(row.value)
        place = self.context.tasks.places([row]).get(row.id)
        return Whole(
            row.id, row.command, row.shown, row.caller, row.state, row.tries, row.done, row.note, place, value,
            row.problem, row.created_at, row.started_at, row.ended_at,
        )  # fmt: skip


def _line(row: Any, place: int | None) -> Line:
    took = None
    if row.started_at is not None and row.ended_at is not None:
        took = round((row.ended_at - row.started_at).total_seconds(), 1)
    return Line(
        row.id, row.command, row.state, row.done, _note(row), took, row.tries, place, row.created_at, row.caller
    )  # fmt: skip


def _note(row: Any) -> str:
    return str(row.note or (row.problem or {}).get("detail", ""))


def _entry(row: Any, path: str, kind: str) -> Entry:
    since = row.ended_at or (row.started_at if row.state == "running" else row.created_at) or row.created_at
    return Entry(path, kind, row.id, row.command, row.state, row.done, _note(row), since)
