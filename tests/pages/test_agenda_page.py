"""The agenda of a team: all that is due, runs, waits or fails, for who may see it, at the price of one look."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from objects.engine.engine import Engine
from teams.access import Role


@pytest.fixture(scope="module")
def shop(call, make):
    """An object with something of each sort."""
    path = make("/agenda/shop")
    call(path, "cron.add", name="nightly", spec="0 3 * * *", command="state incr n")
    call(path, "queue.push", body={"order": 1})
    call(path, "queue.push", command="state incr n", delay=600)
    call(path, "steps.begin", plan=[{"approval": "ship it"}])
    call(path, "steps.go")
    task = call(path, "http.get", url="http://example.com/")["task"]
    yield path
    call(path, "task.cancel", task=task)


def sections(html: str) -> dict[str, str]:
    """The cards of the page by their titles."""
    return dict(re.findall(r'<section class="card" aria-labelledby="(\w+)-title">(.*?)</section>', html, re.DOTALL))


def test_it_shows_what_is_ahead_what_waits_and_leads_there(owner, team, shop):
    found = sections(owner.get(f"/t/{team.slug}/agenda/?at={shop}").content.decode())

    base = f'href="/t/{team.slug}/o{shop}:'
    assert set(found) == {"ahead", "asking", "running"}
    assert f'{base}/cron/nightly"' in found["ahead"]
    assert f'{base}/queue"' in found["ahead"]
    assert "2 waiting" in found["ahead"]
    assert re.search(rf'{base}/steps/\w+">ship it</a>', found["asking"])
    assert re.search(rf'{base}/task/\w+"', found["running"])
    assert "in line" in found["running"]


@pytest.mark.parametrize(
    ("query", "cards"),
    [
        ("what=cron", {"ahead", "running"}),
        ("what=task", {"ahead", "running"}),
        ("what=steps", {"ahead", "asking", "running"}),
        ("kind=object", {"ahead", "asking", "running"}),
    ],
)
def test_it_is_narrowed_down_by_sort_and_kind(owner, team, shop, query, cards):
    html = owner.get(f"/t/{team.slug}/agenda/?at={shop}&{query}").content.decode()

    assert set(sections(html)) == cards
    assert ("nightly" in html) == (query in {"what=cron", "kind=object"})


def test_a_path_that_is_hidden_is_as_one_that_is_absent(signed_in, team, member, shop):
    ann = signed_in(member(team, Role.VIEWER, {"/agenda": Role.NONE}))

    everything = ann.get(f"/t/{team.slug}/agenda/")
    hidden, absent = (ann.get(f"/t/{team.slug}/agenda/?at={path}") for path in (shop, "/agenda/none"))

    assert everything.status_code == 200
    assert "/agenda/shop" not in everything.content.decode()
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert f"{shop}: no such object." in hidden.content.decode()


def test_a_guest_sees_the_places_that_were_granted(signed_in, team, member, shop, call, make):
    other = make("/elsewhere")
    call(other, "cron.add", name="secretly", spec="0 3 * * *", command="state incr n")
    guest = signed_in(member(team, Role.NONE, {shop: Role.VIEWER}))

    html = guest.get(f"/t/{team.slug}/agenda/").content.decode()

    assert "nightly" in html
    assert "secretly" not in html


def test_a_path_that_is_none_is_told_so(owner, team):
    answer = owner.get(f"/t/{team.slug}/agenda/", {"at": "a//b"})

    assert answer.status_code == 404
    assert 'role="alert"' in answer.content.decode()


def test_what_htmx_fetches_again_is_the_agenda_alone(signed_in, team, shop):
    part = signed_in(team.owner, htmx=True).get(f"/t/{team.slug}/agenda/?at={shop}").content.decode()

    assert part.lstrip().startswith('<div class="agenda" id="agenda"')
    assert f'hx-get="/t/{team.slug}/agenda/?at=' in part


def test_a_long_agenda_costs_no_more_than_a_short_one(owner, team, call, make, shop, monkeypatch):
    calls = []
    submit = Engine.submit
    monkeypatch.setattr(Engine, "submit", lambda self, asked: (calls.append(asked.command), submit(self, asked))[1])

    def cost() -> tuple[int, list[str]]:
        owner.get(f"/t/{team.slug}/agenda/")  # what is kept for a while is kept
        calls.clear()
        with CaptureQueriesContext(connection) as queries:
            assert owner.get(f"/t/{team.slug}/agenda/").status_code == 200
        return len(queries), sorted(calls)

    few = cost()
    for number in range(12):
        path = make(f"/agenda/shop/{number}")
        call(path, "cron.add", name="often", spec="0 4 * * *", command="state incr n")
        call(path, "queue.push", body=1)
    assert cost() == few
