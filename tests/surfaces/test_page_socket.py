"""The socket of an object's page tells those who may view it when to look again, and who else looks; nothing more."""

import json

import pytest
from django.conf import settings
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from objects.engine.running import engine
from teams import actions, callers
from teams.access import Role
from teams.models import Person, Team
from tests.surfaces.conftest import Web

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PATH = "/page"


def cookie_of(person: Person) -> dict[str, str]:
    browser = Client()
    browser.force_login(person, backend=BACKEND)
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"}


def change(team: Team, key: str, value: object) -> None:
    caller = callers.for_person(team.owner.pk, team.slug)
    arguments = {"key": key, "value": value}
    outcome = engine().call(team.schema_name, PATH, "state.set", arguments, caller, create="object")
    assert outcome.problem is None


@pytest.fixture
def opened(web: Web, team: Team):
    """Open the socket of a page as the browser of a person does: `opened(person)`."""
    change(team, "n", 0)

    def new(person: Person, path: str = PATH, origin: str = "") -> ClientConnection:
        headers = cookie_of(person) | {"Origin": origin or web.url}
        return connect(f"ws://127.0.0.1:{web.port}/ws/page/{team.slug}{path}", additional_headers=headers)

    return new


def until(socket, wanted) -> dict:
    """Wait for news of which `wanted` is true."""
    while True:
        news = json.loads(socket.recv(timeout=30))
        if wanted(news):
            return news


def closed(socket) -> int:
    """Wait until the other side closes, and give the code."""
    with pytest.raises(ConnectionClosed) as end:
        while True:
            socket.recv(timeout=30)
    return end.value.rcvd.code


def test_a_page_is_told_of_versions_and_of_no_content(opened, team):
    with opened(team.owner) as socket:
        now = until(socket, lambda news: "changed" in news)

        change(team, "quiet", "a secret")
        news = until(socket, lambda news: "changed" in news)

    assert news == {"changed": now["changed"] + 1}


def test_people_come_and_go(opened, team, member):
    bob = member(team, Role.VIEWER)
    with opened(team.owner) as socket:
        assert until(socket, lambda news: "people" in news) == {"people": []}

        with opened(bob), opened(bob):
            assert until(socket, lambda news: "people" in news) == {"people": [bob.email]}
        assert until(socket, lambda news: "people" in news) == {"people": []}


@pytest.mark.parametrize("who", ["guest", "stranger"])
def test_who_may_not_view_the_object_hears_nothing(opened, team, member, person, who):
    somebody = member(team, Role.NONE) if who == "guest" else person()

    with opened(somebody) as socket:
        assert closed(socket) == 4404


def test_a_page_of_another_site_hears_nothing(opened, team):
    with opened(team.owner, origin="https://evil.example") as socket:
        assert closed(socket) == 4403


def test_nobody_hears_nothing(web, team):
    with connect(f"ws://127.0.0.1:{web.port}/ws/page/{team.slug}{PATH}") as socket:
        assert closed(socket) == 4401


def test_whose_rights_are_taken_is_let_go_and_seen_no_more(opened, team, member):
    bob = member(team, Role.EDITOR)
    with opened(team.owner) as watching, opened(bob) as socket:
        until(watching, lambda news: news.get("people") == [bob.email])

        actions.remove_member(team=team, by=team.owner, person=bob)

        assert closed(socket) == 4404
        until(watching, lambda news: news.get("people") == [])


def test_who_only_listens_says_what_it_likes_and_is_not_heard(opened, team):
    with opened(team.owner) as socket:
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "state.set", "params": {}}))
        socket.send(b"\x00\xff")

        assert until(socket, lambda news: "people" in news) == {"people": []}
