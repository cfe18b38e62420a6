"""From a token or a signed-in person to a `Caller`, fast enough for each call.

What was found is kept for `GROVE.CALLER_KEEP_S` (1 s) in each process: a grant, membership or token that was taken
away works no longer than that, anywhere. Long-lived connections (sockets) therefore ask again for each call: `known`
costs about a microsecond. All functions may be used from any thread; `known` and `spend` also on an event loop.
"""

import hashlib
import hmac
import logging
import os
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection as django_connection

from teams import clock
from teams.access import Caller, Role, Scope, member_grants
from teams.problems import NoSuch, NotAllowed, NotSignedIn, OverLimit, Overloaded

LAST_USED_STEP_S: Final = 60  # `last_used_at` of a token is exact to this
PREFIX_LETTERS: Final = 10
RETRY_S: Final = 1.0  # what a caller is told to wait while Postgres is away
PATIENCE: Final = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
}  # seconds, milliseconds: all callers wait meanwhile

log = logging.getLogger(__name__)

# Schema and tables are named in full: this connection never is "in" a team.
GRANTS = """
coalesce((select json_agg(json_build_array(g.path, g.role)) from public.teams_grant g
          where g.team_id = t.id and g.person_id = p.id), '[]')
"""
PERSON = f"""
select p.id, p.email, t.schema_name, m.role, {GRANTS}, p.is_staff
from public.teams_team t
join public.teams_membership m on m.team_id = t.id
join public.teams_person p on p.id = m.person_id
where t.slug = %s and p.id = %s and p.is_active and t.deleted_at is null
"""  # noqa: S608 -- of constants
PERSON_AGAIN = PERSON.replace("t.slug =", "t.schema_name =")
TOKEN = f"""
select p.id, p.email, t.schema_name, m.role, {GRANTS},
    t.slug, k.id, k.name, k.digest, k.paths, k.verbs, k.ceiling, k.rate,
    extract(epoch from k.expires_at - to_timestamp(%s))::float8,
    k.last_used_at is null or k.last_used_at < now() - make_interval(secs => {LAST_USED_STEP_S})
from public.teams_token k
join public.teams_team t on t.id = k.team_id and t.deleted_at is null
join public.teams_person p on p.id = k.person_id and p.is_active
join public.teams_membership m on m.team_id = t.id and m.person_id = p.id
where k.prefix = %s and k.revoked_at is null and (k.expires_at is null or k.expires_at > to_timestamp(%s))
"""  # noqa: S608 -- of constants
TOKEN_AGAIN = TOKEN.replace("where k.prefix = %s", "where t.schema_name = %s and k.id = %s")
USED = f"""
update public.teams_token set last_used_at = now()
where id = %s and (last_used_at is null or last_used_at < now() - make_interval(secs => {LAST_USED_STEP_S}))
"""  # noqa: S608 -- of constants

Key = tuple[str, bytes | int | str]  # the team's slug, and a digest of the secret or a person's id; or schema and id


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found; `caller` is None for a token that opens nothing, so that a storm of those asks once a second."""

    caller: Caller | None
    until: float  # time.monotonic()


class CallerCache:
    """Callers found lately; the oldest go first when there are too many."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def fresh(self, key: Key) -> Kept | None:
        """Give what is kept and still counts."""
        kept = self._kept.get(key)  # atomic under the GIL: no lock on the hot path
        return kept if kept is not None and kept.until > time.monotonic() else None

    def keep(self, key: Key, caller: Caller | None, seconds: float) -> None:
        """Remember for some seconds."""
        with self._lock:
            self._kept[key] = Kept(caller, time.monotonic() + seconds)
            self._kept.move_to_end(key)
            while len(self._kept) > settings.GROVE.CALLERS_KEPT:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()


