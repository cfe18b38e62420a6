"""Every page in a real Chromium: axe in both themes, Tab alone, a tablet, a phone, and nothing moves while it comes.

Pages are those of the URL configuration: what is new there is in PAGES or in ASIDE, with the reason, or this fails.
"""

import re
from collections.abc import Iterator
from itertools import chain

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from objects import demo
from objects.surfaces.pages.object_tabs import tabs_of
from teams import actions
from teams.access import Role
from teams.models import Person, Plan, Team
from tests.teams.browser.looking import COUNT_SHIFTS, DESKTOP, HEIGHT, look
from tests.teams.browser.people import PASSWORD, again, sign_in, somebody

TEAM = "/t/{slug}/team/"
# By the name in the URL configuration. {slug}, {team}, {bob}: see `full`.
OUTSIDE = {
    "account_login": ["/account/login/"],
    "account_signup": ["/account/signup/"],
    "account_signup_by_passkey": ["/account/signup/passkey/"],
    "account_request_login_code": ["/account/login/code/"],
    "account_reset_password": ["/account/password/reset/"],
    "account_reset_password_done": ["/account/password/reset/done/"],
    "account_reset_password_from_key": ["{reset}", "/account/password/reset/key/1-nonsense/"],
    "account_reset_password_from_key_done": ["/account/password/reset/key/done/"],
    "account_inactive": ["/account/inactive/"],
    "invitation": ["/invitation/nonsense/"],
}
PAGES = {
    "teams": ["/teams/"],
    "new_team": ["/teams/new/"],
    "account": ["/account/"],
    "account_email": ["/account/email/"],
    "account_change_password": ["/account/password/change/"],
    "account_logout": ["/account/logout/"],
    "usersessions_list": ["/account/sessions/"],
    "keys": ["/account/keys/"],
    "mfa_index": ["/account/2fa/"],
    "mfa_activate_totp": ["/account/2fa/totp/activate/"],
    "mfa_list_webauthn": ["/account/2fa/webauthn/"],
    "mfa_add_webauthn": ["/account/2fa/webauthn/add/"],
    "people": [TEAM],
    "grants": [f"{TEAM}grants/"],
    "access": [TEAM + "access/?who={bob}&path=/shop/x"],
    "tokens": [f"{TEAM}tokens/"],
    "audit": [f"{TEAM}audit/"],
    "team_settings": [f"{TEAM}settings/"],
    "delete_team": [f"{TEAM}settings/delete/"],
    "front": ["/t/{slug}/"],
    "agenda": ["/t/{slug}/agenda/", "/t/{slug}/agenda/?at=/shop/prices"],
    "agenda_day": ["/t/{slug}/agenda/day/"],
    "objects": [f"/t/{{slug}}/objects/{query}" for query in ("", "?find=shop", "?find=nowhere", "?at=/lab")],
    "gallery": ["/t/{slug}/gallery/"],
    "new": ["/t/{slug}/new/"],
    "trash": ["/t/{slug}/trash/"],
    "terminal": ["/t/{slug}/terminal/lab"],
    "object": [
        "/t/{slug}/o/lab/counter", "/t/{slug}/o/nowhere", "/t/{slug}/o/lab/counter:state.set",
        "/t/{slug}/o/shop/orders:sql.query?query=select+*+from+orders&_run=yes",
        "/t/{slug}/o/shop/orders:/database/orders", "/t/{slug}/o/shop/prices:/files/lists/2026.csv",
        "/t/{slug}/o/lab/garden:/cron/water", "/t/{slug}/o/lab/garden:/state/mode",
        *(f"/t/{{slug}}/o/shop/orders:/{tab.name}" for tab in tabs_of("object")),
    ],
    "admin:index": ["/admin/"],
    "admin:health": ["/admin/health/"],
    "admin:work": ["/admin/work/"],
    "admin:switches": ["/admin/switches/"],
    "admin:team_objects": ["/admin/teams/{team}/objects/"],
    "admin:give_plan": ["/admin/teams/{team}/plan/"],
    "admin:begin_visit": ["/admin/teams/{team}/visit/"],
    "admin:app_list": ["/admin/teams/"],
}  # fmt: skip
ASIDE = {
    "home": "leads on",
    "enter": "leads on",
    "account_set_password": "leads on, for who has a password",
    "account_reauthenticate": "on the way to what is sensitive",
    "mfa_reauthenticate": "on the way to what is sensitive",
    "mfa_reauthenticate_webauthn": "on the way to what is sensitive",
    "account_email_verification_sent": "a step of a sign-up: test_ways_in",
    "account_confirm_login_code": "a step of a sign-in: test_ways_in",
    "mfa_authenticate": "a step of a sign-in: test_ways_in",
    "mfa_signup_webauthn": "a step of a sign-up: test_ways_in",
    "mfa_view_recovery_codes": "for who has a second step: test_ways_in",
    "mfa_generate_recovery_codes": "for who has a second step: test_ways_in",
    "mfa_download_recovery_codes": "a file",
    "mfa_deactivate_totp": "for who has a second step: test_ways_in",
    "mfa_remove_webauthn": "for who has a passkey: test_ways_in",
    "mfa_edit_webauthn": "for who has a passkey: test_ways_in",
    "mfa_login_webauthn": "for scripts",
    "healthz": "for machines",
    "metrics": "for machines",
    "amount": "a part of a page",
    "branch": "a part of a page",
    "palette": "a part of a page",
    "paths": "a part of a page",
    "admin:login": "leads on",
    "admin:logout": "leads on",
    "admin:password_change_done": "leads on",
    "admin:autocomplete": "for scripts",
    "admin:jsi18n": "for scripts",
    "admin:view_on_site": "leads on",
}
# Lists and rows of models, which all have Django's own templates: some of each.
OF_MODELS = re.compile(r"admin:\w+_(changelist|add|change|history|delete)")
MODELS = [
    "/admin/teams/team/", "/admin/teams/team/{team}/change/", "/admin/teams/person/{number}/change/",
    "/admin/teams/auditline/", "/admin/teams/plan/{plan}/change/", "/admin/teams/plan/add/",
    "/admin/django_celery_beat/periodictask/",
]  # fmt: skip


