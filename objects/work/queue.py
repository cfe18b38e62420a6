"""What workers choose from: fair among teams, most urgent first within one, under a lease.

The team with the fewest tasks under way comes first, then the one that waits longest. A worker gives a team one more
only while more of its places are free than the team already has there: so however much one team has waiting, some
places are left for the others.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg import Connection

from objects.work.records import NOW, QUEUE, composed
from teams import clock
from teams.plans import AWAKE_SILENT_S

PATIENCE_S: Final = 2.0  # that a task waits for the host on which its object's browser is awake
SILENT_S: Final = 3.0  # without a sign of life, after which it is asked whether a worker still is there
HOLDERS: Final = 0x47726F76  # "Grov", the class of the advisory locks that workers hold for as long as they live

# The teams with something to do: one look into the index a team, however many tasks each has (a loose index scan).
_TEAMS: Final = f"""
WITH RECURSIVE team(schema) AS (
  (SELECT schema FROM {QUEUE} ORDER BY schema LIMIT 1)
  UNION ALL
  SELECT (SELECT q.schema FROM {QUEUE} q WHERE q.schema > team.schema ORDER BY q.schema LIMIT 1)
  FROM team WHERE team.schema IS NOT NULL
), busy AS (
  SELECT schema, count(*) AS count FROM {QUEUE} WHERE place = %(place)s AND leased_until >= {NOW} GROUP BY schema
)
SELECT team.schema
FROM team
CROSS JOIN LATERAL (
  SELECT due_at FROM {QUEUE} q WHERE q.schema = team.schema AND q.place = %(place)s AND q.due_at <= {NOW}
  AND (q.leased_until IS NULL OR q.leased_until < {NOW}) ORDER BY q.due_at LIMIT 1
) first
LEFT JOIN busy ON busy.schema = team.schema
ORDER BY coalesce(busy.count, 0), first.due_at
"""  # noqa: S608 -- of constants

# A task whose object's browser is awake on another host is that host's for a moment: elsewhere it would be built anew.
_ELSEWHERE: Final = f"""
  SELECT a.holder FROM public.teams_awakebrowser a WHERE a.schema = w.schema AND a.object_id = w.lane
  AND a.holder <> %(holder)s AND a.seen_at > now() - make_interval(secs => %(awake)s)
  AND w.due_at > {NOW} - make_interval(secs => %(patience)s)