class Source:
    """The one connection of the process that callers are read by; a lock makes many that miss at once ask once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def run(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """Run a statement and give its first row. A connection that was lost meanwhile is opened again, once.

        Raises Overloaded while Postgres cannot be reached.
        """
        try:
            return self._run(sql, values)
        except psycopg.OperationalError:
            self.close()
        try:
            return self._run(sql, values)
        except psycopg.OperationalError as error:
            self.close()
            log.warning("callers cannot be read: %s", type(error).__name__)
            raise Overloaded("The database cannot be reached just now. Try again.", retry_after_s=RETRY_S) from error

    def _run(self, sql: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        if self._connection is None:
            # Django knows the database's name in tests, too.
            params = django_connection.get_connection_params()
            params = {name: value for name, value in params.items() if name not in ("cursor_factory", "context")}
            self._connection = psycopg.connect(**(PATIENCE | params), autocommit=True)
        cursor = self._connection.execute(sql, values)
        row: tuple[Any, ...] | None = cursor.fetchone() if cursor.description else None
        return row

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_cache = CallerCache()
_source = Source()


def _begin_in_child() -> None:
    """A forked process must not share its parent's connection, nor a lock that another thread of it held."""
    global _cache, _source, _buckets
    _abandoned.append(_source)
    _cache, _source, _buckets = CallerCache(), Source(), Buckets()


_abandoned: list[Source] = []  # kept, since closing the parent's connection from a child would end it for the parent
os.register_at_fork(after_in_child=_begin_in_child)


def known(slug: str, *, secret: str | None = None, person_id: int | None = None) -> Caller | None:
    """Give the caller if he was found within the last second; never blocks. None: ask `for_token` or `for_person`."""
    kept = _cache.fresh((slug, _digest(secret)) if secret is not None else (slug, person_id or 0))
    return kept.caller if kept is not None and kept.caller is not None and kept.caller.schema else None


def for_token(slug: str, secret: str) -> Caller:
    """Find who a token is, in a team; blocks for a query at most once a second and token.

    secret: the whole token, "grove_<prefix>_<secret>".
    Raises NotSignedIn, always the same, when it is unknown, wrong, expired or revoked, or its person is gone; NoSuch
    when it is another team's.
    """
    key = (slug, _digest(secret))
    kept = _cache.fresh(key)
    if kept is None:
        with _source.lock:
            kept = _cache.fresh(key) or _load_token(key, secret)
    if kept.caller is None:
        raise NotSignedIn("The token opens nothing: it is unknown, expired or revoked. Make a new one and send that.")
    if not kept.caller.schema:
        raise _no_team(slug)
    return kept.caller


def for_person(person_id: int, slug: str) -> Caller:
    """Find who a signed-in person is, in a team; blocks for a query at most once a second and person.

    Raises NoSuch when there is no such team or the person is no member: the answer is the same.
    """
    key = (slug, person_id)
    kept = _cache.fresh(key)
    if kept is None:
        with _source.lock:
            kept = _cache.fresh(key) or _load_person(key, person_id)
    if kept.caller is None:
        raise _no_team(slug)
    return kept.caller


def again(schema: str, caller_id: str) -> Caller:
    """Find a caller of an earlier call by its `Caller.id`, with the rights of now; blocks as `for_token` does.

    Raises NotAllowed when a person is no member any more, or a token does not work any more.
    """
    if caller_id == "system":
        return Caller.system(schema)
    key = (schema, caller_id)
    kept = _cache.fresh(key)
    if kept is None:
        with _source.lock:
            kept = _cache.fresh(key) or _load_again(key, schema, caller_id)
    if kept.caller is None:
        who = "The token" if caller_id.startswith("t") else "The person"
        raise NotAllowed(f"{who} on whose behalf this was to run is no longer part of the team. Set it up anew.")
    return kept.caller


def forget_all() -> None:
    """Forget what this process keeps, so that a change that it made itself counts at once."""
    _cache.clear()


def new_secret() -> tuple[str, str, bytes]:
    """Make a token: (prefix, the whole token to show once, digest to keep)."""
    prefix = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(PREFIX_LETTERS))
    secret = secrets.token_hex(24)  # 192 bits: a plain fast hash is enough, nobody can guess through it
    return prefix, f"grove_{prefix}_{secret}", _digest(secret)


def spend(caller: Caller, calls: int = 1) -> None:
    """Count calls against the rate of the caller's token; surfaces do this once a call. Costs a microsecond.

    Raises OverLimit with `retry_after_s` when the token has used up its rate in this process.
    """
    if caller.scope is not None and caller.scope.rate is not None:
        _buckets.take(caller.id, caller.scope.rate, calls)


