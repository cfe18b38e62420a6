"""The SQL on `public.wake`, the one index of what is due.

Who writes what: the engine sets an object's row within a commit (`write`); a dispatcher takes rows that are ready for
a while, the lease (`claim`); a worker begins on them (`begin`) or gives them back (`postpone`); the tree puts rows to
sleep with what goes to the trash. All times are Unix seconds and handed in.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Any, Final, NamedTuple

import orjson
from psycopg import Connection
from psycopg.sql import SQL, Identifier

Pg = Connection[Any]


class Due(NamedTuple):
    """When an object is to be woken next for one source, and what the team's page says of it. due_at: None is never."""

    due_at: float | None
    note: Mapping[str, Any]


class Taken(NamedTuple):
    """A row that a dispatcher took."""

    schema: str
    object_id: int
    source: str


class Begun(NamedTuple):
    """A row that a worker begins on.

    starts: how often one did since the object last wrote the row, this time included.
    """

    schema: str
    object_id: int
    source: str
    starts: int


_WRITE: Final = """
WITH told AS (
    SELECT * FROM json_to_recordset(%s::json) AS t(object_id bigint, source text, due_at float8, note jsonb)
), gone AS (
    DELETE FROM public.wake w USING told t
    WHERE w.schema = %s AND w.object_id = t.object_id AND w.source = t.source AND t.due_at IS NULL
)
INSERT INTO public.wake AS w (schema, object_id, source, due_at, ready_at, note)
SELECT %s, t.object_id, t.source, t.due_at, CASE WHEN {paused} THEN 'infinity' ELSE t.due_at END, t.note
FROM told t WHERE t.due_at IS NOT NULL
ON CONFLICT (schema, object_id, source) DO UPDATE SET
    due_at = excluded.due_at, ready_at = excluded.ready_at, held = false, starts = 0, note = excluded.note
"""
# For who knows which of the objects are paused. One text for all teams: one that names a schema is planned for each.
WRITE: Final = _WRITE.format(paused="t.object_id = ANY(%s::bigint[])").encode()
WRITE_LOOKING: Final = _WRITE.format(
    paused="EXISTS (SELECT FROM {s}.object o WHERE o.id = t.object_id AND o.paused_at IS NOT NULL)"
)

# Which teams have something ready: few rows are, most of the time, so that teams with nothing ready cost nothing.
READY: Final = b"""
SELECT schema, count(*) FROM (SELECT schema FROM public.wake WHERE ready_at <= %s ORDER BY ready_at LIMIT %s) AS soon
GROUP BY schema
"""
READY_ROWS: Final = 1_000  # that are looked at; where there are more, all teams are asked in turn

# It leaps from one schema to the next through the index, so that a team with a million rows costs one step.
TEAMS: Final = b"""
WITH RECURSIVE team(schema) AS (
    (SELECT w.schema FROM public.wake w ORDER BY w.schema LIMIT 1)
    UNION ALL
    SELECT (SELECT w.schema FROM public.wake w WHERE w.schema > team.schema ORDER BY w.schema LIMIT 1)
    FROM team WHERE team.schema IS NOT NULL
)
SELECT schema FROM team WHERE schema IS NOT NULL
"""

CLAIM: Final = b"""
WITH chosen AS (
    SELECT ready.schema, ready.object_id, ready.source
    FROM unnest(%(teams)s::text[]) AS team(schema) CROSS JOIN LATERAL (
        SELECT w.schema, w.object_id, w.source FROM public.wake w
        WHERE w.schema = team.schema AND w.ready_at <= %(now)s
        ORDER BY w.ready_at
        LIMIT greatest(0, %(window)s - (
            SELECT count(*) FROM public.wake o WHERE o.schema = team.schema AND o.held AND o.ready_at > %(now)s
        ))
        FOR UPDATE SKIP LOCKED
    ) AS ready
)
UPDATE public.wake w SET held = true, ready_at = %(now)s + %(lease_s)s
FROM chosen c WHERE w.schema = c.schema AND w.object_id = c.object_id AND w.source = c.source
RETURNING w.schema, w.object_id, w.source
"""

