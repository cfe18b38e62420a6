"""The engine's SQL, composed once a schema. Every name is qualified: a forgotten team fails, it does not leak."""

from dataclasses import dataclass
from functools import lru_cache
from typing import LiteralString

from psycopg.sql import SQL, Composed, Identifier

from objects.engine.prepared import numbered
from objects.storage import pages
from teams.plans import MOST_OBJECTS

BEGIN = b"BEGIN"
BEGIN_READING = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
COMMIT = b"COMMIT"
ROLLBACK = b"ROLLBACK"

_ROW = "o.id, o.path, o.kind, o.version, o.pages, o.effective::text, o.xmin::text, o.paused_at IS NOT NULL"
_LIVE = "md5(path)::uuid = ANY(%s::uuid[]) AND trashed_at IS NULL"

# NO KEY: children can be created (their foreign key takes a KEY SHARE lock) under an object that is at work.
_LOCK = "SELECT {row}, pg_current_xact_id()::text FROM {s}.object o WHERE {live} ORDER BY id FOR NO KEY UPDATE"

_READ = "SELECT {row} FROM {s}.object o WHERE {live}"

# SKIP LOCKED: whoever holds locks already never waits for another; it gives up and begins again with all it needs.
_LOCK_ONE = (
    "SELECT {row} FROM {s}.object o WHERE md5(path)::uuid = %s::uuid AND trashed_at IS NULL"
    " FOR NO KEY UPDATE SKIP LOCKED"
)

_UNMAKE = "DELETE FROM {s}.object WHERE id = %s"

_FIRST_PAGES = (
    "SELECT p.object_id, p.no, p.data FROM {s}.page p"
    " WHERE p.no < %s AND p.object_id IN (SELECT id FROM {s}.object WHERE {live})"
)

# A row for each first page of each object, one for an object without pages. Without locks: a guess has all it needs by
# this. OFFSET 0: whatever the statistics say, pages are found by their key, an object at a time.
_LOOK = (
    "SELECT {row}, p.no, p.data FROM {s}.object o"
    " LEFT JOIN LATERAL (SELECT no, data FROM {s}.page WHERE object_id = o.id AND no < %s OFFSET 0) p ON true"
    " WHERE {live}"
)

# What it takes to make objects: what they would be in, an id for each, whether the team has room. Of what moved away
# from one of the paths `objects.tree` knows more.
_ROOM_FOR = (
    "SELECT json_build_object("
    "'above', (SELECT json_agg(json_build_array(path, id, effective::text)) FROM {s}.object WHERE {live}),"
    " 'moved', (SELECT json_agg(path) FROM {s}.moved WHERE md5(path)::uuid = ANY(%s::uuid[])),"
    " 'ids', (SELECT json_agg(nextval(pg_get_serial_sequence('{s}.object', 'id'))) FROM generate_series(1, %s::int)),"
    " 'objects', (SELECT reltuples::bigint FROM pg_class WHERE oid = '{s}.object'::regclass),"
    " 'most', {most_objects})"
)

_ANSWERS = (
    "SELECT o.id, a.caller, a.key, a.fingerprint, a.value, a.version"
    " FROM unnest(%s::text[], %s::text[], %s::uuid[]) AS asked(caller, key, path_key)"
    " CROSS JOIN LATERAL ("
    "SELECT id FROM {s}.object WHERE md5(path)::uuid = asked.path_key AND trashed_at IS NULL OFFSET 0) o"
    " CROSS JOIN LATERAL ("
    "SELECT * FROM {s}.answer WHERE object_id = o.id AND caller = asked.caller AND key = asked.key OFFSET 0) a"
)

# All that a batch writes, in one statement: without BEGIN and COMMIT it is a transaction of its own.
#
# `locked` tells of each row which transaction last wrote it, its `xmin`: another than the batch knew says that somebody
# changed the row since, be it pages, path, settings or trash. Then the division by zero undoes the statement. A batch
# that holds the locks already knows, and hands in NULL. Rows are found again by `ctid`: no plan can take a worse way.
_LOCKED = (
    "locked AS MATERIALIZED ("
    "SELECT o.ctid AS place, o.id, o.xmin::text AS stamp FROM {s}.object o WHERE o.id = ANY(%s::bigint[])"
    " ORDER BY o.id FOR NO KEY UPDATE"
    "), changed AS ("
    "UPDATE {s}.object o SET version = new.version, pages = new.pages, changed_at = now()"
    " FROM locked l JOIN unnest(%s::bigint[], %s::bigint[], %s::int[]) AS new(id, version, pages) ON new.id = l.id"
    " WHERE o.ctid = l.place"
    "), {write}, {noted}"
)
_AS_KNOWN = "pg_current_xact_id()::xid::text, 1 / (coalesce(array_agg(stamp), '{{}}') = %s::text[])::int"
_MANY = "WITH {locked} SELECT {as_known} FROM locked"

# The same where a batch guesses about one object and changed it, as most do: half of Postgres's time. An UPDATE that
# waited for another looks at the row's `xmin` again, finds it changed, and changes nothing.
_ONE = (
    "WITH changed AS ("
    "UPDATE {s}.object SET version = %s::bigint, pages = %s::int, changed_at = now()"
    " WHERE id = %s::bigint AND xmin = %s::xid RETURNING id"
    "), {write}, {noted}"
    " SELECT pg_current_xact_id()::xid::text, 1 / count(*)::int FROM changed"
)

