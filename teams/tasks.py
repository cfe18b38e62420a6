"""What Celery does for this room now and then."""

from celery import shared_task
from django.core.management import call_command


@shared_task  # type: ignore[untyped-decorator]
def forget_old_sessions() -> None:
    """Delete sessions that are over; Django leaves them in their table."""
    call_command("clearsessions")
