"""Signs of life for all tasks that run in this process, by one thread: however busy those are that watch them."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.conf import settings

from objects.engine import running
from objects.work import queue
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

    def _run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while True:
            time.sleep(LOOK_S)
            with self._lock:
                holds = list(self._held)
                if not holds:
                    self._thread = None
                    break
            try:
                if connection is None:
                    connection = psycopg.connect(
                        running.conninfo(), autocommit=True, connect_timeout=3, tcp_user_timeout=10_000
                    )
                told = queue.extend(connection, [each.taken for each in holds], settings.GROVE.TASK_LEASE_S)
            except psycopg.Error as error:  # it comes back before the leases end, or others take the tasks
                log.warning("Postgres does not answer a tasks' worker: %s", error)
                connection = None
                continue
            for hold in holds:
                hold.lost = hold.taken.lease not in told
                hold.cancelled = told.get(hold.taken.lease, False)
        if connection is not None:
            connection.close()


leases = Leases()
"""Of this process."""
