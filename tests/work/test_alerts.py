"""A webhook is told of a schedule's runs: signed, again until it takes it, and never inside of our network."""

import base64
import hmac

import orjson
import pytest

from teams.access import Role
from teams.problems import NotAllowed, WrongArgument
from tests.network.conftest import answer
from tests.timing.conftest import clock_moves, hands
from tests.work.conftest import Workers

__all__ = ["clock_moves", "hands"]  # fixtures


@pytest.fixture
def fails(grove, errand, hands, clock_moves):
    """A schedule that fails, with a webhook: `fails(url)` lets it fire once."""

    def fire(url: str) -> None:
        asked = {"name": "job", "spec": "every 600s", "command": "never"}
        grove.outcome(errand, "cron.add", asked, check=True)
        grove.call(errand, "cron.alert", name="job", occasions=["failed"], hook=url)
        clock_moves(600)
        hands.until_quiet()

    return fire


def test_a_webhook_is_told_until_it_takes_it_under_one_id_and_signed(grove, errand, site, fails, ended):
    busy = [answer(b"not now", 503, retry_after="0"), answer(b"gone home", 404, retry_after="0"), answer(b"thanks")]

    def in_turn(handler):
        busy.pop(0)(handler)

    site.pages["/hook"] = in_turn

    fails(site.url("/hook"))
    workers = Workers(1)
    shown = grove.call(errand, "task.show")
    try:
        with grove.engine_connection() as connection:  # what comes between the tries is tested elsewhere
            while grove.call(errand, "task.show", task=shown["task"])["state"] != "done":
                connection.execute("UPDATE public.teams_waitingtask SET due_at = now() - interval '1 day'")
        shown = ended(errand, shown["task"])
    finally:
        workers.stop()

    assert (shown["command"], shown["value"]["status"], shown["value"]["tries"]) == ("http.hook", 200, 3)
    secret = grove.call(errand, "cron.secret", name="job")
    assert len(site.asked) == 3
    assert len({headers["webhook-id"] for _, _, headers, _ in site.asked}) == 1
    for method, _, headers, body in site.asked:
        said = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
        expected = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), said, "sha256")
        assert (method, headers["webhook-signature"]) == ("POST", f"v1,{base64.b64encode(expected).decode()}")
    told = orjson.loads(site.asked[0][3])
    (run,) = grove.call(errand, "cron.history", name="job")["runs"]
    assert {name: told[name] for name in ("object", "schedule", "run", "occasion", "problem")} == {
        "object": errand,
        "schedule": "job",
        "run": run["number"],
        "occasion": "failed",
        "problem": "Never.",
    }
    assert secret not in orjson.dumps(shown).decode()


def test_a_webhook_inside_of_our_network_is_never_asked(grove, errand, site, fails, worker, ended):
    site.pages["/hook"] = answer(b"thanks")

    fails(site.url("/hook", host="127.0.0.2"))

    shown = ended(errand, grove.call(errand, "task.show")["task"])
    assert (shown["state"], shown["problem"]["type"]) == ("failed", "not-allowed")
    assert site.asked == []


def test_a_webhook_that_leads_elsewhere_is_not_followed(grove, errand, site, worker, ended):
    site.pages["/hook"] = answer(b"", 302, location="/other")
    site.pages["/other"] = answer(b"thanks")

    task = grove.call(errand, "http.hook", url=site.url("/hook"), body={}, tries=1)["task"]

    assert ended(errand, task)["state"] == "failed"
    assert [path for _, path, _, _ in site.asked] == ["/hook"]


def test_the_secret_is_told_to_editors_and_is_another_for_each_schedule(grove, errand, team, member, caller):
    for name in ("one", "two"):
        grove.outcome(errand, "cron.add", {"name": name, "spec": "@daily", "command": "count_one"}, check=True)

    secrets = {grove.call(errand, "cron.secret", name=name) for name in ("one", "two", "one")}

    assert len(secrets) == 2
    with pytest.raises(NotAllowed):
        grove.acting_as(caller(team, member(team, Role.VIEWER))).call(errand, "cron.secret", name="one")


@pytest.mark.parametrize("url", ["ftp://example.com/", "example.com", "http://user:secret@example.com/"])
def test_what_is_no_address_of_a_webhook_is_refused(grove, errand, url):
    grove.outcome(errand, "cron.add", {"name": "job", "spec": "@daily", "command": "count_one"}, check=True)

    with pytest.raises(WrongArgument) as refused:
        grove.call(errand, "cron.alert", name="job", hook=url)

    assert refused.value.field == "hook"


def test_a_task_that_is_too_slow_is_told(grove, errand, hands, clock_moves, worker, ended):
    ear = grove.new("errand")
    asked = {"name": "job", "spec": "every 600s", "command": "linger 0.2"}
    grove.outcome(errand, "cron.add", asked, check=True)
    grove.call(errand, "cron.alert", name="job", occasions=["slow"], to=ear, slow=0.1)

    clock_moves(600)
    hands.until_quiet()
    ended(errand, grove.call(errand, "task.show")["task"])
    hands.until_quiet()

    (message,) = grove.call(ear, "queue.receive", count=10)
    assert (message["body"]["occasion"], message["body"]["took_s"] > 0.1) == ("slow", True)
