"""What Celery does for terminals now and then."""

import logging

import psycopg
from celery import shared_task
from django.conf import settings

from objects.engine import running
from teams.models import Team
from terminal import forgetting

log = logging.getLogger("grove.maintenance")


@shared_task  # type: ignore[untyped-decorator]
def forget_what_is_old() -> None:
    """Forget lines and sessions beyond the limits, team by team."""
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        for schema in Team.objects.values_list("schema_name", flat=True).iterator():
            gone = forgetting.forget(connection, schema, limits=settings.GROVE)
            log.info("forgot what terminals kept: schema=%s %s", schema, gone)
