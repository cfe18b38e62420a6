"""A team's front page tells what happens to those who may see it; the gallery makes living examples of all there is."""

import re
import secrets
from html import unescape

import pytest

from objects import starts
from objects.commands.registry import registry
from objects.engine.running import engine
from teams import callers
from teams.access import Role


@pytest.fixture
def happy(new_team, signed_in):
    """A new team: its slug, a function that calls a command as its owner, and the owner's session."""
    team = new_team()
    caller = callers.for_person(team.owner.pk, team.slug)

    def run(path: str, command: str, **arguments):
        return engine().call(team.schema_name, path, command, arguments, caller)

    return team, run, signed_in(team.owner)


def calls(html: str) -> list[str]:
    """What is listed as recent: path and command."""
    part = html[html.index('id="recent"') :]
    found = re.findall(r'<a href="[^"]*">(.*?)</a> <code>(.*?)</code>', part[: part.index("</ul>")])
    return [f"{unescape(path)} {command}" for path, command in found]


def test_an_empty_team_is_welcomed_with_all_that_can_be_made(happy):
    team, _, browser = happy

    html = browser.get(f"/t/{team.slug}/").content.decode()

    assert f"Welcome to {team.name}" in html
    assert len(re.findall(r'name="start" value="([^"]+)"', html)) == len(list(starts.starts()))


def test_recent_calls_are_told_the_newest_first_and_repeated_ones_once(happy):
    team, run, browser = happy
    run("/", "tree.create", name="a")
    for _ in range(5):
        run("/a", "state.incr", key="k")

    assert calls(browser.get(f"/t/{team.slug}/").content.decode()) == ["/a state.incr ×5", "/ tree.create"]


def test_refused_calls_are_told_with_their_reason(happy):
    team, run, browser = happy
    run("/", "tree.create", name="a")
    run("/a", "state.set", key="k", value="text")
    problem = run("/a", "state.incr", key="k").problem

    html = unescape(browser.get(f"/t/{team.slug}/").content.decode())

    assert problem.detail in html[html.index("Refused lately") :]
    assert re.search(r'Refused, last hour</dt><dd class="bad">1</dd>', html)


def test_the_largest_stand_in_order(happy):
    team, run, browser = happy
    for name, length in (("small", 10), ("large", 90_000), ("middle", 30_000)):
        run("/", "tree.create", name=name)
        run(f"/{name}", "files.put", name="f", content=secrets.token_hex(length))

    html = browser.get(f"/t/{team.slug}/").content.decode()
    part = html[html.index('id="largest-title"') :]

    assert re.findall(r'<li><a href="[^"]*">(.*?)</a>', part[: part.index("</ul>")]) == ["/large", "/middle", "/small"]


def test_how_many_there_are_is_counted_when_asked_and_then_known(happy, signed_in):
    team, run, browser = happy
    run("/", "tree.create", name="a")
    run("/", "tree.create", name="b")

    before = browser.get(f"/t/{team.slug}/").content.decode()
    counted = signed_in(team.owner, htmx=True).get(f"/t/{team.slug}/amount/").content.decode()
    after = browser.get(f"/t/{team.slug}/").content.decode()

    assert f'hx-get="/t/{team.slug}/amount/"' in before
    assert "<dt>Objects</dt><dd>2</dd>" in counted
    assert "<dt>Objects</dt><dd>2</dd>" in after


def test_who_may_not_see_an_object_learns_nothing_of_its_calls(happy, member, signed_in):
    team, run, _ = happy
    run("/", "tree.create", name="secret")
    run("/", "tree.create", name="open")
    run("/secret", "state.set", key="k", value="text")
    run("/secret", "state.incr", key="k")
    guest = signed_in(member(team, Role.NONE, {"/open": Role.VIEWER}))
    denied = signed_in(member(team, Role.VIEWER, {"/secret": Role.NONE}))

    pages = [
        browser.get(f"/t/{team.slug}/{part}").content.decode()
        for browser in (guest, denied)
        for part in ("", "?part=recent", "?part=pace", "objects/?deep=yes&sort=called", "objects/?find=state:k")
    ]

    assert [page.count("/secret") for page in pages] == [0] * len(pages)
    assert "<dt>Refused, last hour</dt><dd>0</dd>" in pages[0]


def test_who_sees_nothing_of_a_team_sees_no_front_page(happy, member, signed_in):
    team, _, _ = happy

    assert signed_in(member(team, Role.NONE)).get(f"/t/{team.slug}/").status_code == 404


@pytest.mark.parametrize("start", list(starts.starts()), ids=lambda each: each.name)
def test_each_start_makes_a_living_object(happy, start):
    team, run, browser = happy

    made = browser.post(f"/t/{team.slug}/gallery/", {"start": start.name})
    again = browser.post(f"/t/{team.slug}/gallery/", {"start": start.name})

    assert made.headers["Location"] == f"/t/{team.slug}/o/{start.name}"
    assert again.headers["Location"] == f"/t/{team.slug}/o/{start.name}-2"
    facts = run(f"/{start.name}", "tree.describe").value
    assert (facts["kind"], facts["version"] > 0) == (start.kind, bool(start.steps))


def test_the_gallery_shows_every_kind(happy):
    team, _, browser = happy

    html = browser.get(f"/t/{team.slug}/gallery/").content.decode()

    assert set(re.findall(r'class="kind-word">(.*?)<', html)) == set(registry.kinds)
    assert html.count('<svg class="picture"') == len(list(starts.starts()))


def test_a_viewer_looks_and_makes_nothing(happy, member, signed_in):
    team, _, _ = happy
    viewer = signed_in(member(team, Role.VIEWER))

    html = viewer.get(f"/t/{team.slug}/gallery/").content.decode()
    refused = viewer.post(f"/t/{team.slug}/gallery/", {"start": "counter"})

    assert "Make one" not in html
    assert refused.status_code == 403


def test_a_guest_who_may_edit_a_place_makes_it_there(happy, member, signed_in):
    team, run, _ = happy
    run("/", "tree.create", name="mine")
    guest = signed_in(member(team, Role.NONE, {"/mine": Role.EDITOR}))

    made = guest.post(f"/t/{team.slug}/gallery/", {"start": "counter"})

    assert made.headers["Location"] == f"/t/{team.slug}/o/mine/counter"


def test_an_unknown_start_names_those_that_there_are(happy):
    team, _, browser = happy

    answer = browser.post(f"/t/{team.slug}/gallery/", {"start": "perpetuum mobile"})

    assert (answer.status_code, "counter, books" in answer.content.decode()) == (404, True)
