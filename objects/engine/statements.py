"""The engine's SQL, composed once a schema. Every name is qualified: a forgotten team fails, it does not leak."""

from dataclasses import dataclass
from functools import lru_cache
from typing import LiteralString

from psycopg.sql import SQL, Identifier

from objects.engine.prepared import numbered
from objects.storage import pages

BEGIN = b"BEGIN"
BEGIN_READING = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
COMMIT = b"COMMIT"
ROLLBACK = b"ROLLBACK"

_ROW = "id, path, kind, version, pages, effective::text, xmin::text, paused_at IS NOT NULL"
_LIVE = "md5(path)::uuid = ANY(%s::uuid[]) AND trashed_at IS NULL"

# NO KEY: children can be created (their foreign key takes a KEY SHARE lock) under an object that is at work.
_LOCK = "SELECT {row}, pg_current_xact_id()::text FROM {s}.object WHERE {live} ORDER BY id FOR NO KEY UPDATE"

_READ = "SELECT {row} FROM {s}.object WHERE {live}"

# SKIP LOCKED: whoever holds locks already never waits for another; it gives up and begins again with all it needs.
_LOCK_ONE = (
    "SELECT {row} FROM {s}.object WHERE md5(path)::uuid = %s::uuid AND trashed_at IS NULL FOR NO KEY UPDATE SKIP LOCKED"
)

_UNMAKE = "DELETE FROM {s}.object WHERE id = %s"

_FIRST_PAGES = (
    "SELECT p.object_id, p.no, p.data FROM {s}.page p"
    " WHERE p.no < %s AND p.object_id IN (SELECT id FROM {s}.object WHERE {live})"
)

_ANSWERS = (
    "SELECT a.object_id, a.caller, a.key, a.fingerprint, a.value, a.version"
    " FROM {s}.answer a JOIN unnest(%s::text[], %s::text[]) AS asked(caller, key) USING (caller, key)"
    " WHERE a.object_id IN (SELECT id FROM {s}.object WHERE md5(path)::uuid = ANY(%s::uuid[]) AND trashed_at IS NULL)"
)

# All that a batch writes, in one statement: without BEGIN and COMMIT it is a transaction of its own.
#
# `locked` tells of each row which transaction last wrote it, its `xmin`: another than the batch knew says that somebody
# changed the row since, be it pages, path, settings or trash. Then the division by zero undoes the statement. A batch
# that holds the locks already knows, and hands in NULL. Rows are found again by `ctid`: no plan can take a worse way.
_MANY = (
    "WITH locked AS MATERIALIZED ("
    "SELECT o.ctid AS place, o.id, o.xmin::text AS stamp FROM {s}.object o WHERE o.id = ANY(%s::bigint[])"
    " ORDER BY o.id FOR NO KEY UPDATE"
    "), changed AS ("
    "UPDATE {s}.object o SET version = new.version, pages = new.pages, changed_at = now()"
    " FROM locked l JOIN unnest(%s::bigint[], %s::bigint[], %s::int[]) AS new(id, version, pages) ON new.id = l.id"
    " WHERE o.ctid = l.place"
    "), {write}, {noted}"
    " SELECT pg_current_xact_id()::xid::text, 1 / (array_agg(stamp) = %s::text[])::int FROM locked"
)

# The same where a batch guesses about one object and changed it, as most do: half of Postgres's time. An UPDATE that
# waited for another looks at the row's `xmin` again, finds it changed, and changes nothing.
_ONE = (
    "WITH changed AS ("
    "UPDATE {s}.object SET version = %s::bigint, pages = %s::int, changed_at = now()"
    " WHERE id = %s::bigint AND xmin = %s::xid RETURNING id"
    "), {write}, {noted}"
    " SELECT pg_current_xact_id()::xid::text, 1 / count(*)::int FROM changed"
)

