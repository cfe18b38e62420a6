"""Pages of operators: what they show and do, for staff alone, and that a team reads what is done to it."""

import re
from typing import Any

import pytest
import redis
from django.conf import settings as installation
from django.core.cache import cache
from django.db import connection
from django.test import Client

from objects.engine.running import engine
from objects.timing.models import Wake
from teams import actions, clock, presence, switches
from teams.access import Role
from teams.models import AuditLine, Person, Plan, Switch, Visit
from teams.operating import health
from teams.problems import NotAllowed, OverLimit, Problem, WrongArgument

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


@pytest.fixture(scope="module")
def operator(person) -> Person:
    made = person()
    made.is_staff = made.is_superuser = True
    made.save()
    return made


def browser_of(who: Person) -> Client:
    browser = Client()
    browser.force_login(who, backend=BACKEND)
    return browser


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def refused(action, **arguments) -> type[Problem]:
    with pytest.raises(Problem) as problem:
        action(**arguments)
    return type(problem.value)


# Health.


def test_health_lists_who_runs_and_says_who_is_missing(operator):
    client = redis.Redis.from_url(installation.VALKEY_URL)
    for key in client.scan_iter(match=f"{presence.PREFIX}*"):
        client.delete(key)
    presence.say("web", client)

    shown = text(browser_of(operator).get("/admin/health/"))

    assert {each.role for each in presence.processes(client)} == {"web"}  # the server of other tests may say it again
    assert ("No beat process" in shown, "No web process" in shown) == (True, False)
    assert re.findall(r"No worker takes from the queue (\w+)", shown) == list(health.QUEUES)
    assert "longest transaction" in shown


def test_health_knows_each_queue_what_waits_in_it_and_who_takes_from_it(operator):
    client = redis.Redis.from_url(installation.VALKEY_URL)
    for key in client.scan_iter(match=f"{presence.PREFIX}*"):
        client.delete(key)
    for queues in ("ticks", "chores wakes", "tasks"):
        presence.say(f"worker {queues}", client, queues)
    key = f"{installation.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}browser"
    client.rpush(key, "a message")

    shown = text(browser_of(operator).get("/admin/health/"))

    assert re.findall(r"No worker takes from the queue (\w+)", shown) == ["browser"]
    assert "wakes 1 worker 0 waiting" in shown
    assert "browser no worker 1 waiting" in shown
    client.delete(key)


def test_health_says_when_valkey_is_away(operator, settings):
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"

    answer = browser_of(operator).get("/admin/health/")

    assert (answer.status_code, "Valkey does not answer" in text(answer)) == (200, True)


def test_who_stops_is_forgotten():
    client = redis.Redis.from_url(installation.VALKEY_URL)
    presence.say("worker", client)

    key = next(iter(client.scan_iter(match=f"{presence.PREFIX}worker:*")))
    assert 0 < client.ttl(key) <= presence.FORGET_S


# Switches.


def test_a_switch_is_turned_on_the_page_and_counts_at_once(operator, new_team):
    team, browser = new_team(), browser_of(operator)

    browser.post("/admin/switches/", {"feature": "tokens", "turn": "off"})
    off = refused(actions.create_token, team=team, by=team.owner, name="ci")
    browser.post("/admin/switches/", {"feature": "tokens", "turn": "on"})
    on, _ = actions.create_token(team=team, by=team.owner, name="ci")

    assert (off, on.name) == (NotAllowed, "ci")
    line = AuditLine.objects.filter(what="turn").latest("id")
    assert (line.who, line.details) == (operator.email, {"feature": "tokens", "is_on": True})
    assert browser.post("/admin/switches/", {"feature": "nonsense", "turn": "on"}).status_code == 404


@pytest.mark.parametrize("feature", switches.FEATURES)
def test_every_switch_closes_what_it_says(feature, new_team, person):
    team, ann = new_team(), person()

    def is_open() -> bool:
        if feature == "signup":
            return "by invitation" not in Client().get("/account/signup/").content.decode()
        try:
            if feature == "teams":
                slug = f"sw-{ann.pk}-{ann.memberships.count()}"
                actions.create_team(name="x", slug=slug, owner=ann, by=ann)
            elif feature == "tokens":
                actions.create_token(team=team, by=team.owner, name="x")
            else:
                email = f"i{team.invitations.count()}@example.com"
                actions.invite(team=team, by=team.owner, email=email, role=Role.VIEWER, site="https://x.example")
        except NotAllowed:
            return False
        return True

    told = []
    for is_on in (True, False):
        Switch.objects.update_or_create(name=feature, defaults={"is_on": is_on})
        told.append(is_open())
    Switch.objects.all().delete()

    assert told == [True, False]