NEXT: Final = b"SELECT min(ready_at) FROM public.wake"

BEGIN: Final = b"""
UPDATE public.wake w SET starts = starts + 1, held = true, ready_at = %(now)s + %(lease_s)s
FROM unnest(%(schemas)s::text[], %(ids)s::bigint[], %(sources)s::text[]) AS a(schema, object_id, source)
WHERE w.schema = a.schema AND w.object_id = a.object_id AND w.source = a.source AND w.due_at <= %(now)s
    AND w.ready_at < 'infinity'
RETURNING w.schema, w.object_id, w.source, w.starts
"""

PATHS: Final = "SELECT id, path FROM {s}.object WHERE id = ANY(%s) AND trashed_at IS NULL"

POSTPONE: Final = b"""
UPDATE public.wake w SET ready_at = greatest(w.due_at, %(until)s), held = false
FROM unnest(%(ids)s::bigint[], %(sources)s::text[]) AS a(object_id, source)
WHERE w.schema = %(schema)s AND w.object_id = a.object_id AND w.source = a.source AND w.ready_at < 'infinity'
"""

SLEEP: Final = b"""
UPDATE public.wake SET ready_at = 'infinity', held = false WHERE schema = %(schema)s AND object_id = ANY(%(ids)s)
"""

ROUSE: Final = """
UPDATE public.wake SET ready_at = due_at, held = false, starts = 0
WHERE schema = %(schema)s AND object_id IN (
    SELECT id FROM {s}.object WHERE id = ANY(%(ids)s) AND paused_at IS NULL AND trashed_at IS NULL)
"""


AGENDA: Final = """
SELECT o.path, o.kind, w.source, w.due_at, w.held AND w.ready_at > %(now)s AND w.starts > 0, w.note
FROM public.wake w JOIN {s}.object o ON o.id = w.object_id AND o.trashed_at IS NULL
WHERE w.schema = %(schema)s AND (o.path = %(path)s OR starts_with(o.path, %(below)s))
    AND %(kind)s IN ('', o.kind) AND %(source)s IN ('', w.source)
"""
SHOWN: Final = {
    "next": " AND w.due_at < 'infinity' AND o.paused_at IS NULL ORDER BY w.ready_at, o.path LIMIT %(most)s",
    "places": " AND w.due_at < 'infinity' AND o.paused_at IS NULL AND o.path > %(after)s"
    " ORDER BY o.path, w.source LIMIT %(most)s",
    "failing": " AND w.note ?| ARRAY['dead', 'failing'] ORDER BY o.path, w.source LIMIT %(most)s",
    # For somebody, not for a moment: what a person has to say, and messages that others fetch.
    "asking": " AND (w.note ? 'asked' OR (w.due_at = 'infinity' AND w.note ? 'waiting'))"
    " ORDER BY o.path, w.source LIMIT %(most)s",
}


def write(connection: Pg, schema: str, rows: Mapping[tuple[int, str], Due]) -> None:
    """Set when objects are to be woken: by object id and source. Reads no answer, so it fits into a pipeline."""
    connection.execute(_write(schema), (_told(rows), schema, schema))


def write_parameters(schema: str, rows: Mapping[tuple[int, str], Due], paused: Iterable[int]) -> list[str]:
    """Give the parameters of WRITE, in order. paused: the ids of those of the objects that are."""
    return [_told(rows), schema, schema, "{" + ",".join(map(str, paused)) + "}"]


def _told(rows: Mapping[tuple[int, str], Due]) -> str:
    told = [
        {
            "object_id": object_id,
            "source": source,
            "due_at": "Infinity" if due.due_at == inf else due.due_at,  # JSON has none
            "note": dict(due.note),
        }
        for (object_id, source), due in sorted(rows.items(), key=lambda item: item[0])
    ]
    return orjson.dumps(told).decode()


@lru_cache(maxsize=4_096)
def _write(schema: str) -> bytes:
    return SQL(WRITE_LOOKING).format(s=Identifier(schema)).as_string(None).encode()


