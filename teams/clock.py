"""The time of day that all of Grove goes by: the machine's, and in tests one that can be moved on.

With GROVE_VIRTUAL_CLOCK=1 every process adds an offset that is kept in the database, so that a test moves schedules,
alarms, delays, leases and expiry in all of them at once. GROVE_PUBLIC=1 does not start with it. Limits on how long a
call may take go by the machine's monotonic clock, which nothing moves.
"""

import os
import threading
import time
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection as django_connection

KEEP_S: Final = 0.02  # how long a process goes by the offset that it read
TABLE: Final = "CREATE TABLE IF NOT EXISTS public.virtual_clock (offset_s float8 NOT NULL)"
READ: Final = "SELECT coalesce((SELECT max(offset_s) FROM public.virtual_clock), 0)"

can_be_moved: bool = settings.VIRTUAL_CLOCK  # read once: the time is asked for several times a call

_lock = threading.Lock()
_state: tuple[int, float, float] = (0, 0.0, 0.0)  # process id, offset, time.monotonic() until which it counts


def now() -> float:
    """Give the time as Unix seconds."""
    return time.time() + moved_s() if can_be_moved else time.time()


def moved_s() -> float:
    """Give the seconds by which the time is ahead of the machines': for statements that go by Postgres's `now()`."""
    return _offset_s() if can_be_moved else 0.0


def advance(seconds: float) -> None:
    """Move the time on, in every process; afterwards all of them go by it. For tests."""
    if not can_be_moved:
        raise RuntimeError("the clock is the machine's: only GROVE_VIRTUAL_CLOCK=1 lets it be moved")
    with _connected() as connection:
        connection.execute(TABLE)
        moved = connection.execute("UPDATE public.virtual_clock SET offset_s = offset_s + %s", (seconds,))
        if not moved.rowcount:
            connection.execute("INSERT INTO public.virtual_clock VALUES (%s)", (seconds,))
    _forget()
    time.sleep(KEEP_S)


def reset() -> None:
    """Go by the machine's time again. For tests."""
    with _connected() as connection:
        connection.execute(TABLE)
        connection.execute("TRUNCATE public.virtual_clock")
    _forget()
    time.sleep(KEEP_S)


def _offset_s() -> float:
    global _state  # noqa: PLW0603 -- one clock a process
    pid, offset_s, until = _state
    if pid == os.getpid() and time.monotonic() < until:
        return offset_s
    with _lock:
        try:
            with _connected() as connection:
                row = connection.execute(READ).fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
        except psycopg.OperationalError:  # Postgres is away: the time goes on from what was known
            row = (offset_s,)
        _state = (os.getpid(), float(row[0]) if row else 0.0, time.monotonic() + KEEP_S)
        return _state[1]


def _forget() -> None:
    global _state  # noqa: PLW0603
    _state = (0, 0.0, 0.0)


def _connected() -> psycopg.Connection[Any]:
    parameters = django_connection.get_connection_params()
    known = {name: value for name, value in parameters.items() if name not in ("cursor_factory", "context")}
    return psycopg.connect(**({"connect_timeout": 5} | known), autocommit=True)