# Objects that a first call makes. `above` locks what they are in, as `objects.tree` does: it can't move, go or pass on
# other settings until this is committed. Where it did since the batch looked, where a path was taken since, or where
# what was at a path moved away, fewer are made.
_MADE = (
    "asked AS MATERIALIZED ("
    "SELECT * FROM json_to_recordset(%s::json) AS asked(id bigint, parent_id bigint, above text, name text, path text,"
    " kind text, effective jsonb, version bigint, pages int)"
    "), above AS MATERIALIZED ("
    "SELECT id, path, effective FROM {s}.object WHERE id = ANY(%s::bigint[]) AND trashed_at IS NULL"
    " ORDER BY id FOR KEY SHARE"
    "), made AS ("
    "INSERT INTO {s}.object (id, parent_id, name, path, kind, effective, version, pages)"
    " SELECT a.id, a.parent_id, a.name, a.path, a.kind, a.effective, a.version, a.pages FROM asked a JOIN above"
    " ON above.id = a.parent_id AND above.path = a.above AND above.effective = a.effective"
    " WHERE NOT EXISTS (SELECT FROM {s}.moved WHERE md5(path)::uuid = ANY(%s::uuid[]))"
    " ON CONFLICT DO NOTHING RETURNING id)"
)

# Like _MANY, for a guess whose batch makes objects, too.
_NEW = "WITH {made}, {locked} SELECT {as_known}, 1 / ((SELECT count(*) FROM made) = %s::int)::int FROM locked"

# A statement of its own: one that makes an object may have waited for a move away from its path, whose redirect is not
# in its snapshot.
_FORGET_REDIRECTS = "DELETE FROM {s}.moved WHERE md5(path)::uuid = ANY(%s::uuid[])"

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
# The engine's own statements look rows up by key: to plan them anew each time cost 0.2 ms of a commit's 0.7. Never by a
# scan: a plan that was made while a team had ten objects is kept, and computed the digests of all paths of thousands.
SESSION = (
    b"SELECT set_config('lock_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false),"
    b" set_config('plan_cache_mode', 'force_generic_plan', false), set_config('enable_seqscan', 'off', false),"
    b" set_config('tcp_keepalives_idle', '4', false), set_config('tcp_keepalives_interval', '2', false),"
    b" set_config('tcp_keepalives_count', '3', false)"
)


# The tree's statements about whole subtrees are another matter: their best plan depends on what is asked.
PLAN_ANEW = b"SELECT set_config('plan_cache_mode', 'auto', true), set_config('enable_seqscan', 'on', true)"

# For a batch with a command that works long without a word to Postgres, such as checking an uploaded file.
IDLE_LONG = b"SELECT set_config('idle_in_transaction_session_timeout', %s, true)"


@dataclass(frozen=True, slots=True)
class Statements:
    lock: bytes
    read: bytes
    lock_one: bytes
    first_pages: bytes
    answers: bytes
    commit_all: bytes  # for psycopg, inside of a transaction
    commit_new_all: bytes
    forget_redirects_all: bytes
    look: bytes  # from here on for `prepared.Prepared`
    room_for: bytes
    commit_guess: bytes
    commit_young: bytes
    commit_one: bytes
    commit_one_young: bytes
    commit_new: bytes
    commit_new_young: bytes
    forget_redirects: bytes
    unmake: bytes
    keep_answers: bytes
    took_place: bytes


@lru_cache(maxsize=4096)
def statements(schema: str) -> Statements:
    """Give the statements for one team's schema."""
    parts = {"s": Identifier(schema), "row": SQL(_ROW), "live": SQL(_LIVE), "most_objects": SQL(MOST_OBJECTS)}

    def part(text: LiteralString, **further: Composed) -> Composed:
        return SQL(text).format(**parts, **further)

    def composed(text: LiteralString) -> bytes:
        return part(text).as_string(None).encode()

    def commit(text: LiteralString, *, young: bool) -> bytes:
        both = {"noted": part(_NOTED), "write": pages.write_parts(schema, young=young)}
        further = {"made": part(_MADE), "locked": part(_LOCKED, **both), "as_known": part(_AS_KNOWN)}
        return part(text, **both, **further).as_string(None).encode()

    return Statements(
        lock=composed(_LOCK),
        read=composed(_READ),
        lock_one=composed(_LOCK_ONE),
        first_pages=composed(_FIRST_PAGES),
        look=numbered(composed(_LOOK)),
        room_for=numbered(composed(_ROOM_FOR)),
        answers=composed(_ANSWERS),
        commit_all=commit(_MANY, young=False),
        commit_new_all=commit(_NEW, young=False),
        forget_redirects_all=composed(_FORGET_REDIRECTS),
        commit_guess=numbered(commit(_MANY, young=False)),
        commit_young=numbered(commit(_MANY, young=True)),
        commit_one=numbered(commit(_ONE, young=False)),
        commit_one_young=numbered(commit(_ONE, young=True)),
        commit_new=numbered(commit(_NEW, young=False)),
        commit_new_young=numbered(commit(_NEW, young=True)),
        forget_redirects=numbered(composed(_FORGET_REDIRECTS)),
        unmake=composed(_UNMAKE),
        keep_answers=composed(_KEEP_ANSWERS),
        took_place=composed(_TOOK_PLACE),
    )
