"""Tabs of the object's page: who declares one has it there, at an address of its own, as a fragment and as a page."""

import re
from html import unescape
from typing import Any

import pytest
from django.template import engines
from django.template.loaders.locmem import Loader

from objects.commands.tabs import Asks, Tab
from objects.sdk import registry
from objects.surfaces.pages import object_tabs
from objects.surfaces.pages.object_tabs import tabs_of
from teams.access import Role
from tests.pages.test_object_page import text_of

LINK = re.compile(r'<a id="to-([a-z_]+)" href="([^"]+)"[^>]*?(aria-current="page")?>([^<]+)</a>')


def links(html: str) -> dict[str, str]:
    """The row of tabs: addresses by title."""
    return {title: unescape(address) for _, address, _, title in LINK.findall(html)}


def chosen(html: str) -> list[str]:
    return [title for _, _, is_chosen, title in LINK.findall(html) if is_chosen]


ADDRESSES = [(tab.name, "" if tab.name == "overview" else f":/{tab.name}") for tab in tabs_of("object")]


@pytest.mark.parametrize(("name", "address"), ADDRESSES)
def test_each_tab_is_an_address_that_is_a_whole_page_and_a_fragment(signed_in, team, make, name, address):
    path = make("/tabs")
    tab = next(each for each in tabs_of("object") if each.name == name)

    whole = signed_in(team.owner).get(f"/t/{team.slug}/o{path}{address}").content.decode()
    part = signed_in(team.owner, htmx=True).get(f"/t/{team.slug}/o{path}{address}").content.decode()

    assert whole.lstrip().startswith("<!doctype html>")
    assert not re.search(r"<!doctype|<html|<main", part)
    assert f"<title>{tab.title} · {path}" in part
    assert chosen(whole) == chosen(part) == [tab.title]
    for html in (whole, part):
        assert 'id="tab-content"' in html
        assert f"tab-content tab-{name}" in html


@pytest.mark.parametrize(("name", "address"), ADDRESSES)
def test_a_tab_is_for_those_who_may_view_the_object(signed_in, team, member, make, name, address):
    path = make("/shown/tabs")
    viewer, guest = signed_in(member(team, Role.VIEWER)), signed_in(member(team, Role.NONE))

    seen, hidden = (each.get(f"/t/{team.slug}/o{path}{address}") for each in (viewer, guest))

    assert (seen.status_code, hidden.status_code) == (200, 404)
    forms = re.findall(r'<form[^>]*action="/t/[^"]*:([a-z._]+)"', seen.content.decode())
    commands = registry.commands("object")
    assert [each for each in forms if commands[each].needs > Role.VIEWER] == []


def test_the_row_has_the_tabs_of_what_there_is_and_of_nothing_else(owner, team, make):
    path = make("/row")

    row = links(owner.get(f"/t/{team.slug}/o{path}").content.decode())

    assert list(row) == [tab.title for tab in tabs_of("object")]
    assert row["State"] == f"/t/{team.slug}/o{path}:/state"
    assert {"Overview", "State", "Database", "Files", "History", "Settings"} <= set(row)
    assert (next(iter(row)), list(row)[-1]) == ("Overview", "Settings")
    for address in row.values():
        assert owner.get(address).status_code == 200


def test_who_declares_a_tab_has_it_shown_with_what_its_commands_answer(owner, team, call, make, monkeypatch):
    """The tab of a facility is one line there and a template; what the address hands on is checked like any call."""
    path = make("/declared")
    call(path, "state.set_many", values={"a": 1, "b": 2})
    state = registry.facility("state")
    monkeypatch.setattr(state, "tab", Tab("Keys", 15, asks={"entries": Asks("state.list", {"limit": 1}, ("after",))}))
    monkeypatch.setattr(object_tabs, "_view", lambda name: None)
    written = "{% for each in page.shown.entries.entries %}<dt>{{ each.key }}</dt>{% endfor %}"
    loaders = engines["django"].engine.template_loaders
    monkeypatch.setattr(
        engines["django"].engine, "template_loaders",
        [Loader(engines["django"].engine, {"tabs/state.html": written}), *loaders],
    )  # fmt: skip

    first = owner.get(f"/t/{team.slug}/o{path}:/state")
    second = owner.get(f"/t/{team.slug}/o{path}:/state?after=a&limit=9")

    assert list(links(first.content.decode()))[:2] == ["Overview", "Keys"]
    assert re.findall(r"<dt>(.*?)</dt>", first.content.decode()) == ["a"]
    assert re.findall(r"<dt>(.*?)</dt>", second.content.decode()) == ["b"]


def test_a_name_can_be_taken_by_one_tab_alone(monkeypatch):
    monkeypatch.setattr(registry.facility("sql"), "tab", Tab("Again", 15, name="state"))

    with pytest.raises(ValueError, match="two tabs of object are named 'state'"):
        tabs_of("object")


def test_a_form_in_a_tab_comes_back_to_the_tab_and_says_what_was_done(owner, signed_in, team, call, make):
    path = make("/comes/back")
    tab = f"/t/{team.slug}/o{path}:/state"
    sent: dict[str, Any] = {"key": "a", "value": "1", "_back": tab}

    plain = owner.post(f"/t/{team.slug}/o{path}:state.set", sent)
    live = signed_in(team.owner, htmx=True).post(f"/t/{team.slug}/o{path}:state.set", sent)

    assert (plain.status_code, plain.headers["Location"]) == (303, tab)
    assert "state set done" in text_of(owner.get(tab).content.decode())
    assert (live.status_code, live.content) == (204, b"")
    assert "object-changed" in live.headers["HX-Trigger"]
    assert call(path, "state.get", key="a") == 1


def test_a_form_leads_to_no_other_site(owner, team, make):
    path = make("/comes/home")

    response = owner.post(
        f"/t/{team.slug}/o{path}:state.set", {"key": "a", "value": "1", "_back": "https://evil.example/"}
    )

    assert (response.status_code, "evil.example" in response.headers.get("Location", "")) == (200, False)