def next_ready(connection: Pg) -> float:
    """Tell when the next row is ready to be taken; infinity where none will be."""
    (ready_at,) = connection.execute(NEXT).fetchone() or (None,)
    return float("inf") if ready_at is None else float(ready_at)


def claim(connection: Pg, *, now: float, window: int, lease_s: float) -> list[Taken]:
    """Take what is ready until the lease ends: of each team at most as much as makes `window` rows held at once."""
    ready = connection.execute(READY, (now, READY_ROWS)).fetchall()
    teams = [schema for schema, _ in ready]
    if sum(count for _, count in ready) >= READY_ROWS:  # those of other teams may come after all that was seen
        teams = [schema for (schema,) in connection.execute(TEAMS)]
    taken = connection.execute(CLAIM, {"teams": teams, "now": now, "window": window, "lease_s": lease_s})
    return [Taken(*row) for row in taken]


def begin(connection: Pg, taken: Sequence[Taken], *, now: float, lease_s: float) -> list[Begun]:
    """Take note that a worker begins, and give those that still have something due.

    One statement for all teams: what names a schema is another one for each, to be planned anew. Rows are taken in
    order, so that two workers do not wait for each other.
    """
    schemas, ids, sources = zip(*sorted(taken), strict=True) if taken else ((), (), ())
    given = {"schemas": list(schemas), "ids": list(ids), "sources": list(sources), "now": now, "lease_s": lease_s}
    return [Begun(*row) for row in connection.execute(BEGIN, given)]


def paths(connection: Pg, schema: str, object_ids: Sequence[int]) -> dict[int, str]:
    """Tell where objects are; those in the trash or gone are left out."""
    return dict(connection.execute(SQL(PATHS).format(s=Identifier(schema)), (list(object_ids),)).fetchall())


def postpone(connection: Pg, schema: str, taken: Iterable[tuple[int, str]], *, until: float) -> None:
    """Give rows back that were taken; they are ready again at a moment."""
    connection.execute(POSTPONE, _named(schema, taken) | {"until": until})


def sleep(connection: Pg, schema: str, object_ids: Sequence[int]) -> None:
    """Let nothing be due of objects that went to the trash or are paused."""
    connection.execute(SLEEP, {"schema": schema, "ids": list(object_ids)})


def rouse(connection: Pg, schema: str, object_ids: Sequence[int]) -> None:
    """Let be due again what sleeps and is neither paused nor in the trash; what became due is ready at once."""
    connection.execute(SQL(ROUSE).format(s=Identifier(schema)), {"schema": schema, "ids": list(object_ids)})


def agenda(  # noqa: PLR0913 -- what may be asked for, each by its name
    connection: Pg,
    schema: str,
    path: str,
    *,
    now: float,
    most: int,
    shown: str,
    kind: str = "",
    source: str = "",
    after: str = "",
) -> list[tuple[Any, ...]]:
    """List what is due next at and beneath a path, or where something fails or asks; `shown` is a key of SHOWN.

    after: the path behind which `places` begins, in the order of code points.

    Gives path, kind, source, when it is due, whether a worker is at it, and the note.
    """
    text = SQL(AGENDA + SHOWN[shown]).format(s=Identifier(schema))
    below = path.rstrip("/") + "/"
    parameters = {
        "schema": schema, "path": path, "below": below, "now": now, "most": most, "kind": kind, "source": source,
        "after": after,
    }  # fmt: skip
    return connection.execute(text, parameters).fetchall()


def forget(connection: Pg, schema: str, object_ids: Sequence[int] | None = None) -> None:
    """Forget objects that are gone for good, or a whole team that is."""
    connection.execute(
        "DELETE FROM public.wake WHERE schema = %(schema)s AND (%(ids)s::bigint[] IS NULL OR object_id = ANY(%(ids)s))",
        {"schema": schema, "ids": None if object_ids is None else list(object_ids)},
    )


def _named(schema: str, taken: Iterable[tuple[int, str]]) -> dict[str, Any]:
    pairs = list(taken)
    return {"schema": schema, "ids": [pair[0] for pair in pairs], "sources": [pair[1] for pair in pairs]}
