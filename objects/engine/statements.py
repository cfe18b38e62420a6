"""The engine's SQL, composed once a schema. Every name is qualified: a forgotten team fails, it does not leak."""

from dataclasses import dataclass
from functools import lru_cache
from typing import LiteralString

from psycopg.sql import SQL, Identifier

BEGIN = b"BEGIN"
BEGIN_READING = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
COMMIT = b"COMMIT"
ROLLBACK = b"ROLLBACK"

_ROW = "id, path, kind, version, pages, effective::text"
_LIVE = "md5(path)::uuid = ANY(%s::uuid[]) AND trashed_at IS NULL"

# NO KEY: children can be created (their foreign key takes a KEY SHARE lock) under an object that is at work.
_LOCK = "SELECT {row}, pg_current_xact_id()::text FROM {s}.object WHERE {live} ORDER BY id FOR NO KEY UPDATE"

_READ = "SELECT {row} FROM {s}.object WHERE {live}"

# SKIP LOCKED: whoever holds locks already never waits for another; it gives up and begins again with all it needs.
_LOCK_ONE = (
    "SELECT {row} FROM {s}.object WHERE md5(path)::uuid = %s::uuid AND trashed_at IS NULL FOR NO KEY UPDATE SKIP LOCKED"
)

_FIRST_PAGES = (
    "SELECT p.object_id, p.no, p.data FROM {s}.page p"
    " WHERE p.no < %s AND p.object_id IN (SELECT id FROM {s}.object WHERE {live})"
)

_ANSWERS = (
    "SELECT a.object_id, a.caller, a.key, a.fingerprint, a.value, a.version"
    " FROM {s}.answer a JOIN unnest(%s::text[], %s::text[]) AS asked(caller, key) USING (caller, key)"
    " WHERE a.object_id IN (SELECT id FROM {s}.object WHERE md5(path)::uuid = ANY(%s::uuid[]) AND trashed_at IS NULL)"
)

_VERSIONS = (
    "UPDATE {s}.object SET version = new.version, pages = new.pages, changed_at = now()"
    " FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS new(id, version, pages) WHERE object.id = new.id"
)

_JOURNAL = (
    "INSERT INTO {s}.journal"
    " (object_id, at, caller, via, command, arguments, outcome, detail, took_us, version)"
    " SELECT object_id, to_timestamp(at), caller, via, command, arguments::jsonb, outcome, detail, took_us, version"
    " FROM unnest(%s::bigint[], %s::float8[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
    " %s::int[], %s::bigint[])"
    " AS line(object_id, at, caller, via, command, arguments, outcome, detail, took_us, version)"
)

_KEEP_ANSWERS = (
    "INSERT INTO {s}.answer (object_id, caller, key, fingerprint, value, version, at)"
    " SELECT object_id, caller, key, fingerprint, value, version, now()"
    " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::bigint[])"
    " AS kept(object_id, caller, key, fingerprint, value, version)"
)

XID = b"SELECT pg_current_xact_id()::text"

# Of a transaction whose COMMIT got no answer; where it says "committed", the journal must have a line of it, too.
XACT_STATUS = b"SELECT pg_xact_status(%s::xid8)"

# A line of the journal that a transaction wrote and no other can have: the same object, version and microsecond.
_TOOK_PLACE = "SELECT FROM {s}.journal WHERE object_id = %s AND version = %s AND at = to_timestamp(%s) LIMIT 1"

END_XACT = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid = (%s::xid8)::xid"

# A process that was stopped or cut off loses its locks; a call that waits for a lock can still be told in time.
# No statement_timeout: one statement may copy a large subtree.
PATIENCE_IN_POSTGRES = (
    b"SELECT set_config('lock_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false),"
    b" set_config('tcp_keepalives_idle', '4', false), set_config('tcp_keepalives_interval', '2', false),"
    b" set_config('tcp_keepalives_count', '3', false)"
)


@dataclass(frozen=True, slots=True)
class Statements:
    lock: bytes
    read: bytes
    lock_one: bytes
    first_pages: bytes
    answers: bytes
    versions: bytes
    journal: bytes
    keep_answers: bytes
    took_place: bytes


@lru_cache(maxsize=4096)
def statements(schema: str) -> Statements:
    """Give the statements for one team's schema."""

    def composed(text: LiteralString) -> bytes:
        return SQL(text).format(s=Identifier(schema), row=SQL(_ROW), live=SQL(_LIVE)).as_string(None).encode()

    return Statements(
        lock=composed(_LOCK),
        read=composed(_READ),
        lock_one=composed(_LOCK_ONE),
        first_pages=composed(_FIRST_PAGES),
        answers=composed(_ANSWERS),
        versions=composed(_VERSIONS),
        journal=composed(_JOURNAL),
        keep_answers=composed(_KEEP_ANSWERS),
        took_place=composed(_TOOK_PLACE),
    )
