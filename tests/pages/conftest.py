"""What the tests of pages share: somebody's session, the engine to prepare and to look, a site and a real browser.

A browser's fixtures end with this package: two of Playwright's loops cannot be in one thread.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, sync_playwright

from config.up.assets import build_assets
from objects.engine import running
from objects.engine.running import engine
from teams import actions
from teams.models import Person, Team
from teams.problems import Conflict
from tests.pages.browser import KEY, ROOT
from tests.surfaces.conftest import start

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


@pytest.fixture(scope="package")
def site(database, tmp_path_factory) -> Iterator[str]:
    """A web process on the tests' database, with the demo team in it; gives its address."""
    build_assets(ROOT)
    actions.seed_demo()
    process, web = start(tmp_path_factory.mktemp("site") / "web.log", GROVE_ENTER_KEY=KEY)
    yield web.url
    process.terminate()
    process.wait(timeout=60)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A real browser. Without one this fails and does not skip: pages that nobody looked at are not tested."""
    found = os.environ.get("BROWSER_EXECUTABLE") or shutil.which("chromium")
    assert found, "No Chromium: install one (apt-get install chromium) or name it in BROWSER_EXECUTABLE."
    with sync_playwright() as playwright:
        # The sandbox needs rights that a container lacks; the pages here are our own.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        # Playwright leaves an event loop running in this thread, where Django refuses the ORM.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        yield browser
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        browser.close()