# Plans.


def test_a_plan_replaces_the_limits_of_a_team(operator, new_team, person, caller):
    team = new_team()
    plan = Plan.objects.create(name=f"tiny {team.slug}", people=2, tokens=1, objects_at_most=1)
    given = browser_of(operator).post(f"/admin/teams/{team.pk}/plan/", {"plan": plan.pk})
    team.refresh_from_db()

    actions.add_member(team=team, by=None, person=person(), role=Role.VIEWER)
    actions.create_token(team=team, by=team.owner, name="one")
    engine().call(team.schema_name, "/", "tree.create", {"name": "/one"}, caller(team))
    with connection.cursor() as cursor:  # the tree counts by Postgres's estimate
        cursor.execute(f'analyze "{team.schema_name}".object')
    made = engine().call(team.schema_name, "/", "tree.create", {"name": "/two"}, caller(team))

    assert given.status_code == 303
    assert refused(actions.add_member, team=team, by=None, person=person(), role=Role.VIEWER) is OverLimit
    assert refused(actions.create_token, team=team, by=team.owner, name="two") is OverLimit
    assert (type(made.problem), "1 is the most" in str(made.problem)) == (OverLimit, True)
    line = AuditLine.objects.filter(team=team, what="give_plan").get()
    assert line.details == {"operator": operator.email, "plan": plan.name, "old_plan": ""}
    assert "of 2" in text(browser_of(team.owner).get(f"/t/{team.slug}/team/settings/"))


# Objects.


def test_an_operator_sees_that_objects_are_there_and_not_what_they_hold(operator, grove, team):
    path = grove.new()
    grove.call(path, "state.set", key="secret", value="do not look")

    shown = browser_of(operator).get(f"/admin/teams/{team.pk}/objects/", {"under": grove.home})

    assert (path in text(shown), "do not look" in shown.content.decode()) == (True, False)


def test_objects_come_a_page_at_a_time_without_a_gap(operator, grove, team):
    for number in range(105):
        grove.call(grove.home, "tree.create", name=f"many-{number:03}")
    browser, address = browser_of(operator), f"/admin/teams/{team.pk}/objects/"

    first = browser.get(address, {"under": grove.home}).content.decode()
    follows = re.search(r'href="(\?under=[^"]*)">Next', first)[1].replace("&amp;", "&")
    second = browser.get(address + follows).content.decode()

    seen = re.findall(r"many-(\d+)</code>", first) + re.findall(r"many-(\d+)</code>", second)
    assert seen == [f"{number:03}" for number in range(105)]


# Work.


def test_an_operator_sees_what_teams_have_grove_do_and_not_with_what(operator, grove, team):
    path = grove.new()
    grove.call(path, "http.get", url="http://example.com/secret-place")
    nightly = {"name": "nightly", "spec": "0 3 * * *", "command": "state incr secret-word"}
    grove.outcome(path, "cron.add", nightly, check=True)
    grove.outcome(path, "queue.push", {"command": "state incr n"}, check=True)  # nobody works it off here
    Wake.objects.filter(schema=team.schema_name, source="queue").update(ready_at=clock.now() - 3_600)

    shown = browser_of(operator).get("/admin/work/")

    assert re.search(rf"{team.slug} 0 running · 1 waiting since [^·]* · 2 ahead by the clock", text(shown))
    assert f"{team.slug}: something has been due for 3,60" in text(shown)
    assert f"{path} http.get waiting" in text(shown)
    assert "secret" not in shown.content.decode()
    grove.call(path, "task.cancel")
    grove.outcome(path, "queue.purge", confirmed=True, check=True)


# Visits.


def begin(operator: Person, team: Any, person: Person, reason: str = "ticket 4711: empty tree") -> Client:
    browser = browser_of(operator)
    member = team.memberships.get(person=person)
    answer = browser.post(f"/admin/teams/{team.pk}/visit/", {"person": member.pk, "reason": reason})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/t/{team.slug}/")
    return browser


def test_a_visitor_sees_what_the_person_sees_and_the_team_is_told(operator, new_team, member, caller):
    team = new_team()
    bob = member(team, Role.EDITOR, {"/shut": Role.NONE})
    for name in ("/open", "/shut"):
        engine().call(team.schema_name, "/", "tree.create", {"name": name}, caller(team))

    before = browser_of(operator).get(f"/t/{team.slug}/").status_code
    visitor = begin(operator, team, bob)
    seen = text(visitor.get(f"/t/{team.slug}/"))
    shut = visitor.get(f"/t/{team.slug}/o/shut").status_code
    told = text(browser_of(team.owner).get(f"/t/{team.slug}/team/"))

    assert (before, "open" in seen, shut) == (404, True, 404)
    assert operator.email in told
    assert "ticket 4711: empty tree" in told
    line = AuditLine.objects.filter(team=team).latest("id")
    assert (line.what, line.details) == (
        "begin_visit",
        {"operator": operator.email, "person": bob.email, "reason": "ticket 4711: empty tree"},
    )


