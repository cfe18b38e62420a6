"""What the tests of pages share: a browser session of somebody, and the engine to prepare and to look."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.test import Client

from objects.engine import running
from objects.engine.running import engine
from teams.models import Person, Team
from teams.problems import Conflict

SignedIn = Callable[..., Client]


@pytest.fixture(scope="session", autouse=True)
def stopped_engine(database) -> Iterator[None]:
    """Let the engine's threads go before the database does."""
    yield
    running.stop()


@pytest.fixture(scope="session")
def signed_in(database) -> SignedIn:
    """Give a browser session: `signed_in(person)`; with `htmx=True` it asks for fragments."""

    def new(person: Person, *, htmx: bool = False, **options: Any) -> Client:
        headers = {"HX-Request": "true"} if htmx else {}
        client = Client(headers=headers, **options)
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return new


@pytest.fixture(scope="module")
def owner(team: Team, signed_in: SignedIn) -> Client:
    """The session of the team's owner."""
    return signed_in(team.owner)


@pytest.fixture(scope="module")
def call(team: Team, caller) -> Callable[..., Any]:
    """Call a command as the owner and give its result: `call("/a", "state.set", key="x", value=1)`."""

    def run(path: str, command: str, /, **arguments: Any) -> Any:
        outcome = engine().call(team.schema_name, path, command, arguments, caller(team))
        if outcome.problem is not None:
            raise outcome.problem
        return outcome.value

    return run


@pytest.fixture(scope="module")
def make(call) -> Callable[[str], str]:
    """Make an object with all that is above it, where there is none yet, and give its path."""

    def new(path: str) -> str:
        with suppress(Conflict):
            call("/", "tree.create", name=path, parents=True)
        return path

    return new
