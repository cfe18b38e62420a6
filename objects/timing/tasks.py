"""What Celery runs of time: the tick of the dispatcher, and the work on what it hands over."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import kombu.exceptions
import psycopg
from celery import shared_task
from django.conf import settings

from objects.engine import running
from objects.timing import mails, worker
from objects.timing.dispatcher import Dispatcher
from objects.timing.index import Taken

log = logging.getLogger("grove.timing")

TICK_S: Final = 1.0  # a tick lasts until the next is due: beat sends one a second

__all__ = ["mails", "tick", "work_off"]  # Celery finds tasks here

# Neither is sent again by the broker when its process dies: a lost tick is followed by the next, and what a worker
# held is ready again in the index after its lease.
_own = threading.local()


@shared_task(acks_late=False, expires=3 * TICK_S)  # type: ignore[untyped-decorator]
def tick() -> None:
    """Hand over what is due, for as long as a tick lasts."""
    with _patience():
        Dispatcher(_connection(), _hand_over, settings.GROVE).run(TICK_S)


@shared_task(acks_late=False)  # type: ignore[untyped-decorator]
def work_off(taken: Sequence[tuple[str, int, str]]) -> None:
    """Let objects do what is due."""
    with _patience():
        worker.work_off(_connection(), [Taken(*row) for row in taken])


@contextmanager
def _patience() -> Iterator[None]:
    """Leave it to the next tick, or to the lease's end, where Postgres or the broker is away."""
    try:
        yield
    except (psycopg.OperationalError, kombu.exceptions.OperationalError) as error:
        log.warning("what is due has to wait: %s", str(error).splitlines()[0] if str(error) else type(error).__name__)


def _hand_over(taken: Sequence[Taken]) -> None:
    work_off.apply_async((list(taken),), expires=settings.GROVE.WAKE_LEASE_S)


def _connection() -> psycopg.Connection[Any]:
    """Give this thread's connection; a broken one is replaced."""
    connection: psycopg.Connection[Any] | None = getattr(_own, "connection", None)
    if connection is None or connection.closed or connection.broken:
        connection = _own.connection = psycopg.connect(running.conninfo(), autocommit=True, connect_timeout=5)
    return connection
