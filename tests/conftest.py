"""What all tests share: one real database for the session, and factories of teams, people, tokens and callers.

Tests commit, as the product does: the engine's threads have connections of their own and see what is committed only.
So nothing is rolled back between tests; each uses a team of its own (`new_team`) or names of its own in `team`.
"""

import dataclasses
import itertools
import uuid
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from playwright import async_api, sync_api
from pytest_django import DjangoDbBlocker

from objects import live
from objects.commands.registry import registry
from objects.engine import running
from objects.engine.engine import Engine
from teams import actions, callers
from teams.access import Caller, Role
from teams.models import Person, Team, Token
from tests.browsers import hosting
from tests.grove import Grove

NewPerson = Callable[..., Person]
NewTeam = Callable[..., Team]
NewToken = Callable[..., tuple[Token, str]]
KnownAs = Callable[..., Caller]

numbers = itertools.count(1)
# What is waited for comes sooner or later on a machine that has much to do; how soon is the benchmarks' business.
PATIENCE_MS = 30_000
sync_api.expect.set_options(timeout=PATIENCE_MS)
async_api.expect.set_options(timeout=PATIENCE_MS)

RUN = uuid.uuid4().hex[:6]  # with --reuse-db the people of earlier runs are still there


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_createdb: bool,
) -> Iterator[None]:
    """Make the test database whatever the tests are marked with; pytest-django makes it for marked ones only."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, keepdb=django_db_keepdb and not django_db_createdb)
        yield
        if not django_db_keepdb:
            with connection.cursor() as cursor:  # threads and processes that still hold a connection would keep it
                cursor.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                    " and backend_type = 'client backend'"
                )
            teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Open the test database to every test, thread and process for the whole session."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def person(database: None) -> NewPerson:
    """Make people: `person()`, `person(name="Ann")`, `person(password="…")`."""

    def new(*, email: str = "", name: str = "", password: str | None = None) -> Person:
        email = email or f"{(name or 'person').lower().replace(' ', '.')}-{RUN}-{next(numbers)}@example.com"
        return Person.objects.create_user(email, password, name=name)

    return new


@pytest.fixture(scope="session")
def new_team(person: NewPerson) -> NewTeam:
    """Make teams, each with an owner: `new_team()`, `new_team(slug="acme", owner=ann)`. The owner is `team.owner`."""

    def new(*, name: str = "", slug: str = "", owner: Person | None = None) -> Team:
        slug = slug or f"t-{RUN}-{next(numbers)}"
        owner = owner or person()
        team = actions.create_team(name=name or slug, slug=slug, owner=owner)
        team.owner = owner
        return team

    return new


@pytest.fixture(scope="module")
def team(new_team: NewTeam) -> Team:
    """One team for all tests of a file; they keep apart by using different paths."""
    return new_team()


@pytest.fixture(scope="session")
def member(person: NewPerson) -> NewPerson:
    """Make members: `member(team, Role.VIEWER, {"/a": Role.EDITOR})`."""

    def new(team: Team, role: Role = Role.VIEWER, grants: dict[str, Role] | None = None) -> Person:
        new_member = person()
        owner = team.memberships.get(role=Role.OWNER).person
        actions.add_member(team=team, by=owner, person=new_member, role=role)
        for path, granted in (grants or {}).items():
            actions.give_grant(team=team, by=owner, person=new_member, path=path, role=granted)
        return new_member

    return new


@pytest.fixture(scope="session")
def token(database: None) -> NewToken:
    """Make tokens: `token(team)` gives (Token, secret) of the owner; `token(team, member, paths=["/a"], …)`."""

    def new(team: Team, of: Person | None = None, **limits: object) -> tuple[Token, str]:
        of = of or team.memberships.filter(role=Role.OWNER).earliest("id").person
        return actions.create_token(team=team, by=of, name=f"token {next(numbers)}", **limits)  # type: ignore[arg-type]

    return new


@pytest.fixture(scope="session")
def caller(database: None) -> KnownAs:
    """Give the Caller of a person in a team, of the owner where none is named: `caller(team)`, `caller(team, ann)`."""

    def known_as(team: Team, of: Person | None = None) -> Caller:
        of = of or team.memberships.filter(role=Role.OWNER).earliest("id").person
        callers.forget_all()
        return callers.for_person(of.pk, team.slug)

    return known_as


@pytest.fixture(scope="session", autouse=True)
def engine_of_the_session(database) -> Iterator[None]:
    """End this process's engine before its database goes, and what tells others before their Valkey does."""
    yield
    hosting.stop()
    running.stop()
    live.stop()


@pytest.fixture(scope="session")
def engine_with(database) -> Iterator[Callable[..., Engine]]:
    """Make engines with limits of their own, as other processes have them: `engine_with(CALL_SECONDS=1)`."""
    made: list[Engine] = []

    def new(**limits: float) -> Engine:
        engine = Engine(
            running.conninfo(),
            registry=registry,
            limits=dataclasses.replace(settings.GROVE, **limits),
            publish=live.publish,
        )
        made.append(engine)
        return engine

    yield new
    for engine in made:
        engine.stop()


@pytest.fixture(scope="session")
def fresh_engine(engine_with) -> Engine:
    """A second engine: to the first it is another process."""
    return engine_with()


@pytest.fixture
def operating(grove, caller, team, settings) -> Iterator[Callable[[str], Grove]]:
    """Have the team's owner be an operator, with a setting of the deployment on: `operating("BROWSER_SCRIPTS")`."""

    def operates(setting: str) -> Grove:
        setattr(settings, setting, True)
        Person.objects.filter(email=grove.caller.name).update(is_staff=True)
        return grove.acting_as(caller(team))

    yield operates
    Person.objects.filter(email=grove.caller.name).update(is_staff=False)
    callers.forget_all()


@pytest.fixture
def grove(team, caller) -> Grove:
    """Call commands as the owner of `team`, in a place of the tree that no other test has."""
    home = f"/test-{next(numbers)}"
    owner = caller(team)
    made = Grove(running.engine(), owner, home)
    made.outcome(home, "state.list", create="object", check=True)
    return made
