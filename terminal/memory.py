"""What outlives a terminal session: history, macros, aliases, ~/.groverc, and sessions that wait for their reader.

A `Memory` is one person's in one team; it is the `Keeper` of `terminal.ports`. Everything is one statement that names
the schema, run on a few threads of its own with a connection each: the event loop goes on meanwhile. History is ordered
by the database's ids, so lines of two terminals of one person come in the order in which they ended.
"""

import asyncio
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, LiteralString

import psycopg
from django.conf import settings
from psycopg.sql import SQL, Composed, Identifier
from psycopg.types.json import Jsonb

from objects.engine import running
from teams.access import Caller
from teams.problems import OverLimit, Overloaded, TooLarge, WrongArgument
from terminal.ports import Remembered

NAME: Final = re.compile(r"[^\W\d][\w.-]{0,62}")  # of a macro or an alias
THREADS: Final = 2  # statements take about a millisecond; more would only take connections from the engine
PATIENCE: Final = {"connect_timeout": 5, "tcp_user_timeout": 10_000}  # seconds, milliseconds
RETRY_S: Final = 1.0

REMEMBER: Final = """
insert into {line} (person, path, line, at, status) values (%(person)s, %(path)s, %(line)s, %(at)s, %(status)s)
"""
# The newest first, so that the indexes can stop at the limit; `strpos` and not LIKE: % and _ are ordinary in commands.
HISTORY: Final = """
select line, path, at, status from {line}
where person = %(person)s
and (%(part)s = '' or strpos(lower(line), lower(%(part)s)) > 0)
order by id desc limit %(limit)s
"""
HISTORY_HERE: Final = """
select line, path, at, status from {line}
where person = %(person)s and md5(path)::uuid = md5(%(path)s)::uuid
and (%(part)s = '' or strpos(lower(line), lower(%(part)s)) > 0)
order by id desc limit %(limit)s
"""
NAMED: Final = "select name, text from {table} where person = %(person)s order by name"
FORGET_NAMED: Final = "delete from {table} where person = %(person)s and name = %(name)s"
# Counted in the statement itself: two terminals of one person cannot pass the limit by more than one each.
SAVE_NAMED: Final = """
insert into {table} (person, name, text) select %(person)s, %(name)s, %(text)s
where exists (select from {table} where person = %(person)s and name = %(name)s)
or (select count(*) from {table} where person = %(person)s) < %(most)s
on conflict (person, name) do update set text = excluded.text
"""
STARTUP: Final = "select text from {startup} where person = %(person)s"
SAVE_STARTUP: Final = """
insert into {startup} (person, text) values (%(person)s, %(text)s)
on conflict (person) do update set text = excluded.text
"""
SESSION: Final = """
select id, path, line, cursor, variables, scrollback, shown_bytes, width, height, seen_at
from {session} where id = %(id)s and person = %(person)s
"""
SAVE_SESSION: Final = """
insert into {session} as session
    (id, person, path, line, cursor, variables, scrollback, shown_bytes, width, height, seen_at)
values (%(id)s, %(person)s, %(path)s, %(line)s, %(cursor)s, %(variables)s, %(scrollback)s, %(shown_bytes)s,
        %(width)s, %(height)s, %(seen_at)s)
on conflict (id) do update set path = excluded.path, line = excluded.line, cursor = excluded.cursor,
variables = excluded.variables, scrollback = excluded.scrollback, shown_bytes = excluded.shown_bytes,
width = excluded.width, height = excluded.height, seen_at = excluded.seen_at
where session.person = excluded.person and session.shown_bytes <= excluded.shown_bytes
"""
FORGET_SESSION: Final = "delete from {session} where id = %(id)s and person = %(person)s"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session as it was when it was last seen.

    id: hard to guess; whoever opens it must be the same person too.
    scrollback: the last bytes shown, at most TERMINAL_SCROLLBACK_BYTES; shown_bytes: how many were shown in all,
    so that a reader who saw some of them gets only the rest (`unseen`).
    """

    id: str
    path: str
    line: str = ""
    cursor: int = 0
    variables: Mapping[str, Any] = field(default_factory=dict)
    scrollback: bytes = b""
    shown_bytes: int = 0
    width: int = 80
    height: int = 24
    seen_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def unseen(self, seen_bytes: int) -> bytes | None:
        """Give what was shown after the first `seen_bytes`; None where more went by than the scroll-back holds."""
        missing = self.shown_bytes - seen_bytes
        if not 0 <= missing <= len(self.scrollback):
            return None
        return self.scrollback[len(self.scrollback) - missing :]


class Memory:
    """What one person's terminals remember in one team. Raises Overloaded while Postgres cannot be reached."""

    def __init__(self, schema: str, person: str) -> None:
        """Remember for a person, named as `Caller.id` does."""
        self.schema = schema
        self.person = person

    @classmethod
    def of(cls, caller: Caller) -> "Memory":
        """Give the memory of a caller."""
        return cls(caller.schema, caller.id or caller.name)

    # History

    async def remember(self, line: str, path: str, status: int) -> None:
        """Keep a line that was run at an object.

        One that begins with a space, is empty, or is longer than TERMINAL_LINE_CHARS is not kept: half a line would be
        another command. Secrets are masked by the shell, which knows the commands (`terminal.secrets`).
        """
        line = line.rstrip().replace("\0", "")
        if not line or line[0].isspace() or len(line) > settings.GROVE.TERMINAL_LINE_CHARS:
            return
        await self._run(REMEMBER, path=path, line=line, at=datetime.now(UTC), status=status)

    async def history(self, *, path: str = "", part: str = "", limit: int = 1_000) -> Sequence[Remembered]:
        """Give the newest lines, the newest last; of one object, with a part in them in whatever case."""
        statement = HISTORY_HERE if path else HISTORY
        rows = await self._run(statement, path=path, part=part.replace("\0", ""), limit=max(0, limit))
        return [Remembered(*row) for row in reversed(rows)]

    # Macros and aliases

    async def macros(self) -> Mapping[str, str]:
        """Give the macros by name."""
        return dict(await self._run(NAMED, "macro"))

    async def save_macro(self, name: str, text: str) -> None:
        """Keep a macro; an empty text forgets it. Raises WrongArgument, TooLarge, OverLimit."""
        await self._save_named("macro", name, text)

    async def aliases(self) -> Mapping[str, str]:
        """Give the aliases by name."""
        return dict(await self._run(NAMED, "alias"))

    async def save_alias(self, name: str, text: str) -> None:
        """Keep an alias; an empty text forgets it. Raises WrongArgument, TooLarge, OverLimit."""
        await self._save_named("alias", name, text)

    async def _save_named(self, what: str, name: str, text: str) -> None:
        if not text:
            await self._run(FORGET_NAMED, what, name=name.replace("\0", ""))
            return
        if not NAME.fullmatch(name):
            raise WrongArgument(
                "name",
                f"'{name[:60]}' cannot name {_an(what)}: a letter, then letters, digits, '_', '.', '-'; at most 63.",
            )
        text = _checked(text, _an(what))
        most = settings.GROVE.TERMINAL_MACROS
        saved = await self._run(SAVE_NAMED, what, name=name, text=text, most=most)
        if not saved:
            forget = "macro remove NAME" if what == "macro" else "unalias NAME"
            raise OverLimit(f"there are {most} already (limit TERMINAL_MACROS). `{forget}` makes room.")

    # ~/.groverc

    async def startup(self) -> str:
        """Give the text of the person's ~/.groverc."""
        rows = await self._run(STARTUP)
        return str(rows[0][0]) if rows else ""

    async def save_startup(self, text: str) -> None:
        """Keep the text of the person's ~/.groverc. Raises TooLarge."""
        await self._run(SAVE_STARTUP, text=_checked(text, "~/.groverc"))

    # Sessions

    async def session(self, session_id: str) -> Snapshot | None:
        """Give a session that waits for this person; None where there is none, or it is somebody else's."""
        rows = await self._run(SESSION, id=session_id.replace("\0", ""))
        if not rows:
            return None
        return Snapshot(*rows[0])

    async def save_session(self, session: Snapshot) -> None:
        """Keep a session for when its reader comes back. A snapshot that is older than what is kept changes nothing."""
        kept_bytes = settings.GROVE.TERMINAL_SCROLLBACK_BYTES
        await self._run(
            SAVE_SESSION,
            id=session.id,
            path=session.path,
            line=session.line.replace("\0", ""),
            cursor=session.cursor,
            variables=Jsonb(dict(session.variables)),
            scrollback=session.scrollback[-kept_bytes:],
            shown_bytes=session.shown_bytes,
            width=session.width,
            height=session.height,
            seen_at=session.seen_at,
        )

    async def forget_session(self, session_id: str) -> None:
        """Forget a session that its reader ended."""
        await self._run(FORGET_SESSION, id=session_id)

    async def _run(self, statement: LiteralString, what: str = "line", /, **values: Any) -> list[tuple[Any, ...]]:
        composed = _composed(statement, self.schema, what)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_threads, _execute, composed, {"person": self.person} | values)


