"""Tasks: what runs outside of the object, and how it goes. Commands that are tasks start one, such as `http.get`.

Everything about a task is told on the topic "task": that it waits, runs, how far it is, what it writes, how it ended.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson

from objects.sdk import Between, Facility, Help, Json, Length, Moment, Seconds, command

TOPIC: Final = "task"
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
    value: Json  # the result; null until it is done
    problem: Json  # why it failed, or why it is tried again; null otherwise
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None


class Task(Facility):
    """Runs what takes long beside the object."""

    name = "task"

    @command(reads=True)
    def list_(
        self,
        state: Annotated[State | None, Help("only those")] = None,
        *,
        limit: Annotated[int, Between(1, 1_000)] = 50,
    ) -> list[Line]:
        """List this object's tasks, the newest first.

        > http get http://example.com/
        …
        > task list
        …http.get  done…
        """
        return [_line(row) for row in self.context.tasks.listed(None if state is None else [state], limit)]

    @command(reads=True)
    def show(self, task: Id = "") -> Whole:
        """Tell all about a task, with its result.

        > http get http://example.com/
        …
        > task show
        …state…done…
        """
        return _whole(self.context.tasks.find(task))

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
        return _whole(desk.cancel(desk.find(task, ["waiting", "running"])))

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
        return _whole(desk.again(desk.find(task, ["failed", "cancelled"])))


def _line(row: Any) -> Line:
    took = None
    if row.started_at is not None and row.ended_at is not None:
        took = round((row.ended_at - row.started_at).total_seconds(), 1)
    note = row.note or (row.problem or {}).get("detail", "")
    return Line(row.id, row.command, row.state, row.done, note, took)


def _whole(row: Any) -> Whole:
    value = None if row.value is None else orjson.loads(row.value)
    return Whole(
        row.id, row.command, row.shown, row.caller, row.state, row.tries, row.done, row.note, value, row.problem,
        row.created_at, row.started_at, row.ended_at,
    )  # fmt: skip
