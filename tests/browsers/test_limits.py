"""What the browsers of a team may use, with a way out in each refusal, and where people see it."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from teams.models import AwakeBrowser, BrowserDay, Plan, Team
from teams.problems import OverLimit
from tests.browsers.hosting import Hosting
from tests.browsers.test_profile import session, wait_for
from tests.pages.conftest import owner, signed_in

__all__ = ["owner", "signed_in"]  # fixtures


@pytest.fixture
def plan(team: Team) -> Iterator[Callable[..., None]]:
    """Give the team a plan: `plan(browsers=1)`."""

    def give(**limits: int) -> None:
        team.plan = Plan.objects.create(name=f"plan {Plan.objects.count()}", **limits)
        team.save()

    yield give
    team.plan = None
    team.save()
    BrowserDay.objects.filter(schema=team.schema_name).delete()


def is_at_work(awake: Any) -> bool:
    """Whether a command has it for a while: a save has it for a moment."""
    until = time.monotonic() + 0.5
    while awake.lock.locked() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(awake.lock.locked())


def test_an_idle_browser_of_the_team_sleeps_for_another_and_a_busy_one_does_not(
    grove, ask, site, hosting: Hosting, plan: Callable[..., None]
):
    plan(browsers=1)
    first, second = grove.new("browser"), grove.new("browser")
    ask(first, "open", url=site.url)
    ask(second, "open", url=site.url)
    assert session(hosting, grove, first) is None

    busy = grove.call(second, "browser.wait", what="time", value="30")["task"]
    wait_for(lambda: grove.call(second, "task.show", task=busy)["state"] == "running")
    wait_for(lambda: is_at_work(session(hosting, grove, second)))
    with pytest.raises(OverLimit, match="1 browsers of the team are at work on this host, and 1 is the most"):
        ask(first, "text")
    grove.call(second, "task.cancel", task=busy)
    wait_for(lambda: not session(hosting, grove, second).lock.locked())

    assert ask(first, "text", target="h1") == "Garden"


def test_the_days_minutes_are_counted_and_when_they_are_used_up_that_is_said(
    grove, ask, site, hosting: Hosting, team: Team, plan: Callable[..., None]
):
    path = grove.new("browser")
    ask(path, "open", url=site.url)
    hosting.again()  # a host writes down at its end what was used
    used = BrowserDay.objects.get(schema=team.schema_name)
    assert 0 < used.awake_s < 3_600

    plan(browser_minutes=5)
    ask(path, "text")
    BrowserDay.objects.filter(schema=team.schema_name).update(awake_s=301)
    with pytest.raises(OverLimit) as refused:
        ask(path, "text")

    assert refused.value.detail == (
        "The team's browsers were awake for 5 of 5 minutes today (limit BROWSER_TEAM_DAY_S, or the team's plan). They "
        "begin anew at 00:00 UTC; ask the operator for a plan with more."
    )
    assert 0 < refused.value.retry_after_s <= 86_400
    hosting.host._usage._written_at = 0.0
    wait_for(lambda: session(hosting, grove, path) is None)  # what is awake is put to sleep


def test_the_teams_page_tells_what_is_used_and_what_may_be(
    grove, ask, site, hosting: Hosting, team: Team, owner: Any, plan: Callable[..., None]
):
    plan(browsers=7, browser_minutes=90, browser_bytes=3 << 30, download_bytes=5 << 30)
    BrowserDay.objects.filter(schema=team.schema_name).delete()
    hosting.again()
    path = grove.new("browser")
    ask(path, "open", url=site.url)
    wait_for(lambda: AwakeBrowser.objects.filter(schema=team.schema_name, used_bytes__gt=0).exists())

    page = re.sub(r"\s+", " ", owner.get(f"/t/{team.slug}/team/settings/").content.decode())

    assert "<dt>browsers awake now</dt><dd>1 of 7 on a host</dd>" in page
    assert "<dt>minutes of browsers today</dt><dd>0 of 90</dd>" in page
    assert re.search(r"<dt>memory of their pages</dt><dd>[1-9][0-9.]* MB of 3.0 GB</dd>", page)
    assert "<dt>their downloads today</dt><dd>0 bytes of 5.0 GB</dd>" in page
    ask(path, "close")
    hosting.again()
    assert not AwakeBrowser.objects.filter(schema=team.schema_name).exists()
