"""The palette finds objects, commands of the object at hand, and pages; each leads where it says."""

import re
from html import unescape

import pytest

from teams.access import Role


@pytest.fixture(scope="module")
def found(signed_in, team):
    """Type into the palette: `found("state set", at="/a")` gives (title, address) of each choice."""

    def ask(typed: str, at: str = "/", of=None) -> list[tuple[str, str]]:
        browser = signed_in(of or team.owner, htmx=True)
        html = browser.get(f"/t/{team.slug}/palette/", {"find": typed, "at": at}).content.decode()
        choices = re.findall(r'<a role="option"[^>]*href="([^"]*)".*?<span class="what[^"]*">(.*?)</span>', html)
        return [(unescape(title), unescape(address)) for address, title in choices]

    return ask


def test_a_part_of_a_path_finds_objects(found, team, make):
    make("/palette/needle")

    assert ("/palette/needle", f"/t/{team.slug}/o/palette/needle") in found("needle")


def test_a_line_becomes_a_form_that_is_filled_in(found, team, make):
    make("/palette/a")

    first = found("state set colour 'dark green'", at="/palette/a")[0]

    assert first == (
        "state set colour dark green", f"/t/{team.slug}/o/palette/a:state.set?key=colour&value=dark+green",
    )  # fmt: skip


def test_a_command_that_only_reads_and_lacks_nothing_runs_at_once(found, team, make):
    make("/palette/a")

    choices = dict(found("state", at="/palette/a"))

    assert choices["state list"] == f"/t/{team.slug}/o/palette/a:state.list?_run=yes"
    assert choices["state get"] == f"/t/{team.slug}/o/palette/a:state.get"


def test_words_of_what_a_command_does_find_it(found):
    assert "state incr" in dict(found("add number"))


def test_pages_are_found_by_name(found, team):
    assert ("Trash", f"/t/{team.slug}/trash/") in found("trash")


def test_nothing_typed_shows_what_was_seen_lately(found, signed_in, team, make):
    make("/palette/seen")
    signed_in(team.owner).get(f"/t/{team.slug}/o/palette/seen")

    assert found("")[0] == ("/palette/seen", f"/t/{team.slug}/o/palette/seen")


@pytest.mark.parametrize("typed", ["'half", "state set 'half", "kind:a kind:b", "{", "tag:UPPER", "x" * 3000, "\0"])
def test_what_is_half_typed_breaks_nothing(found, typed):
    found(typed)


def test_a_viewer_finds_no_command_that_changes_and_no_way_to_create(found, member, team, make):
    make("/palette/a")
    viewer = member(team, Role.VIEWER)

    titles = [title for title, _ in found("state", at="/palette/a", of=viewer)]

    assert "state list" in titles
    assert "state set" not in titles
    assert "New object" not in [title for title, _ in found("new", of=viewer)]


def test_what_is_hidden_is_not_found_and_has_no_commands(found, member, team, make):
    make("/vault/treasure")
    guest = member(team, Role.VIEWER, {"/vault": Role.NONE})

    assert [title for title, _ in found("treasure", at="/vault/treasure", of=guest)] == []


def test_without_scripts_the_address_is_the_table(owner, team):
    answer = owner.get(f"/t/{team.slug}/palette/?find=x")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/t/{team.slug}/objects/?find=x")


def test_the_pages_of_the_team_about_itself_are_found_as_far_as_one_may_open_them(found, member, team):
    guest = member(team, Role.NONE, {"/palette": Role.VIEWER})
    pages = ("people", "grants", "as seen by", "tokens", "audit", "hand over")

    mine = [found(each)[-1] for each in pages]
    theirs = [title for each in pages for title, _ in found(each, of=guest)]

    base = f"/t/{team.slug}/team/"
    assert mine == [
        ("People", base), ("Grants", f"{base}grants/"), ("As seen by", f"{base}access/"), ("Tokens", f"{base}tokens/"),
        ("Audit log", f"{base}audit/"), ("Team", f"{base}settings/"),
    ]  # fmt: skip
    assert [each for each in theirs if each in dict(mine)] == ["Grants", "Tokens", "Team"]
