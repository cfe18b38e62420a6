"""The coming day of a team: each schedule on one line of time, a page of objects at a time, of what the reader sees."""

import re

import pytest

from objects.surfaces.pages import agenda_day
from teams.access import Role


@pytest.fixture(scope="module")
def clocks(call, make) -> list[str]:
    """Five objects, each with a schedule; one with two."""
    paths = [make(f"/clocks/{name}") for name in "abcde"]
    for path in paths:
        call(path, "cron.add", name="often", spec="*/10 * * * *", command="state incr n")
    call(paths[0], "cron.add", name="nightly", spec="0 3 * * *", command="state incr n", zone="Europe/Berlin")
    call(paths[1], "cron.add", name="someday", spec="at 2100-01-01T00:00", command="state incr n")
    return paths


def lanes(html: str) -> list[str]:
    """What is listed, with the number of its marks on the line."""
    rows = re.findall(r'<li><div class="line">.*?</li>', html, re.DOTALL)
    names = [re.search(r'<a href="[^"]*">(.*?)</a>', row)[1].replace("<b>", "").replace("</b>", "") for row in rows]
    return [f"{name} {row.count('<rect')}" for name, row in zip(names, rows, strict=True)]


def test_each_schedule_has_a_line_with_all_that_the_day_brings(owner, team, clocks):
    html = owner.get(f"/t/{team.slug}/agenda/day/?at=/clocks").content.decode()

    often = [f"{path} often 96" for path in clocks]
    assert lanes(html) == [f"{clocks[0]} nightly 1", *often]
    assert f'href="/t/{team.slug}/o/clocks/a:/cron/nightly"' in html
    assert html.count("then <time") == len(clocks)


def test_it_comes_a_page_of_objects_at_a_time_without_a_gap(owner, team, clocks, monkeypatch):
    monkeypatch.setattr(agenda_day, "LISTED", 2)
    address, seen = f"/t/{team.slug}/agenda/day/?at=/clocks", []
    while address:
        html = owner.get(address).content.decode()
        seen += [name for name in lanes(html) if "often" in name]
        found = re.search(r'href="([^"]*)">Next objects', html)
        address = found[1].replace("&amp;", "&") if found else ""

    assert seen == [f"{path} often 96" for path in clocks]


def test_who_sees_some_places_sees_their_schedules_alone(signed_in, team, member, clocks):
    denied = signed_in(member(team, Role.VIEWER, {clocks[1]: Role.NONE}))
    guest = signed_in(member(team, Role.NONE, {clocks[0]: Role.VIEWER, clocks[3]: Role.VIEWER}))

    def seen(browser) -> list[str]:
        return [name.split()[0] for name in lanes(browser.get(f"/t/{team.slug}/agenda/day/").content.decode())]

    assert [path for path in seen(denied) if path in clocks[1:]] == clocks[2:]
    assert seen(guest) == [clocks[0], clocks[0], clocks[3]]
    assert denied.get(f"/t/{team.slug}/agenda/day/?at={clocks[1]}").status_code == 404


def test_htmx_gets_the_lines_alone_and_where_nothing_fires_it_says_how_to_begin(signed_in, new_team, team, clocks):
    empty = new_team()
    html = signed_in(empty.owner).get(f"/t/{empty.slug}/agenda/day/").content.decode()
    part = signed_in(team.owner, htmx=True).get(f"/t/{team.slug}/agenda/day/?at=/clocks").content.decode()

    assert "No schedule fires in the coming day" in html
    assert part.lstrip().startswith('<div class="agenda day" id="agenda-day"')
