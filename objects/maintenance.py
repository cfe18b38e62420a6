"""What is forgotten in time: history, answers, journal lines and trash beyond what the limits keep.

Small transactions, so that no call waits long behind one; safe to stop anywhere and to run twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from objects import summaries
from objects.storage import pages
from objects.tree import tree
from objects.work import records
from teams import clock
from teams.limits import Limits

AT_ONCE = 10_000  # rows in one transaction


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much went: rows, and objects of the trash."""

    pages: int
    answers: int
    journal_lines: int
    objects: int
    tasks: int


def forget(connection: Connection[Any], schema: str, *, limits: Limits, now: datetime | None = None) -> Forgotten:
    """Forget what the limits no longer keep of one team. connection: in autocommit mode, not inside a transaction."""
    now = now or datetime.fromtimestamp(clock.now(), UTC)

    def before(keep_s: float) -> datetime:
        return now - timedelta(seconds=keep_s)

    oldest_bucket = int(before(limits.HISTORY_KEEP_S).timestamp() // limits.HISTORY_BUCKET_S)
    gone = Forgotten(
        pages=_repeated(connection, lambda: pages.trim_history(connection, schema, oldest_bucket, AT_ONCE), AT_ONCE),
        answers=_forget_rows(connection, schema, "answer", before(limits.ANSWER_KEEP_S)),
        journal_lines=_forget_rows(connection, schema, "journal", before(limits.JOURNAL_KEEP_S)),
        objects=_repeated(connection, lambda: tree.purge(connection, schema, before(limits.TRASH_KEEP_S)).objects, 1),
        tasks=_repeated(
            connection, lambda: records.forget(connection, schema, before(limits.TASK_KEEP_S), AT_ONCE), AT_ONCE
        ),
    )
    if gone.journal_lines:
        summaries.forget(connection, schema)
    return gone


def _forget_rows(connection: Connection[Any], schema: str, table: str, before: datetime) -> int:
    statement = SQL(
        "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE at < %s LIMIT %s))"
    ).format(table=Identifier(schema, table))
    return _repeated(connection, lambda: connection.execute(statement, (before, AT_ONCE)).rowcount, AT_ONCE)


def _repeated(connection: Connection[Any], forget_some: Callable[[], int], whole: int) -> int:
    """Run until less than `whole` went, each time in a transaction of its own; give how much went in all."""
    gone = 0
    while True:
        with connection.transaction():
            some = forget_some()
        gone += some
        if some < whole:
            return gone
