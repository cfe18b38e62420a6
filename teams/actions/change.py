"""The one way in which anything about a team's people and rights changes: locked, checked, written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from teams import callers
from teams.access import Role, decide
from teams.acting import caller_of
from teams.models import AuditLine, Membership, Person, Team
from teams.problems import Conflict, NoSuch, NotAllowed, WrongArgument

NAME_LETTERS = 100


@contextmanager
def change(
    team: Team | None = None,
    by: Person | None = None,
    what: str = "",
    *,
    needs: Role = Role.OWNER,
    path: str = "/",
    in_trash: bool = False,
) -> Iterator[dict[str, Any]]:
    """Check rights and write the audit line, in one transaction; what is put into the dict becomes its details.

    in_trash: whether the team is one that was deleted; others are then no such team, and the other way round.
    """
    details: dict[str, Any] = {"team": team}
    with transaction.atomic():
        if team is not None:
            # One change of a team's rights at a time: else two owners could each remove the other.
            locked = Team.objects.select_for_update(of=("self",)).get(pk=team.pk)
            if (locked.deleted_at is not None) is not in_trash:
                raise NoSuch(f"{team}: no such team.")
            if by is not None and needs > Role.NONE:
                decide(caller_of(team, by), team.schema_name, path, command=what, verb="changes", needs=needs)
        slug = team.slug if team is not None else ""
        yield details
        about = details.pop("team")
        write_down(about, by, what, details, slug=slug)
        transaction.on_commit(callers.forget_all)


def write_down(team: Team | None, by: Person | None, what: str, details: dict[str, Any], *, slug: str = "") -> None:
    """Add an audit line; part of the transaction that one is in."""
    AuditLine.objects.create(
        team=team,
        slug=slug or (team.slug if team is not None else ""),
        who=by.email if by is not None else "system",
        what=what,
        details=details,
    )


def membership_of(team: Team, person: Person) -> Membership:
    """Find the membership; raises NoSuch."""
    membership = team.memberships.filter(person=person).first()
    if membership is None:
        raise NoSuch(f"{person} is not in {team}. Add them first.")
    return membership


def check_reach(team: Team, by: Person | None, role: Role, path: str = "/") -> None:
    """Refuse to deal in a role above one's own."""
    if by is None:
        return
    own = caller_of(team, by).role_at(path)
    if role > own:
        raise NotAllowed(f"Your role on {path} is {own.word}: {role.word} is above it. Ask an owner.")


def keep_an_owner(team: Team, membership: Membership) -> None:
    """Refuse when the membership is the last owner's: a team without one could never be changed again."""
    others = team.memberships.filter(role=Role.OWNER, person__is_active=True).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise Conflict(f"{membership.person} is the last owner of {team}. Make somebody else an owner first.")


def clean_name(name: str) -> str:
    """Give a name that fits and can be read; raises WrongArgument."""
    name = name.strip()
    if not name or len(name) > NAME_LETTERS or not name.isprintable():
        raise WrongArgument("name", f"Write 1–{NAME_LETTERS} letters.")
    return name
