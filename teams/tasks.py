"""What Celery does for this room now and then."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from teams import actions
from teams.models import Team


@shared_task  # type: ignore[untyped-decorator]
def forget_old_sessions() -> None:
    """Delete sessions that are over; Django leaves them in their table."""
    call_command("clearsessions")


@shared_task  # type: ignore[untyped-decorator]
def forget_deleted_teams() -> None:
    """Delete for good the teams whose time in the trash is over."""
    before = timezone.now() - timedelta(seconds=settings.GROVE.TEAM_TRASH_KEEP_S)
    for team in Team.objects.filter(deleted_at__lte=before):
        actions.delete_team(team=team, by=None)
