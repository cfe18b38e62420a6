"""Every page in the URL configuration, by GET and by POST, for everybody: a page of tomorrow is asked that day."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from objects.surfaces.pages.object_tabs import tabs_of
from teams.access import Role
from tests.grove import Grove

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
FILLED = {"slug": "{slug}", "key": "wrong", "uidb36": "1", "address": "shut", "app_label": "teams", "url": "x"}
# Pages for everybody: the sign-in and what it needs, and the address that load balancers ask.
OPEN_TO_ALL = re.compile(r"/(account/.*|healthz|theme/|enter/.*|admin/(login|logout|jsi18n)/)")
WITHOUT_NEXT = re.compile(r"[?&]next=[^&]*")


def addresses(patterns: list[Any], before: str = "/") -> Iterator[str]:
    """Give an address for each pattern, with something in the place of each parameter."""
    for pattern in patterns:
        text = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, before + text)
        elif isinstance(pattern, URLPattern):
            text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda named: FILLED.get(named[1], "1"), text)
            text = re.sub(r"<(?:\w+:)?(\w+)>", lambda named: FILLED.get(named[1], "1"), text)
            yield before + re.sub(r"[\^$\\]", "", text)


PAGES = sorted(set(addresses(get_resolver().url_patterns)))
OF_TEAMS = [page for page in PAGES if "{slug}" in page]


@pytest.fixture(scope="module")
def sessions(team, new_team, member, person, database) -> dict[str, Client]:
    """Browsers of everybody, by who they are."""
    staff = person()
    staff.is_staff = True
    staff.save()
    people = {
        "owner": team.owner,
        "viewer": member(team, Role.VIEWER),
        "guest": member(team, Role.NONE),
        "denied": member(team, Role.EDITOR, {"/shut": Role.NONE}),
        "stranger": new_team().owner,
        "staff": staff,
    }
    made = {"anonymous": Client()}
    for name, who in people.items():
        made[name] = Client()
        made[name].force_login(who, backend=BACKEND)
    return made


@pytest.fixture(scope="module", autouse=True)
def shut(team, caller) -> None:
    from objects.engine import running

    Grove(running.engine(), caller(team), "/").outcome("/shut", "state.list", create="object", check=True)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_is_not_for_all_sends_strangers_to_the_sign_in_or_nowhere(sessions, team, page):
    if OPEN_TO_ALL.fullmatch(page):
        return
    address = page.format(slug=team.slug)
    for method in ("get", "post"):
        answer = getattr(sessions["anonymous"], method)(address)

        assert answer.status_code in (302, 404, 405)
        if answer.status_code == 302:
            assert WITHOUT_NEXT.sub("", answer.headers["Location"]).startswith(("/account/login/", "/admin/login/"))


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("/admin/")])
def test_an_admin_page_is_for_staff(sessions, team, page):
    if OPEN_TO_ALL.fullmatch(page):
        return
    for name in ("owner", "viewer", "stranger"):
        for method in ("get", "post"):
            answer = getattr(sessions[name], method)(page)
            assert answer.status_code in (302, 403, 404)
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith(("/admin/login/", "/account/login/"))


@pytest.mark.parametrize("page", OF_TEAMS)
def test_a_teams_page_is_there_for_its_members_alone(sessions, team, page):
    there, absent = page.format(slug=team.slug), page.format(slug="x" * len(team.slug))
    for name in ("stranger", "staff"):
        sessions[name].get(absent)  # shows what an earlier page had to say to them
        for method in ("get", "post"):
            told, nothing = (getattr(sessions[name], method)(address) for address in (there, absent))

            assert told.status_code == nothing.status_code == 404
            assert _same(told.content, team.slug) == _same(nothing.content, "x" * len(team.slug))


TABS = [f":/{tab.name}" for tab in tabs_of("object")]
BENEATH_TABS = [":/database/t", ":/database/t?row={}", ":/files/a.txt", ":/files/a.txt?raw", ":/files/f/", ":/state/k"]


@pytest.mark.parametrize(
    "command", ["", ":state.set", ":state.list", ":no.such", ":tree.delete", ":/no", *TABS, *BENEATH_TABS]
)
def test_a_hidden_objects_page_is_an_absent_ones(sessions, team, command):
    for name in ("guest", "denied"):
        for method in ("get", "post"):
            hidden = getattr(sessions[name], method)(f"/t/{team.slug}/o/shut{command}")
            absent = getattr(sessions[name], method)(f"/t/{team.slug}/o/shut/x{command}")

            assert hidden.status_code == absent.status_code == 404
            assert _same(hidden.content, "/shut") == _same(absent.content, "/shut/x")


def _same(page: bytes, name: str) -> str:
    text = re.sub(r"[A-Za-z0-9]{64}", "CSRF", page.decode())
    return text.replace(name, "NAME").replace(name.removeprefix("/"), "NAME")


@pytest.mark.parametrize("page", PAGES)
def test_no_page_breaks_on_nonsense(sessions, team, page):
    """No exception comes out of any view: the test client raises those that become a 500."""
    address = page.format(slug=team.slug)
    nonsense = (
        "\0",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "9" * 40,
        "//evil.example",
        "' or 1=1 --",
    )
    names = ("at", "find", "after", "before", "part", "under", "path", "kind", "what", "to", "name", "theme", "back",
             "next", "login", "password", "email", "q", "o", "p")  # fmt: skip
    for turn in (0, 3):
        fields = {name: nonsense[(turn + number) % len(nonsense)] for number, name in enumerate(names)}
        for name in ("anonymous", "owner", "staff"):
            for answer in (sessions[name].get(address, fields), sessions[name].post(address, fields)):
                assert answer.status_code < 500
                assert "evil.example" not in re.sub(r"[?&]next=.*", "", answer.headers.get("Location", ""))
        if page == "/account/logout/":
            break
    if page == "/account/logout/":
        for name in ("owner", "staff"):
            _back(sessions[name], team, name)


def _back(client: Client, team: Any, name: str) -> None:
    from teams.models import Person

    who = {
        "owner": team.owner,
        "staff": Person.objects.filter(is_staff=True).last(),
    }[name]
    client.force_login(who, backend=BACKEND)


@pytest.mark.parametrize("page", PAGES)
def test_each_page_says_what_may_run_in_it_and_who_may_frame_it(sessions, team, page):
    answer = (
        sessions["owner"].get(page.format(slug=team.slug)) if "logout" not in page else sessions["anonymous"].get(page)
    )

    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("address", ["", *TABS, *BENEATH_TABS])
def test_no_part_of_an_objects_page_breaks_on_nonsense(sessions, team, address):
    nonsense = ("\0", "9" * 40, "//evil.example", "' or 1=1 --", "{}", "[]", "a:=:b", "W10", "../..", "-", "é" * 300)
    names = ("f", "facet", "sort", "search", "column", "test", "value", "after", "before", "limit", "row", "raw",
             "prefix", "saved", "query", "part", "folder")  # fmt: skip
    for turn in range(0, len(nonsense), 4):
        fields = {name: nonsense[(turn + number) % len(nonsense)] for number, name in enumerate(names)}
        for method in ("get", "post"):
            assert getattr(sessions["owner"], method)(f"/t/{team.slug}/o/shut{address}", fields).status_code < 500


@pytest.mark.parametrize("address", ["", *TABS])
def test_a_viewer_finds_no_form_that_changes_something(sessions, team, address):
    from objects.commands.registry import registry

    commands = registry.commands("object")
    html = sessions["viewer"].get(f"/t/{team.slug}/o/shut{address}").content.decode()

    actions = re.findall(
        r'(?:action|hx-post|data-[a-z-]+)="/(?:t|api)/[^"]*?:([a-z_]+(?:\.[a-z_]+)?)(?:\?[^"]*)?"', html
    )
    assert [each for each in actions if each in commands and commands[each].needs > Role.VIEWER] == []


@pytest.mark.parametrize("page", PAGES)
def test_another_host_is_answered_by_no_page(sessions, team, page):
    answer = sessions["owner"].get(page.format(slug=team.slug), headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert b"evil.example" not in answer.content


def test_signing_in_gives_a_new_session_so_that_none_can_be_planted(team, member):
    who = member(team)
    who.set_password("correct horse battery")
    who.save()
    browser = Client()
    browser.get("/account/login/")
    session = browser.session
    session["planted"] = True
    session.save()
    browser.cookies["grove_session"] = session.session_key or ""

    browser.post("/account/login/", {"login": who.email, "password": "correct horse battery"})

    assert "_auth_user_id" in browser.session
    assert browser.session.session_key != session.session_key


def test_a_stored_page_is_handed_out_as_a_file_that_cannot_run(team, grove, sessions):
    path = grove.new()
    for name in ("x.html", "x.svg"):
        grove.call(path, "files.put", name=name, content="<script>alert(1)</script>")
        answer = sessions["owner"].post(f"/t/{team.slug}/o{path}:files.get", {"name": name})

        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