class Buckets:
    """A token bucket for each token with a rate: holds one second of its rate, at least one call."""

    PRUNE_AT = 10_000

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float, float]] = {}  # id: (calls left, at, rate)
        self._lock = threading.Lock()

    def take(self, name: str, rate: float, calls: int) -> None:
        """Take calls out, or raise OverLimit and take none."""
        now = time.monotonic()
        room = max(rate, 1.0)
        with self._lock:
            left, at, _ = self._left.get(name, (room, now, rate))
            left = min(room, left + (now - at) * rate)
            if left < min(calls, room):
                raise OverLimit(
                    f"The token may make {rate:g} calls a second, and has. Wait, or make a token with a higher rate.",
                    retry_after_s=round((min(calls, room) - left) / rate, 3),
                )
            self._left[name] = (left - calls, now, rate)
            if len(self._left) > self.PRUNE_AT:
                # A bucket that is full again says nothing.
                self._left = {
                    key: (left, at, rate)
                    for key, (left, at, rate) in self._left.items()
                    if left + (now - at) * rate < max(rate, 1.0)
                }


_buckets = Buckets()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _is_plain(text: str) -> bool:
    """Whether a text can be a slug or a prefix at all. Postgres would refuse others, such as a NUL, with an error."""
    return text.isascii() and text.isprintable()


def _no_team(slug: str) -> NoSuch:
    return NoSuch(f"{slug}: no such team.")


def _load_person(key: Key, person_id: int) -> Kept:
    row = _source.run(PERSON, key[0], person_id) if _is_plain(key[0]) else None
    caller = None
    if row is not None:
        caller = _person_caller(row)
    return _keep(key, caller, settings.GROVE.CALLER_KEEP_S)


def _load_token(key: Key, secret: str) -> Kept:
    keep_s = settings.GROVE.CALLER_KEEP_S
    brand, _, rest = secret.partition("_")
    prefix, _, own = rest.partition("_")
    is_token = brand == "grove" and len(prefix) == PREFIX_LETTERS and _is_plain(prefix)
    row = _source.run(TOKEN, now := clock.now(), prefix, now) if is_token else None
    if row is None:
        return _keep(key, None, keep_s)
    slug, token_id, digest, left_s, is_stale = row[5], row[6], row[8], row[13], row[14]
    if not hmac.compare_digest(bytes(digest), _digest(own)):
        return _keep(key, None, keep_s)
    if slug != key[0]:
        return _keep(key, Caller.nobody(), keep_s)
    if is_stale:
        _source.run(USED, token_id)
    return _keep(key, _token_caller(row), keep_s if left_s is None else min(keep_s, left_s))


def _person_caller(row: tuple[Any, ...]) -> Caller:
    person_id, email, schema, role, grants, is_operator = row
    return Caller(name=email, schema=schema, grants=_grants(role, grants), id=f"p{person_id}", is_operator=is_operator)


def _token_caller(row: tuple[Any, ...]) -> Caller:
    _, email, schema, role, grants, _, token_id, name, _, paths, verbs, ceiling, rate, *_ = row
    return Caller(
        name=f"token {name} of {email}",
        schema=schema,
        grants=_grants(role, grants),
        scope=Scope(paths=tuple(paths), verbs=frozenset(verbs), ceiling=Role(ceiling), rate=rate),
        id=f"t{token_id}",
    )


def _load_again(key: Key, schema: str, caller_id: str) -> Kept:
    number = int(caller_id[1:]) if caller_id[1:].isdecimal() else 0
    caller, keep_s = None, settings.GROVE.CALLER_KEEP_S
    if caller_id.startswith("p"):
        row = _source.run(PERSON_AGAIN, schema, number)
        if row is not None:
            caller = _person_caller(row)
    elif caller_id.startswith("t"):
        row = _source.run(TOKEN_AGAIN, now := clock.now(), schema, number, now)
        if row is not None:
            caller, left_s = _token_caller(row), row[13]
            keep_s = keep_s if left_s is None else min(keep_s, left_s)
    return _keep(key, caller, keep_s)


def _keep(key: Key, caller: Caller | None, seconds: float) -> Kept:
    _cache.keep(key, caller, seconds)
    return Kept(caller, 0)


def _grants(role: int, grants: list[tuple[str, int]]) -> tuple[tuple[str, Role], ...]:
    return member_grants(Role(role), ((path, Role(granted)) for path, granted in grants))
