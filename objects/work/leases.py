"""Signs of life for all tasks that run in this process, by one thread: however busy those are that watch them.

A process that runs tasks also holds a lock in Postgres for as long as it lives, under a number of its own that is
written beside each lease. The kernel ends its connection however it ends: so the others need not wait for the leases of
one that was killed, see `free`.
"""

import logging
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.conf import settings

from objects.engine import running
from objects.work import posting, queue
from objects.work.queue import Taken

log = logging.getLogger("grove.task")

LOOK_S: Final = 1.0  # between two signs


@dataclass(slots=True, eq=False)
class Hold:
    """A task under a lease of this process. cancelled: it is to be stopped. lost: another worker may have it."""

    taken: Taken
    cancelled: bool = False
    lost: bool = False


class Leases:
    """Extends the leases of what is held, once a second, until it is let go."""

    def __init__(self) -> None:
        self._held: set[Hold] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._holder = 0

    def holder(self) -> int:
        """Give the number that this process holds the lock of. Raises psycopg.Error."""
        with self._lock:
            self._connected()
            return self._holder

    def hold(self, taken: Taken) -> Hold:
        """Extend a lease from now on."""
        hold = Hold(taken)
        with self._lock:
            self._held.add(hold)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="task-leases")
                self._thread.start()
        return hold

    def let_go(self, hold: Hold) -> None:
        """Extend it no more."""
        with self._lock:
            self._held.discard(hold)

    def _connected(self) -> psycopg.Connection[Any]:
        """Give the connection that has the lock; whoever asks has `_lock`."""
        if self._connection is None or self._connection.closed:
            connection = psycopg.connect(
                running.conninfo(), autocommit=True, connect_timeout=3, tcp_user_timeout=10_000
            )
            # The same number again where it is free: Postgres may not know yet that the last connection broke.
            self._holder = queue.enter(connection, self._holder or secrets.randbelow(1 << 31))
            self._connection = connection
        return self._connection

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_S)
            try:
                with self._lock:
                    holds = list(self._held)
                    if not holds:
                        self._thread = None
                        return
                    connection, holder = self._connected(), self._holder
                told = queue.extend(connection, [each.taken for each in holds], settings.GROVE.TASK_LEASE_S, holder)
            except psycopg.Error as error:  # it comes back before the leases end, or others take the tasks
                log.warning("Postgres does not answer a tasks' worker: %s", error)
                with self._lock:
                    if self._connection is not None:
                        self._connection.close()
                    self._connection = None
                continue
            for hold in holds:
                hold.lost = hold.taken.lease not in told
                hold.cancelled = told.get(hold.taken.lease, False)


leases = Leases()
"""Of this process."""


def free(connection: psycopg.Connection[Any]) -> None:
    """Have tasks of workers that died begun again, and send for others to do so. connection: in autocommit mode."""
    for place, count in queue.free(connection, settings.GROVE.TASK_LEASE_S).items():
        log.warning("a worker died with %d tasks; others take them over", count)
        posting.post(count, place=place)


def begin() -> None:
    """Look after the tasks of a worker that this process may be the successor of, from a thread of its own."""

    def look() -> None:
        for wait_s in (0.0, queue.SILENT_S + LOOK_S):  # the second for one that was killed just now
            time.sleep(wait_s)
            try:
                with psycopg.connect(running.conninfo(), autocommit=True, connect_timeout=3) as connection:
                    free(connection)
            except psycopg.Error as error:
                log.warning("Postgres does not answer a tasks' worker: %s", error)  # beat looks, too

    threading.Thread(target=look, daemon=True, name="task-successor").start()
