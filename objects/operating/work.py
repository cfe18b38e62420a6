"""What teams have Grove do: tasks that run or wait, and what is due by the clock, team by team. Not what is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from django.db.models import Count, Max, Min, Q
from django.db.utils import ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from objects.models import Object, Task
from objects.timing.models import Wake
from teams import clock
from teams.answering import answer
from teams.models import Team, WaitingTask
from teams.operating.site import operators_page
from teams.schemas import inside

TEAMS: Final = 50  # with the most to do
TASKS: Final = 50  # that were begun or became due the longest ago
LATE_S: Final = 60.0  # so much late, somebody should look


@dataclass(slots=True)
class TeamAtWork:
    """What one team has to do. late: what is due by the clock and nobody began, since when: the longest of it.

    ahead: what is due by the clock in all, one for each object and facility. lost: workers that died with one task.
    """

    team: Team | None
    schema: str
    running: int = 0
    waiting: int = 0
    waits_since: datetime | None = None
    late: int = 0
    late_since: datetime | None = None
    ahead: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class OneTask:
    """A task from outside. lost: workers that died with it."""

    team: Team | None
    path: str
    id: str
    command: str
    place: str
    is_running: bool
    since: datetime
    tries: int
    lost: int


@dataclass(frozen=True, slots=True)
class WorkPage:
    """What templates/admin/work.html shows."""

    teams: Sequence[TeamAtWork]
    tasks: Sequence[OneTask]
    running: int
    waiting: int
    late: int
    problems: Sequence[str] = field(default_factory=tuple)


@operators_page("work/", "work", "Work", "tasks of teams that run or wait, and what is late by the clock")
@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """Show it as it is now."""
    now = datetime.fromtimestamp(clock.now(), UTC)
    at_work = _teams(now)
    problems = [
        f"{_name(each)}: something has been due for {(now - each.late_since).total_seconds():,.0f} s, and nobody began."
        for each in at_work
        if each.late_since is not None and (now - each.late_since).total_seconds() > LATE_S
    ]
    page = WorkPage(
        teams=at_work[:TEAMS],
        tasks=_tasks(now, {each.schema: each.team for each in at_work}),
        running=sum(each.running for each in at_work),
        waiting=sum(each.waiting for each in at_work),
        late=sum(each.late for each in at_work),
        problems=problems[:10],
    )
    return answer(request, "admin/work.html", page)


def _teams(now: datetime) -> list[TeamAtWork]:
    """Count what each team has to do, in two statements; those with the most first."""
    held = Q(leased_until__gte=now)
    due = Q(due_at__lte=now) & ~held
    counted = WaitingTask.objects.values("schema").annotate(
        running=Count("id", filter=held),
        waiting=Count("id", filter=~held),
        since=Min("due_at", filter=due),
        losses=Max("lost"),
    )
    late = Q(ready_at__lte=now.timestamp(), held=False)
    wakes = (
        Wake.objects.filter(ready_at__lt=float("inf"))
        .values("schema")
        .annotate(ahead=Count("object_id"), late=Count("object_id", filter=late), since=Min("ready_at", filter=late))
    )
    found: dict[str, TeamAtWork] = {}
    teams = Team.objects.in_bulk(
        {each["schema"] for each in counted} | {each["schema"] for each in wakes}, field_name="schema_name"
    )

    def at(schema: str) -> TeamAtWork:
        return found.setdefault(schema, TeamAtWork(teams.get(schema), schema))

    for each in counted:
        entry = at(each["schema"])
        entry.running, entry.waiting = each["running"], each["waiting"]
        entry.waits_since, entry.lost = each["since"], each["losses"] or 0
    for row in wakes:
        entry = at(row["schema"])
        entry.ahead, entry.late = row["ahead"], row["late"]
        entry.late_since = None if row["since"] is None else datetime.fromtimestamp(row["since"], UTC)
    return sorted(found.values(), key=lambda each: (-each.late, -each.waiting - each.running, -each.ahead, each.schema))


def _tasks(now: datetime, teams: Mapping[str, Team | None]) -> list[OneTask]:
    rows = list(
        WaitingTask.objects.order_by("due_at", "schema", "id").values_list(
            "schema", "id", "place", "leased_until", "due_at", "tries", "lost"
        )[:TASKS]
    )
    known: dict[tuple[str, str], tuple[str, str, datetime]] = {}
    for schema in {row[0] for row in rows}:
        known |= {(schema, key): told for key, told in _of_team(schema, [row[1] for row in rows]).items()}
    tasks = []
    for schema, key, place, leased_until, due_at, tries, lost in rows:
        path, command, since = known.get((schema, key), ("", "", due_at))
        is_running = leased_until is not None and leased_until >= now
        tasks.append(OneTask(teams.get(schema), path, key, command, place or "worker", is_running, since, tries, lost))
    return tasks


def _of_team(schema: str, ids: Sequence[str]) -> dict[str, tuple[str, str, datetime]]:
    """Give path, command and since when, by the task's id. Nothing of a team that went meanwhile."""
    try:
        with inside(schema):
            tasks = {
                each.id: each
                for each in Task.objects.filter(id__in=ids).only(
                    "id", "object_id", "command", "created_at", "started_at"
                )
            }
            paths = dict(
                Object.objects.filter(id__in={each.object_id for each in tasks.values()}).values_list("id", "path")
            )
    except ProgrammingError:
        return {}
    return {
        key: (paths.get(task.object_id, ""), task.command, task.started_at or task.created_at)
        for key, task in tasks.items()
    }


def _name(each: TeamAtWork) -> str:
    return each.team.slug if each.team is not None else each.schema
