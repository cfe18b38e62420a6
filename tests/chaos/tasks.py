"""A task that calls an object from a worker, as schedules and messages will."""

from typing import Any

from celery import shared_task

from objects.engine import running
from teams.access import Caller


@shared_task(bind=True, max_retries=None)  # type: ignore[untyped-decorator]
def call(self: Any, schema: str, path: str, command: str, arguments: dict[str, Any], key: str | None = None) -> None:
    """Make a call as the platform; try again, under the same key, where the answer was "not now"."""
    outcome = running.engine().call(schema, path, command, arguments, Caller.system(schema), key=key, via="worker")
    if outcome.problem is not None:
        if outcome.problem.retry_after_s is not None:
            raise self.retry(countdown=0.2, exc=outcome.problem)
        raise outcome.problem
