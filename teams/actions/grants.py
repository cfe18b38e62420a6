"""Roles on paths."""

from django.utils import timezone

from teams.access import Role
from teams.acting import caller_of
from teams.actions.change import change, check_reach, membership_of
from teams.models import Grant, Person, Team
from teams.paths import canonical
from teams.problems import Conflict, NoSuch, WrongArgument


def give_grant(*, team: Team, by: Person | None, person: Person, path: str, role: Role) -> Grant:
    """Give a member a role on a path and below, instead of the one inherited; NONE denies. Admins of the path.

    Nobody gives more than they have there, or takes from somebody who has more.
    """
    path = canonical(path)
    if path == "/":
        raise WrongArgument("path", "The role on '/' is the membership's: change that.")
    with change(team, by, "give_grant", needs=Role.ADMIN, path=path) as details:
        _reach_grant(team, by, person, path, role)
        details |= {"person": person.email, "path": path, "role": role.word}
        grant, _ = Grant.objects.update_or_create(
            team=team,
            person=person,
            path=path,
            defaults={"role": role, "given_by": by, "given_at": timezone.now()},
        )
        return grant


def take_grant(*, team: Team, by: Person | None, person: Person, path: str) -> None:
    """Take the grant on exactly this path away: what is inherited counts again. Admins of the path."""
    path = canonical(path)
    with change(team, by, "take_grant", needs=Role.ADMIN, path=path) as details:
        _reach_grant(team, by, person, path, Role.NONE)
        grant = team.grants.filter(person=person, path=path).first()
        if grant is None:
            raise NoSuch(f"{person} has no grant on {path} itself.")
        details |= {"person": person.email, "path": path, "old_role": Role(grant.role).word}
        grant.delete()


def _reach_grant(team: Team, by: Person | None, person: Person, path: str, role: Role) -> None:
    """Refuse a grant to an owner, or one that gives or takes more than one has."""
    if membership_of(team, person).role == Role.OWNER:
        raise Conflict(f"{person} is an owner: no grant holds for owners. Change the role first.")
    check_reach(team, by, role, path)
    check_reach(team, by, caller_of(team, person).role_at(path) if person.is_active else Role.NONE, path)
