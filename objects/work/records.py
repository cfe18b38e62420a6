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

from objects.commands.spec import CommandSpec
from teams import clock
from teams.access import Caller
from teams.limits import Limits
from teams.problems import Conflict, NoSuch, OverLimit

QUEUE: Final = "public.teams_waitingtask"
# One clock for all machines: Postgres's, moved as `teams.clock` is.
NOW: Final = "(now() + make_interval(secs => %(moved_s)s))"
LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
OVER: Final = ("done", "failed", "cancelled")
TOPIC: Final = "task"

_COUNT = "SELECT count(*) FROM (SELECT FROM {queue} WHERE schema = %s LIMIT %s) AS waiting"
_START = (
    "WITH queued AS ("
    "INSERT INTO {queue} (schema, id, priority, place, lane, due_at) VALUES (%(schema)s, %(id)s, %(priority)s,"
    " %(place)s, %(lane)s, {now} + make_interval(secs => %(after_s)s)))"
    " INSERT INTO {s}.task (id, object_id, command, arguments, shown, caller, caller_id, state, tells, tells_arguments,"
    " created_at)"
    " VALUES (%(id)s, %(object_id)s, %(command)s, %(arguments)s, %(shown)s, %(caller)s, %(caller_id)s, 'waiting',"
    " %(then)s, %(then_arguments)s, {now})"
)
_COLUMNS = (
    "t.id, t.command, t.shown, t.caller, t.state, t.tries, t.done, t.note, t.value, t.problem, t.created_at,"
    " t.started_at, t.ended_at"
)
_LIST = (
    "SELECT {columns} FROM {s}.task t WHERE t.object_id = %(object_id)s"
    " AND (%(states)s::text[] IS NULL OR t.state = ANY(%(states)s)) AND %(command)s IN ('', t.command)"
    " AND (%(before)s = '' OR (t.created_at, t.id) <"
    " (SELECT b.created_at, b.id FROM {s}.task b WHERE b.object_id = %(object_id)s AND b.id = %(before)s))"
    " ORDER BY t.created_at DESC, t.id DESC LIMIT %(limit)s"
)
# In the order in which workers take them (`objects.work.queue`): always of the team with the fewest under way, those
# counted that begin meanwhile. Of each team no more are counted than can come before (a loose index scan finds them).
_PLACES = (
    "WITH RECURSIVE ours AS (SELECT id, place, due_at,"
    " row_number() OVER (PARTITION BY place ORDER BY priority DESC, due_at, id) AS number FROM ("
    "SELECT id, place, priority, due_at FROM {queue} WHERE schema = %(schema)s AND due_at <= {now}"
    " AND (leased_until IS NULL OR leased_until < {now}) ORDER BY priority DESC, due_at LIMIT %(counted)s) AS first"
    "), busy AS ("
    "SELECT schema, place, count(*) AS count FROM {queue} WHERE leased_until >= {now} GROUP BY schema, place"
    "), mine AS ("
    "SELECT ours.id, ours.place, ours.number, ours.number + coalesce(busy.count, 0) AS turn,"
    " (SELECT min(due_at) FROM ours AS first WHERE first.place = ours.place) AS due_at"
    " FROM ours LEFT JOIN busy ON busy.schema = %(schema)s AND busy.place = ours.place WHERE ours.id = ANY(%(ids)s)"
    "), team(schema) AS ("
    "(SELECT schema FROM {queue} WHERE EXISTS (SELECT FROM mine) ORDER BY schema LIMIT 1) UNION ALL"
    " SELECT (SELECT q.schema FROM {queue} q WHERE q.schema > team.schema ORDER BY q.schema LIMIT 1)"
    " FROM team WHERE team.schema IS NOT NULL"
    "), others AS ("
    "SELECT last.place, waits.count, waits.due_at, coalesce(busy.count, 0) AS busy FROM team"
    " CROSS JOIN (SELECT place, max(turn) AS turn FROM mine GROUP BY place) AS last"
    " CROSS JOIN LATERAL (SELECT count(*) AS count, min(due_at) AS due_at FROM ("
    "SELECT due_at FROM {queue} q WHERE q.schema = team.schema AND q.place = last.place AND q.due_at <= {now}"
    " AND (q.leased_until IS NULL OR q.leased_until < {now}) ORDER BY q.due_at LIMIT last.turn) AS w) AS waits"
    " LEFT JOIN busy ON busy.schema = team.schema AND busy.place = last.place"
    " WHERE team.schema <> %(schema)s AND waits.count > 0"
    ") SELECT mine.id, (mine.number + coalesce(sum(greatest(0, least(others.count,"
    " mine.turn - others.busy - (others.due_at >= mine.due_at)::int))), 0))::bigint"
    " FROM mine LEFT JOIN others ON others.place = mine.place GROUP BY mine.id, mine.number"
)
_BENEATH: Final = (
    "o.path, o.kind FROM {s}.object o WHERE o.id = t.object_id AND o.trashed_at IS NULL"
    " AND (o.path = %(path)s OR starts_with(o.path, %(below)s)) AND %(kind)s IN ('', o.kind)"
)
_GOING_BENEATH = (
    "SELECT {columns}, place.path, place.kind FROM {queue} q JOIN {s}.task t ON t.id = q.id AND t.ended_at IS NULL"
    " CROSS JOIN LATERAL (SELECT {beneath}) AS place WHERE q.schema = %(schema)s"
    " ORDER BY t.state, q.priority DESC, q.due_at, t.id LIMIT %(most)s"  # by state: running comes before waiting
)
_FAILED_BENEATH = (
    "SELECT {columns}, place.path, place.kind FROM {s}.task t CROSS JOIN LATERAL (SELECT {beneath}) AS place"
    " WHERE t.ended_at > {now} - make_interval(secs => %(within_s)s) AND t.state = 'failed'"
    " ORDER BY t.ended_at DESC, t.id LIMIT %(most)s"
)
_PIECES = "SELECT no, text FROM {s}.task_output WHERE task_id = %s AND no > %s ORDER BY no LIMIT %s"
COUNTED: Final = 1_000  # places in the queue that are told
_ONE = "SELECT {columns} FROM {s}.task t WHERE t.object_id = %s AND t.id = %s"
_OUTPUT = "SELECT text FROM {s}.task_output WHERE task_id = %s ORDER BY no"
_CANCEL_WAITING = (
    "WITH gone AS (DELETE FROM {queue} WHERE schema = %(schema)s AND id = %(id)s"
    " AND (leased_until IS NULL OR leased_until < {now}) RETURNING id)"
    " UPDATE {s}.task t SET state = 'cancelled', ended_at = {now}, note = '',"
    " arguments = CASE WHEN t.arguments::jsonb = t.shown THEN t.arguments END FROM gone WHERE t.id = gone.id"
    " RETURNING t.caller_id, t.tells, t.tells_arguments"
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
    team = Identifier(schema)
    parts = {
        "s": team, "queue": SQL(QUEUE), "columns": SQL(_COLUMNS), "now": SQL(NOW),
        "beneath": SQL(_BENEATH).format(s=team),
    }  # fmt: skip
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


@dataclass(frozen=True, slots=True)
class Then:
    """How a task is started that the platform starts: the command that is told how it ended, and when it begins."""

    command: str = ""
    arguments: Mapping[str, Any] | None = None
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
        "caller_id": caller.id, "then": what.then, "then_arguments": then_arguments, "moved_s": clock.moved_s(),
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
    connection: Connection[Any],
    schema: str,
    object_id: int,
    states: list[str] | None,
    limit: int,
    *,
    command: str = "",
    before: str = "",
) -> list[TaskRow]:
    """Give an object's tasks, the newest first. before: only those older than this one."""
    rows = connection.execute(
        composed(schema, _LIST),
        {"object_id": object_id, "states": states, "limit": limit, "command": command, "before": before},
    )
    return [TaskRow(*row) for row in rows]