"""  # noqa: S608 -- of constants

_TAKE: Final = f"""
WITH chosen AS MATERIALIZED (
  SELECT schema, id, lease FROM {QUEUE} w WHERE schema = %(schema)s AND place = %(place)s AND due_at <= {NOW}
  AND (leased_until IS NULL OR leased_until < {NOW})
  AND (lane IS NULL OR NOT EXISTS (
    SELECT FROM {QUEUE} o WHERE o.schema = w.schema AND o.lane = w.lane AND o.leased_until >= {NOW}))
  AND (place = '' OR NOT EXISTS ({_ELSEWHERE}))
  ORDER BY priority DESC, due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE {QUEUE} q SET lease = %(lease)s, leased_until = {NOW} + make_interval(secs => %(seconds)s), tries = q.tries + 1,
  holder = %(holder)s, lost = q.lost + (chosen.lease IS NOT NULL)::int
FROM chosen WHERE q.schema = chosen.schema AND q.id = chosen.id
RETURNING q.id, q.tries, q.lost, chosen.lease IS NOT NULL
"""  # noqa: S608 -- of constants

_WANTED: Final = f"""
SELECT DISTINCT there.holder FROM {QUEUE} w CROSS JOIN LATERAL ({_ELSEWHERE}) there
WHERE w.place = %(place)s AND w.due_at <= {NOW} AND (w.leased_until IS NULL OR w.leased_until < {NOW})
"""  # noqa: S608 -- of constants

_EXTEND: Final = f"""
UPDATE {QUEUE} q SET leased_until = {NOW} + make_interval(secs => %(seconds)s), holder = %(holder)s
FROM unnest(%(schemas)s::text[], %(ids)s::text[], %(leases)s::text[]) AS held(schema, id, lease)
WHERE q.schema = held.schema AND q.id = held.id AND q.lease = held.lease RETURNING q.lease, q.cancelled
"""  # noqa: S608 -- of constants

_RELEASE: Final = f"""
UPDATE {QUEUE} SET lease = NULL, leased_until = NULL, holder = NULL, due_at = {NOW} + make_interval(secs => %(seconds)s)
WHERE schema = %(schema)s AND id = %(id)s AND lease = %(lease)s
"""  # noqa: S608 -- of constants

# Whose last sign of life is not old is not asked about: right after Postgres was away nobody has a lock yet.
_FREE: Final = f"""
UPDATE {QUEUE} q SET leased_until = {NOW} - interval '1 millisecond'
WHERE holder IS NOT NULL AND leased_until >= {NOW}
AND leased_until < {NOW} + make_interval(secs => %(seconds)s - %(silent)s)
AND NOT EXISTS (
  SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid::bigint = {HOLDERS} AND l.objsubid = 2
  AND l.objid::bigint = q.holder AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
RETURNING q.place
"""  # noqa: S608 -- of constants

_DUE: Final = f"""
SELECT place, count(*) FROM (
  SELECT place FROM {QUEUE} WHERE due_at <= {NOW} AND (leased_until IS NULL OR leased_until < {NOW}) LIMIT %(most)s
) AS due GROUP BY place
"""  # noqa: S608 -- of constants

_DROP: Final = f"DELETE FROM {QUEUE} WHERE schema = %s"  # noqa: S608 -- of constants

_BEGIN: Final = (
    "UPDATE {s}.task t SET state = 'running', started_at = {now}, tries = %(tries)s, done = NULL, note = ''"
    " WHERE t.id = %(id)s RETURNING t.object_id, t.command, t.arguments, t.caller_id, t.tells, t.tells_arguments"
)
_PLACE: Final = "SELECT path, kind FROM {s}.object WHERE id = %s AND trashed_at IS NULL"


@dataclass(frozen=True, slots=True)
class Taken:
    """A task that this worker has under a lease.

    path, kind: of its object, "" where it is gone or in the trash. was_lost: another worker died with it.
    """

    schema: str
    id: str
    lease: str
    tries: int
    lost: int
    was_lost: bool
    object_id: int
    path: str
    kind: str
    command: str
    arguments: str
    caller_id: str
    then: str
    then_arguments: dict[str, Any]


def take(
    connection: Connection[Any], lease_s: float, may: Callable[[str], bool], place: str = "", holder: int | None = None
) -> Taken | None:
    """Take the task whose turn it is at a place, of a team that `may` have one more; None where there is none.

    connection: in autocommit mode. holder: the number of this process, under which it has entered.
    """
    for (schema,) in connection.execute(_TEAMS, {"place": place, "moved_s": clock.moved_s()}).fetchall():
        if not may(schema):
            continue
        lease = uuid4().hex
        asked = {
            "schema": schema, "place": place, "lease": lease, "seconds": lease_s, "moved_s": clock.moved_s(),
            "holder": holder, "awake": AWAKE_SILENT_S, "patience": PATIENCE_S,
        }  # fmt: skip
        found = connection.execute(_TAKE, asked).fetchone()
        if found is None:
            continue
        task_id, tries, lost, was_lost = found
        taken = _begun(connection, schema, task_id, lease, tries, lost, was_lost=was_lost)
        if taken is not None:
            return taken
    return None


def wanted(connection: Connection[Any], place: str, holder: int) -> list[int]:
    """Name the other processes at a place that tasks wait for, since what they need is awake there."""
    asked = {
        "place": place, "holder": holder, "awake": AWAKE_SILENT_S, "patience": PATIENCE_S, "moved_s": clock.moved_s(),
    }  # fmt: skip
    return [each for (each,) in connection.execute(_WANTED, asked)]


def _begun(
    connection: Connection[Any], schema: str, task_id: str, lease: str, tries: int, lost: int, *, was_lost: bool
) -> Taken | None:
    begun = {"tries": tries, "id": task_id, "moved_s": clock.moved_s()}
    try:
        row = connection.execute(composed(schema, _BEGIN), begun).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):  # the team is gone
        connection.execute(_DROP, (schema,))
        return None
    if row is None:
        raise LookupError(f"{schema}: the task {task_id} is waiting, but there is none")
    object_id, command, arguments, caller_id, then, then_arguments = row
    path, kind = connection.execute(composed(schema, _PLACE), (object_id,)).fetchone() or ("", "")
    return Taken(
        schema, task_id, lease, tries, lost, was_lost, object_id, path, kind, command, arguments or "{}", caller_id,
        then, then_arguments or {},
    )  # fmt: skip


def enter(connection: Connection[Any], holder: int) -> int:
    """Be known as alive under a number, or where somebody has it the next, for as long as the connection lasts."""
    while connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (HOLDERS, holder)).fetchone() != (True,):
        holder = (holder + 1) % (1 << 31)
    return holder


def free(connection: Connection[Any], lease_s: float) -> dict[str, int]:
    """End the leases of processes that are there no more; gives how many there were at each place.

    Who was only cut off from Postgres settles nothing under such a lease either, once another has taken the task.
    """
    asked = {"seconds": lease_s, "silent": SILENT_S, "moved_s": clock.moved_s()}
    return Counter(place for (place,) in connection.execute(_FREE, asked))


def extend(
    connection: Connection[Any], held: Sequence[Taken], lease_s: float, holder: int | None = None
) -> dict[str, bool]:
    """Show a sign of life: give by lease whether the task is to be stopped; a lease that is lost is not in it."""
    rows = connection.execute(_EXTEND, {
        "seconds": lease_s, "holder": holder, "moved_s": clock.moved_s(), "schemas": [each.schema for each in held],
        "ids": [each.id for each in held], "leases": [each.lease for each in held],
    })  # fmt: skip
    return dict(rows.fetchall())


def release(connection: Connection[Any], taken: Taken, after_s: float) -> None:
    """Give a task back, to be begun again after some seconds."""
    connection.execute(_RELEASE, {
        "seconds": after_s, "moved_s": clock.moved_s(), "schema": taken.schema, "id": taken.id, "lease": taken.lease,
    })  # fmt: skip


def due(connection: Connection[Any], most: int) -> dict[str, int]:
    """Count the tasks that wait for a worker, up to a number, by place."""
    return dict(connection.execute(_DUE, {"most": most, "moved_s": clock.moved_s()}).fetchall())
