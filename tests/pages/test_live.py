"""Two people at one object: each sees that the other is there, and what the other changes, also across processes."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from objects.engine.running import engine
from teams import actions, callers
from teams.access import Role
from teams.models import Person, Team
from tests.pages.browser import entered, type_json
from tests.surfaces.conftest import web

__all__ = ["web"]

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PATH = "/live"


def cookie_of(person: Person) -> str:
    browser = Client()
    browser.force_login(person, backend=BACKEND)
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def demo(site: str) -> Team:
    demo = Team.objects.get(slug="demo")
    owner = demo.memberships.filter(role=Role.OWNER).earliest("id").person
    engine().call(
        demo.schema_name,
        PATH,
        "state.set",
        {"key": "n", "value": 0},
        callers.for_person(owner.pk, "demo"),
        create="object",
    )
    return demo


@pytest.fixture
def bob(demo: Team, person) -> Person:
    bob = person(name="Bob")
    owner = demo.memberships.filter(role=Role.OWNER).earliest("id").person
    actions.add_member(team=demo, by=owner, person=bob, role=Role.EDITOR)
    return bob


@contextmanager
def opened(chromium: Browser, site: str, person: Person, path: str = PATH) -> Iterator[Page]:
    """The object's page in a browser of a person."""
    context = chromium.new_context(base_url=site)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie_of(person), "url": site}])
    page = context.new_page()
    page.goto(f"/t/demo/o{path}")
    try:
        yield page
    finally:
        context.close()


def change(demo: Team, person: Person, key: str, value: object) -> None:
    caller = callers.for_person(person.pk, "demo")
    outcome = engine().call(demo.schema_name, PATH, "state.set", {"key": key, "value": value}, caller)
    assert outcome.problem is None


def test_two_people_see_each_other_and_what_the_other_changes(chromium, site, demo, bob):
    with entered(chromium, site) as ann:
        ann.goto(f"/t/demo/o{PATH}")
        with opened(chromium, site, bob) as page:
            expect(ann.locator("[data-people] li")).to_have_attribute("title", bob.email)
            expect(page.locator("[data-people] li")).to_have_attribute("title", settings.DEMO_OWNER)

            page.goto(f"/t/demo/o{PATH}:/state")
            page.get_by_text("Set a value").click()
            page.get_by_label("key", exact=True).fill("seen")
            type_json(page, "value", "by both")
            page.get_by_role("button", name="Set", exact=True).click()

            expect(ann.locator("#panel dt", has_text="seen")).to_be_visible()
            expect(page.locator("#state dt", has_text="seen")).to_be_visible()

        expect(ann.locator("[data-people] li")).to_have_count(0)


def test_a_change_keeps_scroll_focus_and_what_is_being_typed(chromium, site, demo, bob):
    with entered(chromium, site, viewport={"width": 900, "height": 500}) as ann:
        ann.goto(f"/t/demo/o{PATH}:/state")
        ann.get_by_text("Set a value").click()
        ann.get_by_label("key", exact=True).fill("half-typed")
        ann.evaluate("scrollTo(0, 40)")
        before = ann.evaluate("scrollY")

        change(demo, bob, "other", "news")

        expect(ann.locator("#state dt", has_text="other")).to_be_visible()
        expect(ann.get_by_label("key", exact=True)).to_be_focused()
        expect(ann.get_by_label("key", exact=True)).to_have_value("half-typed")
        assert ann.evaluate("scrollY") == before


def test_the_terminal_goes_on_while_another_tab_is_looked_at(chromium, site, demo):
    with entered(chromium, site) as ann:
        ann.goto(f"/t/demo/o{PATH}")
        ann.locator("[data-terminal][data-state=open]").wait_for()
        ann.evaluate("document.querySelector('[data-terminal]').marked = true")

        ann.get_by_role("link", name="Files", exact=True).first.click()
        expect(ann).to_have_url(f"{site}/t/demo/o{PATH}:/files")
        expect(ann.locator("[data-terminal]")).to_be_hidden()
        ann.get_by_role("link", name="Overview").click()

        expect(ann).to_have_url(f"{site}/t/demo/o{PATH}")
        expect(ann.locator("[data-terminal]")).to_be_visible()
        assert ann.evaluate("document.querySelector('[data-terminal]').marked")


def test_people_at_other_processes_are_seen_too(chromium, site, web, demo, bob):
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie_of(bob)}", "Origin": web.url}
    with entered(chromium, site) as ann:
        ann.goto(f"/t/demo/o{PATH}")
        expect(ann.locator("[data-people]")).to_be_hidden()

        with connect(f"ws://127.0.0.1:{web.port}/ws/page/demo{PATH}", additional_headers=headers):
            expect(ann.locator("[data-people] li")).to_have_attribute("title", bob.email)

        expect(ann.locator("[data-people]")).to_be_hidden()


SCREEN = """() => {
    const buffer = document.querySelector("[data-terminal]").terminal.buffer.active;
    return Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row).translateToString(true)).join("\\n");
}"""


def test_a_viewers_terminal_answers_what_only_reads_and_has_no_other_commands(chromium, site, demo, person):
    viewer = person(name="Vi")
    owner = demo.memberships.filter(role=Role.OWNER).earliest("id").person
    actions.add_member(team=demo, by=owner, person=viewer, role=Role.VIEWER)
    with opened(chromium, site, viewer) as page:
        page.locator("[data-terminal][data-state=open]").wait_for()
        page.wait_for_function(f"() => ({SCREEN})().includes('>')")
        page.locator(".xterm-helper-textarea").focus()

        page.keyboard.type("state get n\n")
        page.wait_for_function(f"() => /get n\\s+0\\s/.test(({SCREEN})())")
        page.keyboard.type("state set n 1\n")
        page.wait_for_function(f"""() => ({SCREEN})().includes("no command 'state set'")""")


def test_a_strangers_terminal_is_no_such_thing(site, demo, person):
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie_of(person())}", "Origin": site}

    address = f"{site.replace('http', 'ws')}/ws/terminal/demo{PATH}"
    with connect(address, additional_headers=headers) as terminal, pytest.raises(ConnectionClosed) as ended:
        while True:
            terminal.recv(timeout=30)

    assert ended.value.rcvd.code == 4404
