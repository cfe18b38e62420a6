"""Whether everything runs: processes, queues, what runs by the clock, Postgres and Valkey."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_celery_beat.models import PeriodicTask

from teams.answering import answer
from teams.operating.site import operators_page
from teams.presence import Process, processes

WANTED = ("web", "beat")
# What is sent for whom, and what stands still while nobody takes from it.
QUEUES = {
    "ticks": "nothing that is due is handed to anybody",
    "wakes": "schedules, messages and steps do not go on",
    "tasks": "tasks of teams wait",
    "browser": "browsers of objects do nothing",
    "chores": "what is old is not forgotten, and searches fall behind",
}
UNACKED = "unacked"


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure with its name. is_bad: whether somebody should look."""

    name: str
    value: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of the broker: how much waits in it, and how many processes take from it."""

    name: str
    waiting: int
    takers: int


@dataclass(frozen=True, slots=True)
class HealthPage:
    """What templates/admin/health.html shows."""

    problems: Sequence[str]
    processes: Sequence[Process]
    queues: Sequence[Queue]
    in_hand: int
    postgres: Sequence[Fact]
    valkey: Sequence[Fact]
    schedule: Sequence[tuple[str, str, datetime | None, bool]]


@operators_page("health/", "health", "Health", "processes, queues, the clock, Postgres and Valkey")
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Show it as it is now."""
    problems: list[str] = []
    client = redis.Redis.from_url(settings.VALKEY_URL, socket_connect_timeout=2, socket_timeout=2)
    try:
        running, valkey = processes(client), _valkey(client)
        queues, in_hand = _queues(client, running), int(client.hlen(_key(UNACKED)))
    except redis.RedisError:
        running, queues, in_hand, valkey = [], [], 0, []
        problems.append("Valkey does not answer: tasks and events to other processes wait, sign-ins are refused.")
    else:
        there = {process.role for process in running}
        problems += [f"No {role} process has said lately that it runs." for role in WANTED if role not in there]
        problems += [
            f"No worker takes from the queue {each.name}: {QUEUES[each.name]}." for each in queues if not each.takers
        ]
    schedule = [
        (each.name, _when(each), each.last_run_at, each.enabled)
        for each in PeriodicTask.objects.select_related("interval", "crontab", "solar", "clocked").order_by("name")
    ]
    page = HealthPage(problems, running, queues, in_hand, _postgres(), valkey, schedule)
    return answer(request, "admin/health.html", page)


def _when(task: PeriodicTask) -> str:
    return task.crontab.human_readable if task.crontab else str(task.interval or task.solar or task.clocked)


def _queues(client: redis.Redis, running: Sequence[Process]) -> list[Queue]:
    taken = Counter(name for process in running for name in process.queues.split())
    return [Queue(name, int(client.llen(_key(name))), taken[name]) for name in QUEUES]


def _key(name: str) -> str:
    """Give the name under which the broker keeps a queue in Valkey."""
    return f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}{name}"


def _valkey(client: redis.Redis) -> list[Fact]:
    told: dict[str, object] = client.info()
    return [
        Fact("version", str(told.get("valkey_version") or told.get("redis_version"))),
        Fact("memory", str(told.get("used_memory_human"))),
        Fact("connections", str(told.get("connected_clients"))),
        Fact("keys thrown out for want of memory", str(told.get("evicted_keys")), bool(told.get("evicted_keys"))),
    ]


def _postgres() -> list[Fact]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_setting('server_version'), pg_size_pretty(pg_database_size(current_database())),"
            " count(*), current_setting('max_connections')::int,"
            " count(*) filter (where wait_event_type = 'Lock'),"
            " coalesce(max(extract(epoch from now() - xact_start)) filter (where state <> 'idle'), 0)"
            " from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        version, size, used, most, waiting, longest = cursor.fetchone()
    return [
        Fact("version", version),
        Fact("size", size),
        Fact("connections", f"{used} of {most}", used > 0.8 * most),
        Fact("waiting for a lock", str(waiting)),
        Fact("longest transaction", f"{longest:.1f} s", longest > 60),
    ]
