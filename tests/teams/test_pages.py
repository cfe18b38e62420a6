"""The way in, the list of one's teams, and what machines ask: with a browser's eyes, without JavaScript."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone
from django_pgschemas.schema import get_current_schema

from teams import actions
from teams.access import Role
from teams.pages import TeamRequest, team_page
from teams.tasks import forget_old_sessions

PASSWORD = "correct horse 17"


@team_page
def whoami(request: TeamRequest, rest: str) -> HttpResponse:
    caller = request.caller
    return HttpResponse(f"{caller.name} {caller.schema == get_current_schema().schema_name} {request.team.slug} {rest}")


@team_page
def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


urlpatterns = [
    path("t/<slug:slug>/whoami/<str:rest>", whoami),
    path("t/<slug:slug>/broken", broken),
    path("", include("config.urls")),
]
with_team_pages = override_settings(ROOT_URLCONF=__name__)


@pytest.fixture(autouse=True)
def _no_attempts_counted():
    cache.clear()


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def csrf_token(page: Any) -> str:
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())[1]


def sign_in(browser: Client, email: str, password: str = PASSWORD, to: str = "") -> Any:
    address = f"/account/login/?next={to}" if to else "/account/login/"
    return browser.post(
        address,
        {"login": email, "password": password, "csrfmiddlewaretoken": csrf_token(browser.get(address))},
    )


@pytest.fixture
def verified(person):
    """A person with a password and a confirmed address."""
    return person(password=PASSWORD)


# Signing in.


def test_a_person_signs_in_by_email_in_any_case_and_out_again(browser, verified):
    signed_in = sign_in(browser, verified.email.upper())
    home = browser.get("/")
    signed_out = browser.post("/account/logout/", {"csrfmiddlewaretoken": csrf_token(home)})

    assert (signed_in.status_code, signed_in.headers["Location"]) == (302, "/")
    assert (home.status_code, verified.email in home.content.decode()) == (200, True)
    assert (signed_out.status_code, browser.get("/").headers["Location"]) == (302, "/account/login/?next=/")


def test_a_wrong_password_and_an_unknown_address_get_the_same_page(browser, verified):
    answers = [sign_in(browser, email, "wrong wrong 17") for email in (verified.email, "nobody@example.com")]

    texts = [re.findall(r'role="alert">(.*?)</p>', answer.content.decode(), re.DOTALL) for answer in answers]
    assert texts[0] == texts[1]
    assert "not correct" in texts[0][0]


def test_guessing_a_password_is_stopped_and_says_so(browser, verified):
    answers = [sign_in(browser, verified.email, f"wrong wrong {number}") for number in range(6)]

    assert "Too many failed" in answers[-1].content.decode()
    assert "Too many failed" in sign_in(browser, verified.email).content.decode()


def test_a_form_without_its_csrf_token_is_refused(browser, verified):
    answer = browser.post("/account/login/", {"login": verified.email, "password": PASSWORD})

    assert (answer.status_code, "The form is out of date" in answer.content.decode()) == (403, True)


def test_signing_in_leads_to_no_other_site(browser, verified):
    assert sign_in(browser, verified.email, to="https://evil.example/").headers["Location"] == "/"


def test_strangers_make_accounts_only_where_the_setting_says_so(browser):
    closed = browser.get("/account/signup/")
    with override_settings(SIGNUP_OPEN=True):
        opened = browser.get("/account/signup/")

    assert ("by invitation" in closed.content.decode(), "by invitation" in opened.content.decode()) == (True, False)


def test_a_forgotten_password_is_replaced_by_a_link_sent_to_the_address(browser, verified):
    page = browser.get("/account/password/reset/")
    mail.outbox.clear()
    browser.post("/account/password/reset/", {"email": verified.email, "csrfmiddlewaretoken": csrf_token(page)})
    link = re.search(r"http://testserver(\S+)", str(mail.outbox[0].body))[1]
    form = browser.get(link, follow=True)
    browser.post(
        form.request["PATH_INFO"],
        {"password1": "a new secret 42", "password2": "a new secret 42", "csrfmiddlewaretoken": csrf_token(form)},
    )

    assert sign_in(browser, verified.email, "a new secret 42").status_code == 302
    assert "works no more" in Client().get(link, follow=True).content.decode()


@pytest.mark.parametrize("address", ["/account/login/", "/account/signup/", "/account/password/reset/"])
def test_pages_have_no_inline_script_or_style(browser, address):
    text = browser.get(address).content.decode()

    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:", text) == []


def test_an_account_made_by_the_operator_works_where_no_mail_is_sent(browser, person):
    ann = person(password=PASSWORD)

    assert sign_in(browser, ann.email).headers["Location"] == "/"


def test_sessions_that_are_over_are_forgotten_and_others_are_not(browser, person):
    from django.contrib.sessions.models import Session

    old, new = Client(), Client()
    for client in (old, new):
        client.force_login(person())
    keys = [client.session.session_key for client in (old, new)]
    Session.objects.filter(pk=keys[0]).update(expire_date=timezone.now() - timedelta(seconds=1))

    forget_old_sessions()

    assert [Session.objects.filter(pk=key).exists() for key in keys] == [False, True]


# The way in of the demo.


@override_settings(ENTER_KEY="right-key", DEMO_OWNER="enter@example.com")
def test_the_right_key_signs_in_as_the_demo_owner_and_a_wrong_one_finds_nothing(browser, person):
    owner = person(email="enter@example.com")

    wrong = [browser.get(f"/enter/{key}/").status_code for key in ("wrong", "right-keyx", "ä", "right-ke")]
    before = browser.get("/").status_code
    answer = browser.get("/enter/right-key/")

    assert (wrong, before) == ([404] * 4, 302)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/t/demo/")
    assert browser.session["_auth_user_id"] == str(owner.pk)


@override_settings(ENTER_KEY="", DEMO_OWNER="enter@example.com")
def test_without_a_key_there_is_no_way_in(browser):
    assert [browser.get(address).status_code for address in ("/enter//", "/enter/x/")] == [404, 404]


# Pages of a team.


@with_team_pages
def test_a_page_of_a_team_is_for_its_members_and_inside_of_its_schema(browser, team, member, person):
    ann, stranger = member(team, Role.VIEWER), person()

    anonymous = browser.get(f"/t/{team.slug}/whoami/x")
    browser.force_login(stranger)
    hidden = browser.get(f"/t/{team.slug}/whoami/x")
    absent = browser.get("/t/no-such-team/whoami/x")
    browser.force_login(ann)
    seen = browser.get(f"/t/{team.slug}/whoami/x")

    assert (anonymous.status_code, anonymous.headers["Location"]) == (
        302,
        f"/account/login/?next=/t/{team.slug}/whoami/x",
    )
    assert (hidden.status_code, absent.status_code, hidden.content) == (404, 404, absent.content)
    assert seen.content.decode() == f"{ann.email} True {team.slug} x"
    assert get_current_schema().schema_name == "public"


@with_team_pages
def test_a_page_that_breaks_does_not_leave_its_team_open_for_the_next(browser, team, member):
    browser.force_login(member(team))

    with pytest.raises(RuntimeError):
        browser.get(f"/t/{team.slug}/broken")

    assert get_current_schema().schema_name == "public"


def test_home_lists_ones_teams_and_goes_to_the_only_one(browser, new_team, person):
    ann, bob = person(), person()
    one, two, _ = new_team(owner=ann, name="Zebra"), new_team(owner=ann, name="Ant"), new_team()
    actions.add_member(team=one, by=ann, person=bob, role=Role.VIEWER)

    browser.force_login(ann)
    listed = re.findall(r'<li><a href="(.*?)"><b>(.*?)</b>', browser.get("/").content.decode())
    browser.force_login(bob)
    only = browser.get("/")

    assert listed == [(f"/t/{two.slug}/", "Ant"), (f"/t/{one.slug}/", "Zebra")]
    assert (only.status_code, only.headers["Location"]) == (302, f"/t/{one.slug}/")


# What machines ask.


def test_healthz_tells_what_this_process_reaches(browser):
    well = browser.get("/healthz")
    unreachable = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    with override_settings(CACHES=unreachable):
        ill = browser.get("/healthz")

    assert (well.status_code, well.json()) == (200, {"postgres": "ok", "valkey": "ok"})
    assert (ill.status_code, ill.json()) == (503, {"postgres": "ok", "valkey": "unreachable"})


def test_metrics_are_for_staff_and_for_who_has_the_token(browser, person):
    staff = person()
    staff.is_staff = True
    staff.save()

    with override_settings(METRICS_TOKEN="secret"):
        answers = [
            browser.get("/metrics", headers={"Authorization": sent}).status_code
            for sent in ("Bearer secret", "Bearer wrong", "Bearer ", "secret", "")
        ]
    with override_settings(METRICS_TOKEN=""):
        without = [browser.get("/metrics", headers={"Authorization": sent}).status_code for sent in ("Bearer ", "")]
        browser.force_login(person())
        without.append(browser.get("/metrics").status_code)
        browser.force_login(staff)
        as_staff = browser.get("/metrics").status_code

    assert (answers, without, as_staff) == ([200, 404, 404, 404, 404], [404, 404, 404], 200)


def test_admin_pages_are_for_staff_and_ask_at_our_own_sign_in(browser, person):
    from django.contrib import admin

    from teams.models import AuditLine, Grant, Membership, Person, Team, Token

    assert browser.get("/admin/login/").headers["Location"].startswith("/account/login/")
    browser.force_login(person())
    assert browser.get("/admin/teams/person/").status_code == 302

    staff = person()
    staff.is_staff = staff.is_superuser = True
    staff.save()
    browser.force_login(staff)
    pages = [f"/admin/teams/{model._meta.model_name}/" for model in (AuditLine, Grant, Membership, Person, Team, Token)]
    pages += ["/admin/teams/person/add/", f"/admin/teams/person/{staff.pk}/change/"]
    assert {page: browser.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    assert Token in admin.site._registry


def test_staff_looks_at_rights_in_the_admin_pages_and_changes_none(browser, team, person, token):
    made, _ = token(team)
    staff = person()
    staff.is_staff = staff.is_superuser = True
    staff.save()
    browser.force_login(staff)

    shown = browser.get(f"/admin/teams/token/{made.pk}/change/")

    assert (shown.status_code, bytes(made.digest).hex() in shown.content.decode()) == (200, False)
    assert [browser.get(f"/admin/teams/{model}/add/").status_code for model in ("team", "grant", "token")] == [403] * 3
