"""What Celery does for this room now and then."""

from datetime import UTC, datetime, timedelta

from allauth.usersessions.models import UserSession
from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command

from teams import actions, clock
from teams.models import Team


@shared_task  # type: ignore[untyped-decorator]
def forget_old_sessions() -> None:
    """Delete sessions that are over, and what was kept to list them; Django leaves them in their tables."""
    call_command("clearsessions")
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


@shared_task  # type: ignore[untyped-decorator]
def forget_deleted_teams() -> None:
    """Delete for good the teams whose time in the trash is over."""
    before = datetime.fromtimestamp(clock.now(), UTC) - timedelta(seconds=settings.GROVE.TEAM_TRASH_KEEP_S)
    for team in Team.objects.filter(deleted_at__lte=before):
        actions.delete_team(team=team, by=None)