def test_a_visitor_changes_nothing_and_has_no_other_team_and_no_account(operator, new_team, caller):
    team = new_team()
    other = new_team(owner=team.owner)
    visitor = begin(operator, team, team.owner)

    posts = [f"/t/{team.slug}/team/", f"/t/{team.slug}/o/:state.set", f"/t/{team.slug}/team/settings/delete/"]
    told = [visitor.post(address, {"key": "x", "value": "1", "typed": team.slug}).status_code for address in posts]
    read = visitor.get(f"/t/{team.slug}/o/:state.set?key=x&value=1&_run=yes").status_code

    assert told == [403] * 3
    assert read != 500
    assert engine().call(team.schema_name, "/", "state.list", {}, caller(team)).value["entries"] == []
    assert visitor.get(f"/t/{other.slug}/").status_code == 404
    assert team.owner.email not in visitor.get("/account/").content.decode()


def test_a_visit_ends_by_a_click_by_its_time_and_with_its_operator(operator, new_team, person):
    from django.utils import timezone

    team = new_team()

    def here(browser: Client) -> int:
        return browser.get(f"/t/{team.slug}/").status_code

    clicked = begin(operator, team, team.owner)
    clicked.post("/admin/visits/end/")
    timed = begin(operator, team, team.owner)
    Visit.objects.filter(team=team).update(ends_at=timezone.now())
    short = person()
    short.is_staff = True
    short.save()
    dismissed = begin(short, team, team.owner)
    Person.objects.filter(pk=short.pk).update(is_staff=False)

    assert (here(clicked), here(timed), here(dismissed)) == (404, 404, 404)
    assert AuditLine.objects.filter(team=team, what="end_visit").count() == 1
    Visit.objects.filter(team=team).update(ends_at=timezone.now())
    assert operator.email not in text(browser_of(team.owner).get(f"/t/{team.slug}/team/"))


def test_a_visit_wants_a_reason_and_a_member(operator, new_team, person):
    team = new_team()

    assert (
        refused(actions.begin_visit, operator=operator, team=team, person=team.owner, reason=" short ") is WrongArgument
    )
    assert issubclass(
        refused(actions.begin_visit, operator=operator, team=team, person=person(), reason="long enough a reason"),
        Problem,
    )
    assert (
        refused(actions.begin_visit, operator=person(), team=team, person=team.owner, reason="a good reason")
        is NotAllowed
    )
    assert Visit.objects.filter(team=team).count() == 0


# Who gets in.

PAGES = ("", "health/", "work/", "switches/", "teams/team/", "teams/person/", "teams/plan/", "teams/visit/",
         "teams/invitation/", "admin/logentry/", "django_celery_beat/periodictask/",
         "django_celery_beat/periodictask/add/")  # fmt: skip


def test_pages_of_operators_are_in_our_look_without_inline_scripts(operator):
    browser = browser_of(operator)
    for page in PAGES:
        shown = browser.get(f"/admin/{page}")
        body = shown.content.decode()

        assert (shown.status_code, 'class="brand"' in body) == (200, True)
        assert (
            re.findall(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))|<style|\bstyle=|\bon\w+=\"", body) == []
        )


def test_pages_of_operators_are_nobody_elses(person, new_team):
    team = new_team()
    browser = browser_of(person())
    for page in (*PAGES, f"teams/{team.pk}/objects/", f"teams/{team.pk}/visit/", f"teams/{team.pk}/plan/"):
        assert browser.get(f"/admin/{page}").status_code in (302, 403, 404)
        assert browser.post(f"/admin/{page}").status_code in (302, 403, 404)


def test_secrets_of_people_are_not_in_the_admin(operator):
    browser = browser_of(operator)

    assert [
        browser.get(f"/admin/{model}/").status_code
        for model in (
            "mfa/authenticator",
            "usersessions/usersession",
            "socialaccount/socialtoken",
            "account/emailaddress",
        )
    ] == [404] * 4


def test_a_visitors_page_has_no_terminal_and_no_socket_which_would_refuse_it(operator, new_team, caller):
    team = new_team()
    page = text(begin(operator, team, team.owner).get(f"/t/{team.slug}/o/"))

    assert "A visit looks at pages; it has no terminal." in page
    assert "data-terminal" not in page
    assert "data-live" not in page
