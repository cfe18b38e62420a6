"""Paths are offered for what is typed into a form: what lies in a folder, or what is called so. Nothing hidden is."""

import re
from html import unescape

import pytest

from teams.access import Role


@pytest.fixture(scope="module")
def offered(signed_in, team):
    """Type into the input `to`: `offered("/shop/")` gives paths."""

    def ask(typed: str, of=None) -> list[str]:
        browser = signed_in(of or team.owner, htmx=True)
        html = browser.get(f"/t/{team.slug}/paths/", {"to": typed}).content.decode()
        return [unescape(each) for each in re.findall(r'<option value="([^"]*)">', html)]

    return ask


@pytest.fixture(scope="module", autouse=True)
def shop(make) -> None:
    for path in ("/shop/orders/7", "/shop/offers", "/shop/stock", "/vault/orders"):
        make(path)


def test_behind_a_slash_is_what_lies_in_that_folder(offered):
    assert offered("/shop/")[:3] == ["/shop/offers", "/shop/orders", "/shop/stock"]
    assert offered("/shop/o")[:2] == ["/shop/offers", "/shop/orders"]
    assert offered("/sh") == ["/shop"]


def test_a_part_of_a_name_is_found_anywhere(offered):
    assert offered("orders") == ["/shop/orders", "/vault/orders"]


def test_nothing_typed_offers_what_was_seen_lately(offered, signed_in, team):
    signed_in(team.owner).get(f"/t/{team.slug}/o/shop/stock")

    assert offered("")[0] == "/shop/stock"


@pytest.mark.parametrize("typed", ["a\0b", "/" + "x" * 300, "%", "_", ":", "/shop/:x"])
def test_what_is_no_path_offers_nothing_and_breaks_nothing(offered, typed):
    assert offered(typed) == []


def test_what_is_hidden_is_not_offered(offered, member, team):
    guest = member(team, Role.VIEWER, {"/vault": Role.NONE})
    narrow = member(team, Role.NONE, {"/shop/orders": Role.VIEWER})

    assert offered("orders", of=guest) == ["/shop/orders"]
    assert [offered(typed, of=guest) for typed in ("/vault/", "/vault/o", "/va")] == [[], [], []]
    assert offered("/shop/", of=narrow) == ["/shop/orders"]
    assert offered("st", of=narrow) == []


def test_a_stranger_gets_no_page(person, signed_in, team):
    assert signed_in(person()).get(f"/t/{team.slug}/paths/?to=/").status_code == 404
