"""Sends for a worker when a task was started: from a thread of its own, since the broker may be slow or away.

What is lost on the way is made good: beat sends again for what waits (`objects.tasks.send_for_waiting_tasks`).
"""

import logging
import os
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from celery import current_app
from django.conf import settings
from kombu.exceptions import KombuError

from objects.work.records import TOPIC

if TYPE_CHECKING:
    from objects.engine.calls import Event

log = logging.getLogger("grove.task")

EXPIRES_S = 60  # of a message to one process, which may be gone
SEND = "objects.tasks.run_waiting_tasks"


def queue_of(place: str, holder: int = 0) -> str:
    """Give the name of the Celery queue from which those are sent for who run tasks at a place, or one of them."""
    return f"{place}.{holder}" if holder else place or "tasks"


class _Post:
    """Sends from a thread, as many at once as a worker has places: whoever comes takes whatever waits."""

    def __init__(self) -> None:
        self._more = threading.Event()
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, count: int, place: str) -> None:
        with self._lock:
            self._waiting[place] = min(settings.GROVE.TASK_PROCESSES, self._waiting[place] + count)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="task-post")
                self._thread.start()
        self._more.set()

    def _run(self) -> None:
        while True:
            self._more.wait()
            self._more.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, Counter()
            for place in waiting.elements():
                _send(None, place)


def _send(after_s: float | None, place: str, to: str = "") -> None:
    try:
        current_app.send_task(
            SEND, (place,), queue=to or queue_of(place), countdown=after_s, retry=False, ignore_result=True,
            expires=EXPIRES_S if to else None,
        )  # fmt: skip
    except (KombuError, OSError) as error:
        log.warning("valkey is away: tasks wait until beat sends for them: %s", error)


_post = _Post()


def _begin() -> None:
    global _post  # noqa: PLW0603 -- a fork has to begin anew: its thread is gone
    _post = _Post()


os.register_at_fork(after_in_child=_begin)


def post(count: int = 1, *, after_s: float = 0.0, place: str = "") -> None:
    """Send for workers: for so many tasks, or for one that is due in some seconds. Never waits for the first."""
    if after_s > 0:
        _send(after_s, place)
    elif count > 0:
        _post.put(count, place)


def send_to(place: str, holder: int) -> None:
    """Send for one process at a place, by the number that it is known by; where it is gone, nobody comes."""
    _send(None, place, queue_of(place, holder))


def notice(events: Sequence["Event"]) -> None:
    """Send for workers where these events of a commit tell of tasks that were started."""
    waiting = [event.data for event in events if event.topic == TOPIC and event.data.get("state") == "waiting"]
    for place, count in Counter(data.get("place", "") for data in waiting).items():
        post(count, place=place)