_NOTED = (
    "noted AS ("
    "INSERT INTO {s}.journal (object_id, at, caller, via, command, arguments, outcome, detail, took_us, version)"
    " SELECT object_id, to_timestamp(at), caller, via, command, arguments, outcome, detail, took_us, version"
    " FROM json_to_recordset(%s::json) AS line(object_id bigint, at float8, caller text, via text, command text,"
    " arguments jsonb, outcome text, detail text, took_us int, version bigint))"
)

_KEEP_ANSWERS = (
    "INSERT INTO {s}.answer (object_id, caller, key, fingerprint, value, version, at)"
    " SELECT object_id, caller, key, fingerprint, value, version, to_timestamp(%s)"
    " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::bigint[])"
    " AS kept(object_id, caller, key, fingerprint, value, version)"
)

XID = b"SELECT pg_current_xact_id()::text"

# Of a transaction whose COMMIT got no answer; where it says "committed", the journal must have a line of it, too.
XACT_STATUS = b"SELECT pg_xact_status(%s::xid8)"

# The backend of a connection that broke: once it is gone, nothing that was on its way to it can take place any more.
END_BACKEND = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND usename = current_user"

# A backend that waits for its client, though it is in the midst of a pipeline, works for nobody.
IS_AT_WORK = (
    b"SELECT FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'"
)

# A line of the journal that a transaction wrote and no other can have: the same object, version and microsecond.
_TOOK_PLACE = "SELECT FROM {s}.journal WHERE object_id = %s AND version = %s AND at = to_timestamp(%s) LIMIT 1"

END_XACT = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid = (%s::xid8)::xid"

# A process that was stopped or cut off loses its locks; a call that waits for a lock can still be told in time.
# No statement_timeout: one statement may copy a large subtree.
# The engine's own statements look rows up by key: to plan them anew each time cost 0.2 ms of a commit's 0.7.
SESSION = (
    b"SELECT set_config('lock_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false),"
    b" set_config('plan_cache_mode', 'force_generic_plan', false),"
    b" set_config('tcp_keepalives_idle', '4', false), set_config('tcp_keepalives_interval', '2', false),"
    b" set_config('tcp_keepalives_count', '3', false)"
)


# The tree's statements about whole subtrees are another matter: their best plan depends on what is asked.
PLAN_ANEW = b"SET LOCAL plan_cache_mode = auto"

# For a batch with a command that works long without a word to Postgres, such as checking an uploaded file.
IDLE_LONG = b"SELECT set_config('idle_in_transaction_session_timeout', %s, true)"


@dataclass(frozen=True, slots=True)
class Statements:
    lock: bytes
    read: bytes
    lock_one: bytes
    first_pages: bytes
    answers: bytes
    commit_all: bytes  # for psycopg, inside of a transaction; the others are for `prepared.Prepared`
    commit_guess: bytes
    commit_young: bytes
    commit_one: bytes
    commit_one_young: bytes
    unmake: bytes
    keep_answers: bytes
    took_place: bytes


@lru_cache(maxsize=4096)
def statements(schema: str) -> Statements:
    """Give the statements for one team's schema."""
    parts = {"s": Identifier(schema), "row": SQL(_ROW), "live": SQL(_LIVE)}

    def composed(text: LiteralString) -> bytes:
        return SQL(text).format(**parts).as_string(None).encode()

    def commit(text: LiteralString, *, young: bool) -> bytes:
        noted, write = SQL(_NOTED).format(**parts), pages.write_parts(schema, young=young)
        return SQL(text).format(**parts, noted=noted, write=write).as_string(None).encode()

    return Statements(
        lock=composed(_LOCK),
        read=composed(_READ),
        lock_one=composed(_LOCK_ONE),
        first_pages=composed(_FIRST_PAGES),
        answers=composed(_ANSWERS),
        commit_all=commit(_MANY, young=False),
        commit_guess=numbered(commit(_MANY, young=False)),
        commit_young=numbered(commit(_MANY, young=True)),
        commit_one=numbered(commit(_ONE, young=False)),
        commit_one_young=numbered(commit(_ONE, young=True)),
        unmake=composed(_UNMAKE),
        keep_answers=composed(_KEEP_ANSWERS),
        took_place=composed(_TOOK_PLACE),
    )
