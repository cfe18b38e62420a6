"""Inviting by e-mail: who may, for whom the link works, how long, and that all of it is written down."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from teams import actions
from teams.access import Role
from teams.actions.invitations import find_invitation
from teams.models import AuditLine, Invitation, Person
from teams.problems import Conflict, NoSuch, NotAllowed, OverLimit, Problem, WrongArgument

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
SITE = "https://grove.example"


@pytest.fixture(autouse=True)
def _fresh():
    mail.outbox.clear()
    cache.clear()


def refused(action, **arguments) -> type[Problem]:
    with pytest.raises(Problem) as problem:
        action(**arguments)
    return type(problem.value)


def invite(team, email: str, role: Role = Role.EDITOR, by: Person | None = None) -> tuple[Invitation, str]:
    """Give the invitation and the key of the link that was sent."""
    invitation = actions.invite(team=team, by=by or team.owner, email=email, role=role, site=SITE)
    return invitation, last_key()


def last_key() -> str:
    return re.search(rf"{SITE}/invitation/(\S+)/", str(mail.outbox[-1].body))[1]


def test_an_invitation_is_sent_and_lets_its_address_in_once(new_team, person):
    team, bob = new_team(), person()

    invitation, key = invite(team, f" {bob.email.upper()} ")
    membership = actions.accept_invitation(key=key, person=bob)

    assert [letter.to for letter in mail.outbox] == [[bob.email]]
    assert "\n" not in mail.outbox[0].subject
    assert (membership.team, membership.person, membership.role) == (team, bob, Role.EDITOR)
    assert refused(actions.accept_invitation, key=key, person=bob) is NoSuch
    assert list(AuditLine.objects.filter(team=team).order_by("id").values_list("who", "what", "details"))[1:] == [
        (team.owner.email, "invite", {"person": bob.email, "role": "editor"}),
        (bob.email, "accept_invitation", {"role": "editor", "invited_by": team.owner.email}),
    ]
    assert key.encode() not in bytes(invitation.digest)


def test_the_link_is_for_the_invited_address_alone(new_team, person):
    team, bob, eve = new_team(), person(), person()
    _, key = invite(team, bob.email)

    assert refused(actions.accept_invitation, key=key, person=eve) is NotAllowed
    assert find_invitation(key).email == bob.email


def test_a_link_ends_by_age_by_revoking_by_another_and_with_its_team(new_team, person):
    team, bob = new_team(), person()
    invitation, key = invite(team, bob.email)

    actions.resend_invitation(team=team, by=team.owner, invitation=invitation, site=SITE)
    replaced, newest = refused(find_invitation, key=key), last_key()
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    late = refused(find_invitation, key=newest)
    actions.resend_invitation(team=team, by=team.owner, invitation=invitation, site=SITE)
    works_again = find_invitation(last_key()) == invitation
    actions.revoke_invitation(team=team, by=team.owner, invitation=invitation)
    revoked = refused(find_invitation, key=last_key())
    _, key = invite(team, bob.email)
    actions.trash_team(team=team, by=team.owner)

    assert (replaced, late, works_again, revoked, refused(find_invitation, key=key)) == (
        NoSuch,
        NoSuch,
        True,
        NoSuch,
        NoSuch,
    )


def test_admins_invite_up_to_their_own_role_and_editors_nobody(new_team, member):
    team = new_team()
    admin, editor = member(team, Role.ADMIN), member(team, Role.EDITOR)

    def tried(by: Person, role: Role) -> type[Problem]:
        return refused(actions.invite, team=team, by=by, email="new@example.com", role=role, site=SITE)

    assert (tried(admin, Role.OWNER), tried(editor, Role.VIEWER)) == (NotAllowed, NotAllowed)
    assert mail.outbox == []
    assert invite(team, "new@example.com", Role.ADMIN, by=admin)[0].role == Role.ADMIN


def test_nobody_is_invited_twice_and_members_not_at_all(new_team, member):
    team = new_team()
    invite(team, "twice@example.com")

    def tried(email: str) -> type[Problem]:
        return refused(actions.invite, team=team, by=team.owner, email=email, role=Role.VIEWER, site=SITE)

    assert [tried(each) for each in ("twice@example.com", member(team).email, "no address", "a@b\n.example")] == [
        Conflict,
        Conflict,
        WrongArgument,
        WrongArgument,
    ]


def test_invitations_of_who_is_removed_end(new_team, member):
    team = new_team()
    admin = member(team, Role.ADMIN)
    _, key = invite(team, "new@example.com", by=admin)

    actions.remove_member(team=team, by=team.owner, person=admin)

    assert refused(find_invitation, key=key) is NoSuch


def test_a_team_sends_so_many_invitations_a_day_and_has_so_many_people(new_team, settings):
    import dataclasses

    team = new_team()
    settings.GROVE = dataclasses.replace(settings.GROVE, TEAM_INVITATIONS_DAILY=2)
    invitation, _ = invite(team, "one@example.com")
    actions.resend_invitation(team=team, by=team.owner, invitation=invitation, site=SITE)

    too_fast = refused(actions.resend_invitation, team=team, by=team.owner, invitation=invitation, site=SITE)
    settings.GROVE = dataclasses.replace(settings.GROVE, TEAM_INVITATIONS_DAILY=100, TEAM_PEOPLE=2)
    too_many = refused(actions.invite, team=team, by=team.owner, email="b@example.com", role=Role.VIEWER, site=SITE)

    assert (too_fast, too_many, len(mail.outbox)) == (OverLimit, OverLimit, 2)


# Its page.


def test_the_link_shows_a_stranger_what_it_is_and_lets_them_make_an_account(new_team, settings):
    settings.SIGNUP_OPEN = False
    team, browser = new_team(name="Acme"), Client()
    _, key = invite(team, "newcomer@example.com")

    closed = browser.get("/account/signup/").content.decode()
    shown = browser.get(f"/invitation/{key}/").content.decode()
    other = browser.post("/account/signup/", {"email": "someone@else.example", "password1": "correct horse 17"})
    made = browser.post(
        "/account/signup/",
        {"email": "newcomer@example.com", "password1": "correct horse 17", "name": "New Comer",
         "next": f"/invitation/{key}/"},
    )  # fmt: skip
    joined = browser.post(f"/invitation/{key}/", {"answer": "accept"})

    assert "by invitation" in closed
    assert ("Acme" in shown, "Make an account to join" in shown) == (True, True)
    assert (other.status_code, "use the address that was invited" in other.content.decode()) == (200, True)
    assert (made.status_code, made.headers["Location"]) == (302, f"/invitation/{key}/")  # confirmed by the link itself
    assert (joined.status_code, joined.headers["Location"]) == (303, f"/t/{team.slug}/")
    assert team.memberships.get(person__email="newcomer@example.com").person.name == "New Comer"


def test_the_link_tells_who_is_signed_in_as_somebody_else(new_team, person):
    team, eve, browser = new_team(), person(), Client()
    _, key = invite(team, "newcomer2@example.com")
    browser.force_login(eve, backend=BACKEND)

    shown = browser.get(f"/invitation/{key}/").content.decode()
    refused_ = browser.post(f"/invitation/{key}/", {"answer": "accept"})

    assert "Sign out" in shown
    assert (refused_.status_code, team.memberships.filter(person=eve).exists()) == (403, False)


def test_whoever_has_the_link_may_decline(new_team):
    team, browser = new_team(), Client()
    _, key = invite(team, "newcomer3@example.com")

    browser.post(f"/invitation/{key}/", {"answer": "decline"})

    assert browser.get(f"/invitation/{key}/").status_code == 404
    assert AuditLine.objects.filter(team=team).latest("id").details == {"person": "newcomer3@example.com"}


def test_an_unknown_link_is_the_same_as_one_that_is_over(new_team):
    team, browser = new_team(), Client()
    invitation, key = invite(team, "newcomer4@example.com")
    actions.revoke_invitation(team=team, by=team.owner, invitation=invitation)

    over, unknown = browser.get(f"/invitation/{key}/"), browser.get("/invitation/nonsense/")

    assert (over.status_code, unknown.status_code) == (404, 404)
    assert over.content.decode().count("works no more") == unknown.content.decode().count("works no more") == 1