def _an(what: str) -> str:
    return "an alias" if what == "alias" else f"a {what}"


def _checked(text: str, what: str) -> str:
    most = settings.GROVE.TERMINAL_MACRO_CHARS
    if len(text) > most:
        raise TooLarge(
            f"{what} of {len(text):,} characters is too long: at most {most:,} are kept (limit TERMINAL_MACRO_CHARS). "
            "Keep it in a file of an object."
        )
    return text.replace("\0", "")


# ---- The threads that ask Postgres ----

_threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="terminal-memory")
_local = threading.local()


@cache
def _composed(statement: LiteralString, schema: str, what: str) -> Composed:
    """Name the team's tables in a statement. A few statements a schema: kept for as long as the process lives."""
    return SQL(statement).format(
        line=Identifier(schema, "terminal_line"),
        table=Identifier(schema, f"terminal_{what}"),
        startup=Identifier(schema, "terminal_startup"),
        session=Identifier(schema, "terminal_session"),
    )


def _execute(statement: Composed, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement; give its rows, or one empty row for each that was written. Once more after a lost connection.

    A line that was remembered just when the connection went may then stand there twice: better than never.
    """
    try:
        return _try(statement, values)
    except psycopg.OperationalError:
        _close()
    try:
        return _try(statement, values)
    except psycopg.OperationalError as error:
        _close()
        raise Overloaded(
            "History, macros and aliases cannot be reached at the moment. Try again shortly.", retry_after_s=RETRY_S
        ) from error


def _try(statement: Composed, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    connection: psycopg.Connection[tuple[Any, ...]] | None = getattr(_local, "connection", None)
    if connection is None or connection.closed:
        connection = psycopg.connect(running.conninfo(), autocommit=True, **PATIENCE)  # type: ignore[arg-type]
        _local.connection = connection
    cursor = connection.execute(statement, values)
    return cursor.fetchall() if cursor.description is not None else [()] * cursor.rowcount


def _close() -> None:
    connection = getattr(_local, "connection", None)
    _local.connection = None
    if connection is not None:
        connection.close()