def named(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """The names in a URL configuration."""
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from named(each.url_patterns, namespace + (f"{each.namespace}:" if each.namespace else ""))
        elif each.name:
            yield namespace + each.name


def takes_forms_alone(name: str, browser: Client, slug: str) -> bool:
    for filled in ({}, {"slug": slug}, {"number": 1}, {"slug": slug, "number": 1}):
        try:
            address = reverse(name, kwargs=filled)
        except NoReverseMatch:
            continue
        return browser.get(address).status_code == 405
    return False


def test_every_name_of_the_configuration_is_looked_at_or_told_why_not(full):
    team, ann, _ = full
    browser = Client()
    browser.force_login(ann, backend="allauth.account.auth_backends.AuthenticationBackend")
    names = {name for name in named(get_resolver().url_patterns) if not OF_MODELS.fullmatch(name)}

    left = names - {*OUTSIDE, *PAGES, *ASIDE}

    assert [name for name in sorted(left) if not takes_forms_alone(name, browser, team.slug)] == []
    assert {*OUTSIDE, *PAGES, *ASIDE} - names == set()


@pytest.fixture(scope="module")
def full(person, new_team, member, token) -> tuple[Team, Person, Person]:
    """A team with something of everything, its owner, who operates the site, too, and a member."""
    ann = person(password=PASSWORD, name="Ann Example")
    Person.objects.filter(pk=ann.pk).update(is_staff=True, is_superuser=True)
    team = new_team(owner=ann, name="A team with rather a long name")
    demo.plant(team, ann)
    bob = member(team, Role.VIEWER, {"/shop": Role.EDITOR, "/shop/a-rather/long-path/that-goes/on-and-on": Role.NONE})
    token(team, bob, paths=["/shop"], rate=2.5)
    token(team)
    actions.invite(
        team=team, by=ann, email="someone.with.a.long.name@example.com", role=Role.VIEWER, site="https://x.example"
    )
    return team, ann, bob


def test_nothing_is_wrong_with_any_page(chromium, site, full):
    team, ann, bob = full
    reset = f"/account/password/reset/key/{user_pk_to_url_str(bob)}-{default_token_generator.make_token(bob)}/"
    plan, _ = Plan.objects.get_or_create(name="small", defaults={"people": 5})
    filled = {
        "slug": team.slug, "team": team.pk, "bob": bob.email, "number": bob.pk, "plan": plan.pk, "reset": reset,
    }  # fmt: skip
    found: dict[str, list[str]] = {}

    with somebody(chromium, site, refused="404", viewport={"width": DESKTOP, "height": HEIGHT}) as page:
        page.add_init_script(COUNT_SHIFTS)

        def see(address: str) -> None:
            page.goto(address)
            if told := look(page):
                found[address] = told

        for address in chain.from_iterable(OUTSIDE.values()):
            see(address.format(**filled))
        sign_in(page, ann)
        page.goto("/account/keys/")
        again(page)
        for address in [*chain.from_iterable(PAGES.values()), *MODELS]:
            see(address.format(**filled))
            assert "/account/login/" not in page.url

    assert found == {}
