"""A browser host with its own proxy and demo site, a web process beside it, and people with real browsers at it."""

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page

from browsers.host import Host
from objects.engine import running
from objects.work.context import problem_of
from teams import actions, callers
from teams.access import Caller, Role
from teams.models import Person, Team
from tests.browsers.hosting import Hosting
from tests.grove import Grove
from tests.pages.browser import LOUD, serious
from tests.pages.conftest import chromium, site

__all__ = ["chromium", "site"]


@pytest.fixture(scope="package")
def host(hosting: Hosting) -> Iterator[Host]:
    """A host as it runs: all its browsers go through its own proxy."""
    hosting.host.stop()
    hosting.host = Host()
    hosting.host.start()
    yield hosting.host
    hosting.again()


@pytest.fixture(scope="package")
def team(site: str) -> Team:
    """The demo team, which the web process has seeded."""
    return Team.objects.get(slug="demo")


@pytest.fixture(scope="package")
def owner(team: Team) -> Caller:
    return callers.for_person(Person.objects.get(email=settings.DEMO_OWNER).pk, team.slug)


@pytest.fixture(scope="package")
def run(owner: Caller, host: Host) -> Callable[..., Any]:
    """Run a command of a browser as the owner and give its result: `run("/a", "browser.open", url=…)`."""
    grove = Grove(running.engine(), owner, "/")

    def do(path: str, command: str, **arguments: Any) -> Any:
        task = grove.outcome(path, command, arguments, create="object", check=True).value["task"]
        while (shown := grove.call(path, "task.show", task=task))["state"] not in ("done", "failed", "cancelled"):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), host.loop).result()
        if shown["state"] != "done":
            raise problem_of(shown["problem"])
        return shown["value"]

    return do


@pytest.fixture
def person_at(site: str, chromium: Browser, team: Team) -> Iterator[Callable[..., Page]]:
    """Open a page as somebody who is signed in: `person_at(address, person)`. Nothing may stand in its console."""
    contexts, complaints = [], []

    def open_page(address: str, who: Person, **options: Any) -> Page:
        client = Client()
        client.force_login(who, backend="allauth.account.auth_backends.AuthenticationBackend")
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context = chromium.new_context(base_url=site, **options)
        contexts.append(context)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
        page = context.new_page()
        page.on("console", lambda each: complaints.append(each.text) if each.type in LOUD else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert serious(complaints, "409|422") == []


@pytest.fixture
def viewer(team: Team) -> Person:
    """A new member who may look at everything and change nothing."""
    made = Person.objects.create_user(f"viewer-{os.urandom(3).hex()}@example.com", None)
    owner = Person.objects.get(email=settings.DEMO_OWNER)
    actions.add_member(team=team, by=owner, person=made, role=Role.VIEWER)
    return made