def places(connection: Connection[Any], schema: str, ids: list[str]) -> dict[str, int]:
    """Tell the places of tasks among all that wait for the same workers, of other teams, too, from 1.

    As it would go if nobody came any more. Those far behind are left out, and those that are not due yet.
    """
    if not ids:
        return {}
    asked = {"schema": schema, "ids": ids, "counted": COUNTED, "moved_s": clock.moved_s()}
    return dict(connection.execute(composed(schema, _PLACES), asked).fetchall())


@dataclass(frozen=True, slots=True)
class Beneath:
    """Which tasks are looked for, of objects at and beneath a path. within_s: how long ago one may have failed."""

    path: str
    kind: str
    most: int
    within_s: float = 0.0


def beneath(connection: Connection[Any], schema: str, where: Beneath) -> list[tuple[TaskRow, str, str]]:
    """Give tasks with path and kind of their objects: those that run or wait; with `within_s` those that failed."""
    text = composed(schema, _FAILED_BENEATH if where.within_s else _GOING_BENEATH)
    below = where.path.rstrip("/") + "/"
    asked = {
        "schema": schema, "path": where.path, "below": below, "kind": where.kind, "most": where.most,
        "within_s": where.within_s, "moved_s": clock.moved_s(),
    }  # fmt: skip
    return [(TaskRow(*row[:-2]), row[-2], row[-1]) for row in connection.execute(text, asked)]


def pieces(connection: Connection[Any], schema: str, task_id: str, after: int, limit: int) -> list[tuple[int, str]]:
    """Give what a task wrote, piece by piece, each with its number."""
    return connection.execute(composed(schema, _PIECES), (task_id, after, limit)).fetchall()


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


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A task that was cancelled before it began. then: the command that is told; "" where none is."""

    caller_id: str
    then: str
    then_arguments: dict[str, Any]


def cancel(connection: Connection[Any], schema: str, task_id: str) -> Cancelled | None:
    """Cancel a task that is not over; gives it where it is over now. One that runs is stopped by its worker."""
    asked = {"schema": schema, "id": task_id, "moved_s": clock.moved_s()}
    row = connection.execute(composed(schema, _CANCEL_WAITING), asked).fetchone()
    if row is not None:
        caller_id, then, then_arguments = row
        return Cancelled(caller_id, then, then_arguments or {})
    connection.execute(composed(schema, _CANCEL_RUNNING), (schema, task_id))
    return None


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
