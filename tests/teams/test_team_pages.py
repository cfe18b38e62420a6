"""Pages of a team about itself: what they do, for whom, and that a long list costs no more queries than a short one."""

import itertools
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from teams import actions, callers
from teams.access import Role
from teams.models import AuditLine, Person, Team

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _no_attempts_counted():
    cache.clear()


def browser_of(who: Person) -> Client:
    browser = Client()
    browser.force_login(who, backend=BACKEND)
    return browser


def text(answer: Any) -> str:
    """What a reader sees of a page, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def last_line(team: Team) -> tuple[str, str]:
    line = AuditLine.objects.filter(team=team).latest("id")
    return line.who, line.what


# People.


def test_an_admin_invites_changes_and_removes_on_the_page(new_team, member):
    team = new_team()
    admin, bob = member(team, Role.ADMIN), member(team, Role.VIEWER)
    browser, base = browser_of(admin), f"/t/{team.slug}/team/"

    invited = browser.post(base, {"email": "new@example.com", "role": "2"}, follow=True)
    changed = browser.post(f"{base}people/{bob.pk}/", {"role": "2"}, follow=True)
    role = team.memberships.get(person=bob).role
    removed = browser.post(f"{base}people/{bob.pk}/remove/", follow=True)

    assert "An invitation is on its way to new@example.com" in text(invited)
    assert (f"{bob.email} is editor now" in text(changed), role) == (True, Role.EDITOR)
    assert "is not in" in text(removed)
    assert not team.memberships.filter(person=bob).exists()


def test_a_refused_form_keeps_what_was_typed_beside_the_reason(new_team):
    team = new_team()
    answer = browser_of(team.owner).post(f"/t/{team.slug}/team/", {"email": "no address", "role": "1"})

    assert answer.status_code == 422
    assert 'value="no address"' in answer.content.decode()
    assert "is no e-mail address" in text(answer)


def test_the_last_owner_is_told_why_he_stays(new_team):
    team = new_team()
    answer = browser_of(team.owner).post(f"/t/{team.slug}/team/people/{team.owner.pk}/remove/")

    assert (answer.status_code, "is the last owner" in text(answer)) == (409, True)


def test_everybody_can_leave_also_a_guest_with_no_role(new_team, member):
    team = new_team()
    guest = member(team, Role.NONE)
    browser = browser_of(guest)

    shown = browser.get(f"/t/{team.slug}/team/settings/")
    left = browser.post(f"/t/{team.slug}/team/people/{guest.pk}/remove/")

    assert "Leave" in text(shown)
    assert (left.status_code, left.headers["Location"]) == (303, "/")
    assert not team.memberships.filter(person=guest).exists()


def test_people_are_found_and_come_a_page_at_a_time(new_team, member):
    team = new_team()
    for _ in range(55):
        someone = member(team)
    browser = browser_of(team.owner)

    first = browser.get(f"/t/{team.slug}/team/")
    follows = re.search(r'href="(\?find=[^"]*)">Next', first.content.decode())[1].replace("&amp;", "&")
    second = browser.get(f"/t/{team.slug}/team/{follows}")
    found = browser.get(f"/t/{team.slug}/team/?find={someone.email.upper()}")

    shown = [set(re.findall(r"[\w.-]+@example\.com", text(page))) - {team.owner.email} for page in (first, second)]
    assert len(shown[0] | shown[1]) == 55
    assert shown[0] & shown[1] == set()
    assert set(re.findall(r"person-[\w-]+@example\.com", text(found))) - {team.owner.email} == {someone.email}


# Grants, and why.


def test_grants_are_given_changed_denied_and_taken_on_the_page(new_team, member, caller):
    team = new_team()
    bob, browser, address = member(team, Role.VIEWER), browser_of(team.owner), f"/t/{team.slug}/team/grants/"

    def role_on(path: str) -> Role:
        return caller(team, bob).role_at(path)

    browser.post(address, {"person": bob.email, "path": "/shop", "role": "2"})
    given = role_on("/shop/orders")
    browser.post(address, {"person": bob.email, "path": "/shop", "role": "0"})
    denied = role_on("/shop/orders")
    listed = browser.get(address)
    grant = team.grants.get()
    browser.post(f"{address}{grant.pk}/take/")

    assert (given, denied, role_on("/shop/orders")) == (Role.EDITOR, Role.NONE, Role.VIEWER)
    assert ("/shop" in text(listed), "denied" in text(listed)) == (True, True)


def test_who_administers_a_path_sees_and_deals_in_grants_there_alone(new_team, member):
    team = new_team()
    keeper = member(team, Role.NONE, {"/shop": Role.ADMIN})
    bob = member(team, Role.VIEWER, {"/shop/x": Role.EDITOR, "/office": Role.EDITOR})
    browser, address = browser_of(keeper), f"/t/{team.slug}/team/grants/"

    listed = text(browser.get(address))
    here = browser.post(address, {"person": bob.email, "path": "/shop/y", "role": "1"})
    there = browser.post(address, {"person": bob.email, "path": "/office/y", "role": "1"})
    hidden = browser.post(f"{address}{team.grants.get(path='/office').pk}/take/")

    assert ("/shop/x" in listed, "/office" in listed) == (True, False)
    assert (here.status_code, there.status_code, hidden.status_code) == (303, 404, 404)
    assert browser.get(f"/t/{team.slug}/team/").status_code == 404


def test_as_seen_by_tells_which_grant_decides(new_team, member):
    team = new_team()
    bob = member(team, Role.VIEWER, {"/shop": Role.EDITOR, "/shop/secret": Role.NONE})
    browser, address = browser_of(team.owner), f"/t/{team.slug}/team/access/"

    shop = text(browser.get(address, {"who": bob.email, "path": "/shop/orders"}))
    secret = text(browser.get(address, {"who": bob.email, "path": "/shop/secret/x"}))

    assert "On /shop/orders : editor" in shop
    assert re.search(r"/ viewer role in the team /shop editor grant by \S+, .*? decides", shop)
    assert "may change it" in shop
    assert re.search(r"/shop/secret none .*? decides", secret)
    assert "may not look at it /shop/secret/x: no such object." in secret


def test_as_seen_by_a_token_tells_what_its_scope_leaves(new_team, token):
    team = new_team()
    made, _ = token(team, paths=["/shop"], verbs=["reads"], ceiling=Role.EDITOR)
    browser, address = browser_of(team.owner), f"/t/{team.slug}/team/access/"

    inside = text(browser.get(address, {"who": made.prefix, "path": "/shop"}))
    outside = text(browser.get(address, {"who": f"grove_{made.prefix}_", "path": "/lab"}))

    assert ("cuts the role" in inside, "may not change it" in inside, "not this one" in inside) == (True, True, False)
    assert ("not this one" in outside, "may not look at it" in outside) == (True, True)


def test_as_seen_by_tells_of_others_only_to_who_administers_the_path(new_team, member):
    team, other = new_team(), new_team()
    keeper, bob = member(team, Role.VIEWER, {"/shop": Role.ADMIN}), member(team, Role.EDITOR)
    browser, address = browser_of(keeper), f"/t/{team.slug}/team/access/"

    def asked(who: str, path: str) -> int:
        return browser.get(address, {"who": who, "path": path}).status_code

    assert (asked(bob.email, "/shop/x"), asked(keeper.email, "/office")) == (200, 200)
    refusals = [asked(bob.email, "/office"), asked(other.owner.email, "/shop"), asked("nobody@x.example", "/shop")]
    assert refusals[1:] == [422, 422]
    assert refusals[0] in (403, 422)


# Tokens.


def test_a_token_is_made_shown_once_and_works_within_its_limits(new_team):
    team = new_team()
    browser, address = browser_of(team.owner), f"/t/{team.slug}/team/tokens/"
    form = {"name": "ci", "paths": ["/shop", "", "/lab"], "verbs": ["reads"], "commands": "state.set", "expires": "7",
            "rate": "2.5", "ceiling": "2"}  # fmt: skip

    made = browser.post(address, form)
    secret = re.search(r'value="(grove_\w+)"', made.content.decode())[1]
    again = browser.get(address).content.decode()
    kept = team.tokens.get()
    scope = callers.for_token(team.slug, secret).scope

    assert secret not in again
    assert (kept.paths, kept.verbs, kept.rate, kept.ceiling) == (["/lab", "/shop"], ["reads", "state.set"], 2.5, 2)
    assert 6.9 < (kept.expires_at - kept.created_at).total_seconds() / 86_400 < 7.1
    assert scope.paths == ("/lab", "/shop")
    assert made.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"paths": "shop"}, "paths"), ({"verbs": [], "commands": ""}, "verbs"), ({"rate": "-1"}, "rate"),
     ({"name": " "}, "name"), ({"commands": "no command!"}, "verbs")],
)  # fmt: skip
def test_a_token_that_will_not_do_is_refused_beside_its_field(new_team, wrong, field):
    team = new_team()
    form = {"name": "ci", "paths": "/", "verbs": ["reads"], "expires": "", "ceiling": "2"} | wrong
    answer = browser_of(team.owner).post(f"/t/{team.slug}/team/tokens/", form)

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert team.tokens.count() == 0


def test_one_sees_and_revokes_ones_own_tokens_an_admin_all(new_team, member, token):
    team = new_team()
    admin, bob = member(team, Role.ADMIN), member(team, Role.EDITOR)
    of_bob, _ = token(team, bob)
    of_owner, _ = token(team)
    address = f"/t/{team.slug}/team/tokens/"

    bobs, admins = text(browser_of(bob).get(address)), text(browser_of(admin).get(address))
    not_his = browser_of(bob).post(f"{address}{of_owner.pk}/revoke/")
    his = browser_of(bob).post(f"{address}{of_bob.pk}/revoke/")

    assert (of_bob.prefix in bobs, of_owner.prefix in bobs) == (True, False)
    assert (of_bob.prefix in admins, of_owner.prefix in admins) == (True, True)
    assert (not_his.status_code, his.status_code) == (404, 303)
    of_bob.refresh_from_db()
    assert of_bob.revoked_at is not None
    assert "revoked" in text(browser_of(bob).get(address, {"ended": "yes"}))


# The audit log.


def test_every_change_is_in_the_log_by_person_and_by_action(new_team, member, token):
    team = new_team()
    bob, cat = member(team, Role.VIEWER), member(team, Role.VIEWER)
    actions.change_role(team=team, by=team.owner, person=bob, role=Role.EDITOR)
    token(team)
    browser, address = browser_of(team.owner), f"/t/{team.slug}/team/audit/"

    everything = text(browser.get(address))
    about_bob = text(browser.get(address, {"who": bob.email}))
    roles = text(browser.get(address, {"what": "change_role"}))

    assert (
        everything.index("made a token") < everything.index("changed the role of") < everything.index("made the team")
    )
    assert (f"added {bob.email}" in about_bob, cat.email in about_bob) == (True, False)
    assert (f"changed the role of {bob.email}" in roles, "added" in roles.split("Filter")[1]) == (True, False)


def test_the_log_comes_a_page_at_a_time_without_a_gap(new_team):
    team = new_team()
    AuditLine.objects.bulk_create(
        AuditLine(team=team, slug=team.slug, who="ann", what="rename_team", details={"name": f"n{n}"})
        for n in range(120)
    )
    browser, address = browser_of(team.owner), f"/t/{team.slug}/team/audit/"

    seen: list[str] = []
    query = ""
    while True:
        page = browser.get(address + query, headers={"HX-Request": "true"}).content.decode()
        seen += re.findall(r'id="line-(\d+)"', page)
        follows = re.search(r'hx-get="([^"]+)"', page)
        if not follows:
            break
        query = follows[1].replace("&amp;", "&")

    assert seen == [str(pk) for pk in AuditLine.objects.filter(team=team).order_by("-id").values_list("pk", flat=True)]
    assert "<html" not in page


def test_every_action_that_can_be_taken_has_words_in_the_log():
    import inspect

    from teams.pages.audit import WORDS

    without_a_team = {"add_ssh_key", "remove_ssh_key", "seed_demo", "turn", "delete_team"}
    by_objects = {"approve_script", "run_script"}
    names = {name for name in actions.__all__ if inspect.isfunction(getattr(actions, name))}
    assert (names - without_a_team) | by_objects == set(WORDS)


# The team itself.


def test_an_owner_renames_and_hands_over_on_the_page(new_team, member):
    team = new_team()
    bob, slug = member(team, Role.EDITOR), f"renamed-{team.slug}"
    browser = browser_of(team.owner)

    renamed = browser.post(f"/t/{team.slug}/team/settings/", {"name": "New name", "slug": slug})
    handed = browser.post(f"/t/{slug}/team/settings/hand-over/", {"person": bob.email})

    assert (renamed.status_code, renamed.headers["Location"]) == (303, f"/t/{slug}/team/settings/")
    assert handed.status_code == 303
    assert team.memberships.get(person=bob).role == Role.OWNER
    assert team.memberships.get(person=team.owner).role == Role.ADMIN
    assert last_line(team) == (team.owner.email, "transfer_ownership")


def test_a_new_team_gets_an_address_of_its_name_and_an_object_to_begin_with(person, caller):
    ann = person()
    browser, name = browser_of(ann), f"Plants & Trees {next(numbers)}"

    made = browser.post("/teams/new/", {"name": name, "slug": ""})
    team = Team.objects.get(name=name)
    landed = browser.get(made.headers["Location"])

    assert team.slug == name.lower().replace("& ", "").replace(" ", "-")
    assert (made.status_code, made.headers["Location"]) == (303, f"/t/{team.slug}/o/welcome")
    assert (landed.status_code, "README.md" in text(landed), "greeting" in text(landed)) == (200, True, True)
    again = browser.post("/teams/new/", {"name": name, "slug": team.slug})
    assert (again.status_code, "is taken" in text(again)) == (409, True)


def test_somebody_without_a_team_is_welcomed_with_the_form(person):
    shown = browser_of(person()).get("/")

    assert (shown.status_code, "Welcome to Grove" in text(shown)) == (200, True)
    assert 'action="/teams/new/"' in shown.content.decode()


def test_the_switcher_lists_ones_teams_and_marks_the_one_one_is_in(new_team, person):
    ann = person()
    one, two = new_team(owner=ann, name="First"), new_team(owner=ann, name="Second")

    menu = browser_of(ann).get(f"/teams/?here={two.slug}", headers={"HX-Request": "true"}).content.decode()

    assert re.findall(r'href="/t/([\w-]+)/"( aria-current="true")?>', menu) == [
        (one.slug, ""),
        (two.slug, ' aria-current="true"'),
    ]
    assert "<html" not in menu


# Everybody, everywhere.

PAGES = ("", "grants/", "access/?path=/&who=%s", "tokens/", "audit/", "settings/", "settings/delete/")


def test_each_page_is_for_who_may(new_team, member):
    team = new_team()
    people = {
        "owner": team.owner,
        "admin": member(team, Role.ADMIN),
        "viewer": member(team, Role.VIEWER),
        "guest": member(team, Role.NONE),
    }

    def answers(who: Person) -> list[int]:
        return [
            browser_of(who).get(f"/t/{team.slug}/team/{page.replace('%s', who.email)}").status_code for page in PAGES
        ]

    assert {name: answers(who) for name, who in people.items()} == {
        "owner": [200, 200, 200, 200, 200, 200, 200],
        "admin": [200, 200, 200, 200, 200, 200, 403],
        "viewer": [200, 200, 200, 200, 403, 200, 403],
        "guest": [404, 200, 200, 200, 404, 200, 404],
    }


def test_no_form_of_the_team_does_anything_for_a_viewer_or_a_stranger(new_team, member, person, token):
    team = new_team()
    viewer, bob = member(team, Role.VIEWER), member(team, Role.EDITOR, {"/shop": Role.VIEWER})
    made, _ = token(team, bob)
    invitation = actions.invite(
        team=team, by=team.owner, email="x@example.com", role=Role.VIEWER, site="https://x.example"
    )
    forms = {
        "": {"email": "y@example.com", "role": "1"},
        f"people/{bob.pk}/": {"role": "1"},
        f"people/{bob.pk}/remove/": {},
        f"invitations/{invitation.pk}/resend/": {},
        f"invitations/{invitation.pk}/revoke/": {},
        "grants/": {"person": bob.email, "path": "/x", "role": "1"},
        f"grants/{team.grants.get().pk}/take/": {},
        f"tokens/{made.pk}/revoke/": {},
        "settings/": {"name": "Taken over", "slug": team.slug},
        "settings/hand-over/": {"person": viewer.email},
        "settings/delete/": {"typed": team.slug},
    }

    def state() -> tuple[Any, ...]:
        team.refresh_from_db()
        return (
            team.name,
            team.deleted_at,
            sorted(team.memberships.values_list("person", "role")),
            sorted(team.grants.values_list("person", "path", "role")),
            list(team.tokens.values_list("pk", "revoked_at")),
            list(team.invitations.values_list("pk", "ended_at", "sent_at")),
            AuditLine.objects.filter(team=team).count(),
        )

    before = state()
    for who, expected in ((viewer, {403, 404}), (person(), {404})):
        browser = browser_of(who)
        told = {form: browser.post(f"/t/{team.slug}/team/{form}", fields).status_code for form, fields in forms.items()}
        assert set(told.values()) <= expected, told
    assert state() == before


def test_a_long_list_costs_no_more_queries_than_a_short_one(new_team, member, token):
    team = new_team()
    browser = browser_of(team.owner)
    addresses = [f"/t/{team.slug}/team/{page}" for page in ("", "grants/", "tokens/", "audit/")] + ["/teams/"]

    def grow(count: int) -> None:
        for _ in range(count):
            bob = member(team, Role.VIEWER, {f"/p{next(numbers)}": Role.EDITOR})
            token(team, bob)
            email = f"q{next(numbers)}@example.com"
            actions.invite(team=team, by=team.owner, email=email, role=Role.VIEWER, site="https://x.example")
            new_team(owner=team.owner)

    def queries(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(address).status_code == 200
        return len(asked)

    grow(3)
    few = {address: queries(address) for address in addresses}
    grow(27)

    assert {address: queries(address) for address in addresses} == few
