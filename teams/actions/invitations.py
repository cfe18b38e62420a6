"""Inviting people by e-mail. The link's key is made here, sent, and kept nowhere."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from teams import letters, switches
from teams.access import Role
from teams.actions.change import change, check_reach
from teams.models import Invitation, Membership, Person, Team
from teams.plans import check_room_for_people
from teams.problems import Conflict, NoSuch, NotAllowed, OverLimit, WrongArgument


def invite(*, team: Team, by: Person, email: str, role: Role, site: str) -> Invitation:
    """Send somebody a link into the team, whether they have an account or not. Admins; nobody invites above themselves.

    site: where the link leads: "https://grove.example.com". The letter leaves after the transaction.
    """
    email = _address(email)
    with change(team, by, "invite", needs=Role.ADMIN) as details:
        if not switches.is_on("invitations"):
            raise NotAllowed("The operators of this Grove have switched off invitations. Ask them.")
        check_reach(team, by, role)
        if team.memberships.filter(person__email=email).exists():
            raise Conflict(f"{email} is in {team} already. Change the role instead.", field="email")
        if team.invitations.filter(email=email, ended_at=None).exists():
            raise Conflict(f"{email} is invited already. Send that invitation again, or revoke it.", field="email")
        check_room_for_people(team)
        _check_pace(team)
        details |= {"person": email, "role": role.word}
        key, invitation = secrets.token_urlsafe(32), Invitation(team=team, email=email, role=role, invited_by=by)
        return _send(invitation, key, site)


def resend_invitation(*, team: Team, by: Person, invitation: Invitation, site: str) -> Invitation:
    """Send another link, that works from now on; the old one works no more. Admins."""
    with change(team, by, "resend_invitation", needs=Role.ADMIN) as details:
        _check_open(team, invitation)
        check_reach(team, by, Role(invitation.role))
        _check_pace(team)
        details |= {"person": invitation.email, "role": Role(invitation.role).word}
        return _send(invitation, secrets.token_urlsafe(32), site)


def revoke_invitation(*, team: Team, by: Person | None, invitation: Invitation) -> None:
    """End an invitation: its link works no more. Admins."""
    with change(team, by, "revoke_invitation", needs=Role.ADMIN) as details:
        _check_open(team, invitation)
        details |= {"person": invitation.email, "role": Role(invitation.role).word}
        _end(invitation)


def find_invitation(key: str) -> Invitation:
    """Find the invitation of a link. Raises NoSuch, always the same, when it is unknown, ended, expired or replaced."""
    invitation = (
        Invitation.objects.select_related("team", "invited_by")
        .filter(digest=_digest(key), ended_at=None, expires_at__gt=timezone.now(), team__deleted_at=None)
        .first()
    )
    if invitation is None:
        raise NoSuch("This invitation works no more: it was used, replaced, revoked, or is too old. Ask for another.")
    return invitation


def accept_invitation(*, key: str, person: Person) -> Membership:
    """Join the team that the link invites to. Only with the address that was invited."""
    team = find_invitation(key).team
    with change(team, person, "accept_invitation", needs=Role.NONE) as details:
        invitation = find_invitation(key)  # again: two clicks at once
        if person.email != invitation.email:
            raise NotAllowed(
                f"The invitation is for {invitation.email}, and you are {person.email}. "
                "Sign in with that address, or ask for an invitation of this one."
            )
        _end(invitation)
        if team.memberships.filter(person=person).exists():
            raise Conflict(f"You are in {team} already.")
        details |= {"role": Role(invitation.role).word}
        if invitation.invited_by is not None:
            details["invited_by"] = invitation.invited_by.email
        return Membership.objects.create(team=team, person=person, role=invitation.role)


def decline_invitation(*, key: str) -> None:
    """Say no: whoever has the link may. The team's audit log tells."""
    team = find_invitation(key).team
    with change(team, None, "decline_invitation", needs=Role.NONE) as details:
        invitation = find_invitation(key)
        details |= {"person": invitation.email}
        _end(invitation)


def _send(invitation: Invitation, key: str, site: str) -> Invitation:
    now = timezone.now()
    invitation.digest, invitation.sent_at = _digest(key), now
    invitation.expires_at = now + timedelta(seconds=settings.GROVE.INVITATION_KEEP_S)
    invitation.save()
    # After the commit: the link must work when it arrives, and a refusal must send nothing.
    transaction.on_commit(lambda: letters.send_invitation(invitation, f"{site}/invitation/{key}/"))
    return invitation


def _end(invitation: Invitation) -> None:
    invitation.ended_at = timezone.now()
    invitation.save(update_fields=["ended_at"])


def _check_open(team: Team, invitation: Invitation) -> None:
    invitation.refresh_from_db()
    if invitation.team_id != team.pk:
        raise NoSuch("There is no such invitation.")
    if invitation.ended_at is not None:
        raise Conflict(f"The invitation of {invitation.email} has ended already.")


def _check_pace(team: Team) -> None:
    """Keep a team from sending letters without end, in our name."""
    most = settings.GROVE.TEAM_INVITATIONS_DAILY
    lately = team.audit.filter(what__in=("invite", "resend_invitation"), at__gt=timezone.now() - timedelta(days=1))
    if lately.count() >= most:
        raise OverLimit(f"{team} sent {most} invitations in 24 hours (limit TEAM_INVITATIONS_DAILY). Wait a day.")


def _address(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise WrongArgument("email", f"'{email}' is no e-mail address.") from error
    return email


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
