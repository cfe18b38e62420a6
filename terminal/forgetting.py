"""What terminals forget in time: old lines, more lines than a person keeps, sessions whose reader never came back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from teams.limits import Limits

AT_ONCE: Final = 10_000  # rows in one statement, so that nobody waits long behind it

OLD_LINES: Final = (
    "delete from {line} where id = any(array(select id from {line} where at < %(before)s limit %(at_once)s))"
)
# The id from which on a person's lines are too many is found in the index, once a person, not by numbering all rows.
SURPLUS_LINES: Final = """
delete from {line} where id = any(array(
    select line.id from (select distinct person from {line}) someone
    cross join lateral (
        select id from {line} where person = someone.person order by id desc offset %(most)s limit 1
    ) first_surplus
    join {line} line on line.person = someone.person and line.id <= first_surplus.id
    limit %(at_once)s))
"""
OLD_SESSIONS: Final = "delete from {session} where seen_at < %(before)s"
SURPLUS_SESSIONS: Final = """
delete from {session} where id = any(array(
    select id from (select id, row_number() over (partition by person order by seen_at desc) as place from {session})
    placed where place > %(most)s))
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many went."""

    lines: int
    sessions: int


def forget(connection: Connection[Any], schema: str, *, limits: Limits, now: datetime | None = None) -> Forgotten:
    """Forget what the limits no longer keep in one team. connection: in autocommit mode."""
    now = now or datetime.now(UTC)
    names = {"line": Identifier(schema, "terminal_line"), "session": Identifier(schema, "terminal_session")}

    def run(statement: LiteralString, **values: Any) -> int:
        return connection.execute(SQL(statement).format(**names), values | {"at_once": AT_ONCE}).rowcount

    def before(keep_s: float) -> datetime:
        return now - timedelta(seconds=keep_s)

    lines = _repeated(lambda: run(OLD_LINES, before=before(limits.TERMINAL_LINES_KEEP_S)))
    lines += _repeated(lambda: run(SURPLUS_LINES, most=limits.TERMINAL_LINES))
    sessions = run(OLD_SESSIONS, before=before(limits.TERMINAL_KEEP_S))
    sessions += run(SURPLUS_SESSIONS, most=limits.TERMINAL_SESSIONS)
    return Forgotten(lines, sessions)


def _repeated(forget_some: Callable[[], int]) -> int:
    gone = 0
    while True:
        some = forget_some()
        gone += some
        if some < AT_ONCE:
            return gone
