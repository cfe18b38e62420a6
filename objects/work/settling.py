"""How a task ends: one transaction takes it off the queue, under its lease, and runs what wants the outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from objects.work.queue import Taken
from objects.work.records import composed
from teams import clock
from teams.problems import Conflict

if TYPE_CHECKING:
    from objects.engine.context import Context

_SETTLE: Final = (
    "WITH mine AS (DELETE FROM {queue} WHERE schema = %(schema)s AND id = %(id)s AND lease = %(lease)s RETURNING id)"
    " UPDATE {s}.task t SET state = %(state)s, ended_at = {now}, value = %(value)s, problem = %(problem)s,"
    " settled_by = %(lease)s, note = '', done = CASE WHEN %(state)s = 'done' THEN NULL ELSE t.done END,"
    " arguments = CASE WHEN t.arguments::jsonb = t.shown THEN t.arguments END"
    " FROM mine WHERE t.id = mine.id"
)
_SETTLED_BY: Final = "SELECT settled_by FROM {s}.task WHERE id = %s"
_TRY_AGAIN: Final = "UPDATE {s}.task SET state = 'waiting', problem = %s, note = '' WHERE id = %s AND ended_at IS NULL"


class LeaseLost(Exception):  # noqa: N818 -- a state of affairs
    """Another worker has the task by now: what came out here does not count."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What came out of a task.

    state: done, failed or cancelled. problem: the members of a Problem.
    effect: a command of the object, with arguments, that is part of the outcome. gives: its result is the task's.
    keeps: what whoever ran it keeps in the object, in the same transaction, however the task ended.
    """

    state: str
    value: Any = None
    problem: dict[str, Any] | None = None
    effect: tuple[str, dict[str, Any]] | None = None
    gives: bool = False
    keeps: Callable[["Context"], None] | None = None


def within(taken: Taken, ending: Ending, lost: list[bool]) -> Callable[["Context"], Any]:
    """Give what settles a task inside a call's transaction, and gives the task's value.

    lost: gets an entry where the lease is lost; nothing is done then.
    """

    def settle(context: "Context") -> Any:
        value = ending.value
        if ending.keeps is not None:
            ending.keeps(context)
        if ending.effect is not None:
            command, arguments = ending.effect
            given = context.call(context.path, command, **arguments)
            value = given if ending.gives else value
        if not write(context.pg.connection, taken, ending, value):
            lost.append(True)
            raise Conflict(f"{taken.id}: another worker has this task.")
        if taken.then:
            context.call(context.path, taken.then, **(taken.then_arguments | _told(taken, ending, value)))
        return value

    return settle


def _told(taken: Taken, ending: Ending, value: Any) -> dict[str, Any]:
    problem = cancelled(taken.id) if ending.state == "cancelled" else ending.problem
    return {"task": taken.id, "value": value, "problem": problem}


def cancelled(task_id: str) -> dict[str, Any]:
    """Give what the command is told that wants the outcome of a task that was cancelled."""
    return Conflict(f"{task_id}: was cancelled.").members()


def write(connection: Connection[Any], taken: Taken, ending: Ending, value: Any) -> bool:
    """Take a task off the queue and write down how it ended; False where the lease is lost."""
    encoded = None if ending.state != "done" else orjson.dumps(value).decode()
    written = connection.execute(composed(taken.schema, _SETTLE), {
        "schema": taken.schema, "id": taken.id, "lease": taken.lease, "state": ending.state, "value": encoded,
        "problem": None if ending.problem is None else Jsonb(ending.problem), "moved_s": clock.moved_s(),
    })  # fmt: skip
    return written.rowcount == 1


def is_mine(connection: Connection[Any], taken: Taken) -> bool:
    """Whether the task was settled under this lease: for a commit that got no answer."""
    row = connection.execute(composed(taken.schema, _SETTLED_BY), (taken.id,)).fetchone()
    return row is not None and row[0] == taken.lease


def will_try_again(connection: Connection[Any], taken: Taken, problem: dict[str, Any]) -> None:
    """Write down why a task is begun again."""
    try:
        connection.execute(composed(taken.schema, _TRY_AGAIN), (Jsonb(problem), taken.id))
    except psycopg.errors.UndefinedTable:  # the team is gone
        return
