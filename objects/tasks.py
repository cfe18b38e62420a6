"""What Celery does for this room now and then."""

import logging
import time

import psycopg
from celery import shared_task
from django.conf import settings

from objects import maintenance, summaries
from objects.engine import running
from objects.work import leases, posting, queue
from objects.work import running as working
from teams.models import Team

SUMMARY_ROUNDS = 20  # of one team, before it is the next one's turn

log = logging.getLogger("grove.maintenance")


@shared_task(acks_late=False)  # type: ignore[untyped-decorator]
def run_waiting_tasks(place: str = "") -> None:
    """Run teams' tasks until none is left for this worker. Sent for each that starts; runs whichever is next."""
    working.run_waiting(place)


@shared_task(expires=10)  # type: ignore[untyped-decorator]
def send_for_waiting_tasks() -> None:
    """Send for workers again where tasks wait: a broker can lose what it was given, and a worker can die."""
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        leases.free(connection)
        for place, count in queue.due(connection, settings.GROVE.TASK_PROCESSES).items():
            posting.post(count, place=place)


@shared_task  # type: ignore[untyped-decorator]
def forget_what_is_old() -> None:
    """Forget history, answers, journal lines and trash beyond the limits, team by team."""
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        for schema in Team.objects.values_list("schema_name", flat=True).iterator():
            gone = maintenance.forget(connection, schema, limits=settings.GROVE)
            log.info("forgot what is old: schema=%s %s", schema, gone)


@shared_task  # type: ignore[untyped-decorator]
def summarise() -> None:
    """Bring the summaries of all teams up to date, by which objects are found."""
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        for schema in Team.objects.values_list("schema_name", flat=True).iterator():
            for _ in range(SUMMARY_ROUNDS):
                began_at = time.monotonic()
                is_more = summaries.catch_up(connection, schema)
                time.sleep(time.monotonic() - began_at)  # half of the time for what is due meanwhile
                if not is_more:
                    break
