"""A task as it is kept: started and looked at inside a call's transaction. All SQL names the schema."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, LiteralString

import orjson
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from objects.commands.registry import CommandSpec
from teams.access import Caller
from teams.limits import Limits
from teams.problems import Conflict, NoSuch, OverLimit

QUEUE: Final = "public.teams_waitingtask"
LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
OVER: Final = ("done", "failed", "cancelled")
TOPIC: Final = "task"

_COUNT = "SELECT count(*) FROM (SELECT FROM {queue} WHERE schema = %s LIMIT %s) AS waiting"
_START = (
    "WITH queued AS ("
    "INSERT INTO {queue} (schema, id, priority, place, lane, due_at) VALUES (%(schema)s, %(id)s, %(priority)s,"
    " %(place)s, %(lane)s, clock_timestamp() + make_interval(secs => %(after_s)s)))"
    " INSERT INTO {s}.task (id, object_id, command, arguments, shown, caller, caller_id, state, tells, tells_arguments)"
    " VALUES (%(id)s, %(object_id)s, %(command)s, %(arguments)s, %(shown)s, %(caller)s, %(caller_id)s, 'waiting',"
    " %(then)s, %(then_arguments)s)"
)
_COLUMNS = (
    "t.id, t.command, t.shown, t.caller, t.state, t.tries, t.done, t.note, t.value, t.problem, t.created_at,"
    " t.started_at, t.ended_at"
)
_LIST = (
    "SELECT {columns} FROM {s}.task t WHERE t.object_id = %s AND (%s::text[] IS NULL OR t.state = ANY(%s))"
    " ORDER BY t.created_at DESC, t.id DESC LIMIT %s"
)
_ONE = "SELECT {columns} FROM {s}.task t WHERE t.object_id = %s AND t.id = %s"
_OUTPUT = "SELECT text FROM {s}.task_output WHERE task_id = %s ORDER BY no"
_CANCEL_WAITING = (
    "WITH gone AS (DELETE FROM {queue} WHERE schema = %(schema)s AND id = %(id)s"
    " AND (leased_until IS NULL OR leased_until < now()) RETURNING id)"
    " UPDATE {s}.task t SET state = 'cancelled', ended_at = now(), note = '',"
    " arguments = CASE WHEN t.arguments::jsonb = t.shown THEN t.arguments END FROM gone WHERE t.id = gone.id"
)
_CANCEL_RUNNING = "UPDATE {queue} SET cancelled = true WHERE schema = %s AND id = %s"
_AGAIN = "SELECT command, arguments, shown, tells, tells_arguments FROM {s}.task WHERE object_id = %s AND id = %s"


_FORGET = (
    "WITH gone AS (DELETE FROM {s}.task WHERE id IN (SELECT t.id FROM {s}.task t WHERE t.ended_at < %s"
    " OR (t.ended_at IS NOT NULL AND NOT EXISTS (SELECT FROM {s}.object o WHERE o.id = t.object_id)) LIMIT %s)"
    " RETURNING id), silent AS (DELETE FROM {s}.task_output o USING gone WHERE o.task_id = gone.id)"
    " SELECT count(*) FROM gone"
)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as its columns tell."""

    id: str
    command: str
    shown: dict[str, Any]
    caller: str
    state: str
    tries: int
    done: float | None
    note: str
    value: str | None
    problem: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@lru_cache(maxsize=4096)
def composed(schema: str, text: LiteralString) -> bytes:
    """Give a statement for one team's schema."""
    parts = {"s": Identifier(schema), "queue": SQL(QUEUE), "columns": SQL(_COLUMNS)}
    return SQL(text).format(**parts).as_string(None).encode()


def new_id(chance: random.Random) -> str:
    """Give a name that no other task of the team has: 60 bits of chance."""
    return "".join(chance.choices(LETTERS, k=12))


@dataclass(frozen=True, slots=True)
class Start:
    """A task to be started. arguments: checked. then: a command of the same object that is told the outcome."""

    spec: CommandSpec
    arguments: Mapping[str, Any]
    then: str = ""
    then_arguments: Mapping[str, Any] | None = None
    priority: int = 0
    after_s: float = 0.0


