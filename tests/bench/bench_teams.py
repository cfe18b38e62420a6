"""How long teams and rights take with 200 teams: `python -m tests.bench.bench_teams` (DATABASE_URL: an empty database).

Prints the median and the 99th percentile of each operation in milliseconds. Ends with 1 where making a team takes 2 s,
or finding a caller takes a tenth longer and 0.2 ms more with 200 teams than with one.
"""

import os
import sys
import time
import uuid
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 -- needs django.setup()

from teams import actions, callers  # noqa: E402
from teams.access import Caller, Role, decide  # noqa: E402
from teams.models import Person, Team  # noqa: E402

TEAMS = 200
ROUNDS = 300


def measure(name: str, operation: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Run an operation many times, print how long it takes, and give the median in milliseconds."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        operation()
        took.append((time.perf_counter() - start) * 1000)
    took.sort()
    median, slow = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(f"{name:<44} median {median:9.4f} ms   p99 {slow:9.4f} ms")
    return median


def new_team(owner: Person | None = None) -> Team:
    """Make a team with an owner of its own."""
    name = uuid.uuid4().hex[:12]
    owner = owner or Person.objects.create_user(f"{name}@example.com")
    return actions.create_team(name=name, slug=name, owner=owner)


def measure_callers(team: Team, secret: str, person_id: int, number: int) -> float:
    """Find callers that are not kept, with some number of teams there."""

    def by_token() -> None:
        callers.forget_all()
        callers.for_token(team.slug, secret)

    def by_session() -> None:
        callers.forget_all()
        callers.for_person(person_id, team.slug)

    measure(f"for_person, not kept, {number} teams", by_session)
    return measure(f"for_token, not kept, {number} teams", by_token)


def main() -> int:
    """Measure all; 1 where a promise is not kept."""
    call_command("migrate", verbosity=0)
    owner = Person.objects.create_user(f"{uuid.uuid4().hex}@example.com")
    team = new_team(owner)
    _, secret = actions.create_token(team=team, by=owner, name="bench")
    first = measure_callers(team, secret, owner.pk, Team.objects.count())
    creation = measure("create_team", new_team, TEAMS)
    last = measure_callers(team, secret, owner.pk, Team.objects.count())

    callers.for_token(team.slug, secret)
    kept = callers.known(team.slug, secret=secret)
    assert kept is not None
    measure("known", lambda: callers.known(team.slug, secret=secret))
    grants = tuple((f"/p{number}/x", Role.EDITOR) for number in range(50))
    member = Caller(name="ann", schema="team_x", grants=(("/", Role.VIEWER), *grants), id="p1")
    path = "/p7/x" + "/deeper" * 6
    measure("decide, 50 grants, 8 names deep", lambda: decide(
        member, "team_x", path, command="state.set", verb="changes", needs=Role.EDITOR
    ))  # fmt: skip
    measure("spend", lambda: callers.spend(kept))
    measure("migrate, nothing to do", lambda: call_command("migrate", verbosity=0), 3)
    return 1 if creation >= 2000 or last > first * 1.1 + 0.2 else 0


if __name__ == "__main__":
    sys.exit(main())
