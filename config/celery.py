"""The Celery application: tasks find each other through Valkey, and say what they mean in JSON only.

Tasks are declared with `celery.shared_task` in a module `tasks` of an app; their settings are `CELERY_...` of Django's.
A task may run twice (its worker died): what it does must not mind.
"""

import os
from datetime import timedelta

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("grove")
app.conf.update(
    accept_content=["json"],  # pickle would let whoever reaches Valkey run code here
    task_serializer="json",
    result_serializer="json",
    task_acks_late=True,
    task_default_queue="chores",
    worker_prefetch_multiplier=1,  # a slow task holds no others back while another worker is idle
    # What is due must not wait behind a long task, nor the dispatcher behind what is due. Teams' tasks have workers of
    # their own, with threads: each watches the process in which a task runs.
    task_routes={
        "objects.timing.tasks.tick": {"queue": "ticks"},
        "objects.timing.tasks.work_off": {"queue": "wakes"},
        "objects.tasks.run_waiting_tasks": {"queue": "tasks"},
    },
    # Beat copies these into its tables at its start; there, in the admin, a person can change when they run.
    beat_schedule={
        "send for waiting tasks": {"task": "objects.tasks.send_for_waiting_tasks", "schedule": 10.0},
        "hand over what is due": {"task": "objects.timing.tasks.tick", "schedule": timedelta(seconds=1)},
        "forget what is old": {"task": "objects.tasks.forget_what_is_old", "schedule": crontab(minute=17)},
        "summarise": {"task": "objects.tasks.summarise", "schedule": crontab()},
        "forget what terminals kept": {"task": "terminal.tasks.forget_what_is_old", "schedule": crontab(minute=29)},
        "forget deleted teams": {"task": "teams.tasks.forget_deleted_teams", "schedule": crontab(minute=53)},
        "forget old sessions": {"task": "teams.tasks.forget_old_sessions", "schedule": crontab(minute=41, hour=3)},
    },
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _announce_worker(**_: object) -> None:
    from objects.work import leases  # noqa: PLC0415 -- settings are not read yet when Celery reads this file
    from teams.presence import announce  # noqa: PLC0415 -- as above

    announce("worker", " ".join(sorted(app.amqp.queues.consume_from)))
    leases.begin()


@beat_init.connect  # type: ignore[untyped-decorator]
def _announce_beat(**_: object) -> None:
    from teams.presence import announce  # noqa: PLC0415 -- as above

    announce("beat")