def start(
    connection: Connection[Any],
    schema: str,
    object_id: int,
    caller: Caller,
    what: Start,
    *,
    task_id: str,
    limits: Limits,
) -> None:
    """Write a task down; it begins once the transaction is committed. Raises OverLimit."""
    waiting = connection.execute(composed(schema, _COUNT), (schema, limits.TASK_WAITING)).fetchone()
    if waiting is not None and waiting[0] >= limits.TASK_WAITING:
        raise OverLimit(
            f"{what.spec.name}: {limits.TASK_WAITING:,} tasks of this team are not over (limit TASK_WAITING). "
            "Wait for some, or cancel them.",
            retry_after_s=5,
        )
    plain = {name: _plain(what.spec, name, value) for name, value in what.arguments.items()}
    arguments, shown = orjson.dumps(plain).decode(), what.spec.masked(what.arguments)
    _insert(connection, schema, object_id, caller, task_id=task_id, what=what, arguments=arguments, shown=shown)


def started(task_id: str, spec: CommandSpec) -> dict[str, Any]:
    """Say that a task was started: for those who watch, and for who sends for a worker."""
    told = {"task": task_id, "command": spec.name, "state": "waiting"}
    return told | {"place": spec.task.place} if spec.task and spec.task.place else told


def _insert(
    connection: Connection[Any],
    schema: str,
    object_id: int,
    caller: Caller,
    *,
    task_id: str,
    what: Start,
    arguments: str,
    shown: dict[str, Any],
) -> None:
    then_arguments = None if what.then_arguments is None else Jsonb(dict(what.then_arguments))
    place = what.spec.task.place if what.spec.task else ""
    connection.execute(composed(schema, _START), {
        "schema": schema, "id": task_id, "priority": what.priority, "after_s": what.after_s, "object_id": object_id,
        "command": what.spec.name, "arguments": arguments, "shown": Jsonb(shown), "caller": caller.name,
        "caller_id": caller.id, "then": what.then, "then_arguments": then_arguments,
        "place": place, "lane": object_id if place else None,
    })  # fmt: skip


def _plain(spec: CommandSpec, name: str, value: Any) -> Any:
    """Give a checked argument as the JSON value that checks to the same again."""
    parameter = spec.by_name[name]
    plain = parameter.shape.plain
    if plain is None:
        return value
    return [plain(each) for each in value] if parameter.variadic else plain(value)


def listed(
    connection: Connection[Any], schema: str, object_id: int, states: list[str] | None, limit: int
) -> list[TaskRow]:
    """Give an object's tasks, the newest first."""
    rows = connection.execute(composed(schema, _LIST), (object_id, states, states, limit))
    return [TaskRow(*row) for row in rows]


def one(connection: Connection[Any], schema: str, object_id: int, task_id: str) -> TaskRow:
    """Give a task of an object; raises NoSuch."""
    row = connection.execute(composed(schema, _ONE), (object_id, task_id)).fetchone()
    if row is None:
        raise NoSuch(
            f"{task_id[:60]}: no such task of this object. `task list` shows those that there are.", field="task"
        )
    return TaskRow(*row)


def output(connection: Connection[Any], schema: str, task_id: str) -> str:
    """Give what a task wrote."""
    return "".join(text for (text,) in connection.execute(composed(schema, _OUTPUT), (task_id,)))


def cancel(connection: Connection[Any], schema: str, task_id: str) -> bool:
    """Cancel a task that is not over: give whether it is cancelled at once; one that runs is stopped by its worker."""
    if connection.execute(composed(schema, _CANCEL_WAITING), {"schema": schema, "id": task_id}).rowcount:
        return True
    connection.execute(composed(schema, _CANCEL_RUNNING), (schema, task_id))
    return False


def again(
    connection: Connection[Any],
    schema: str,
    object_id: int,
    caller: Caller,
    task_id: str,
    *,
    spec: CommandSpec,
    new: str,
) -> None:
    """Start a task that is over once more, under another name."""
    row = connection.execute(composed(schema, _AGAIN), (object_id, task_id)).fetchone()
    assert row is not None
    _, arguments, shown, then, then_arguments = row
    if arguments is None:
        raise Conflict(f"{task_id}: a part of its arguments was secret and is not kept. Start it anew.")
    what = Start(spec, {}, then, then_arguments)
    _insert(connection, schema, object_id, caller, task_id=new, what=what, arguments=arguments, shown=shown)


def forget(connection: Connection[Any], schema: str, before: datetime, most: int) -> int:
    """Forget tasks that were over before a moment, or whose object is gone; gives how many they were."""
    (count,) = connection.execute(composed(schema, _FORGET), (before, most)).fetchone() or (0,)
    return int(count)
