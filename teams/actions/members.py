"""Who is in a team, as what."""

from django.utils import timezone

from teams.access import Role
from teams.actions.change import change, check_reach, keep_an_owner, membership_of
from teams.models import Membership, Person, Team
from teams.plans import check_room_for_people
from teams.problems import Conflict, WrongArgument


def add_member(*, team: Team, by: Person | None, person: Person, role: Role) -> Membership:
    """Let a person into a team. Admins; an owner can only be made by an owner."""
    with change(team, by, "add_member", needs=Role.ADMIN) as details:
        check_reach(team, by, role)
        if team.memberships.filter(person=person).exists():
            raise Conflict(f"{person} is in {team} already. Change the role instead.")
        # Whoever is in needs no link any more.
        team.invitations.filter(email=person.email, ended_at=None).update(ended_at=timezone.now())
        check_room_for_people(team)
        details |= {"person": person.email, "role": role.word}
        return Membership.objects.create(team=team, person=person, role=role)


def change_role(*, team: Team, by: Person | None, person: Person, role: Role) -> Membership:
    """Give a member another role on "/". Admins; owners are made and unmade by owners; the last one stays."""
    with change(team, by, "change_role", needs=Role.ADMIN) as details:
        membership = membership_of(team, person)
        check_reach(team, by, role)
        check_reach(team, by, Role(membership.role))
        if role is not Role.OWNER:
            keep_an_owner(team, membership)
        details |= {"person": person.email, "role": role.word, "old_role": Role(membership.role).word}
        membership.role = role
        membership.save(update_fields=["role"])
        if role is Role.OWNER:
            team.grants.filter(person=person).delete()  # they would hold for nobody
        return membership


def remove_member(*, team: Team, by: Person | None, person: Person) -> None:
    """Take a member out, with grants, tokens and the invitations that they sent.

    Admins, and everybody for themselves; the last owner stays.
    """
    is_leaving = by is not None and by.pk == person.pk
    with change(team, by, "remove_member", needs=Role.NONE if is_leaving else Role.ADMIN) as details:
        membership = membership_of(team, person)
        if not is_leaving:
            check_reach(team, by, Role(membership.role))
        keep_an_owner(team, membership)
        details |= {"person": person.email, "role": Role(membership.role).word}
        team.grants.filter(person=person).delete()
        now = timezone.now()
        team.tokens.filter(person=person, revoked_at=None).update(revoked_at=now)
        team.invitations.filter(invited_by=person, ended_at=None).update(ended_at=now)
        membership.delete()


def transfer_ownership(*, team: Team, by: Person, person: Person) -> None:
    """Make a member an owner in one's own place; one stays as an admin. Owners only."""
    with change(team, by, "transfer_ownership", needs=Role.OWNER) as details:
        if person.pk == by.pk:
            raise WrongArgument("person", "You are an owner already. Choose who follows you.")
        new_owner = membership_of(team, person)
        if not person.is_active:
            raise Conflict(f"{person} is switched off and could not act as an owner. Choose somebody else.")
        details |= {"person": person.email, "old_role": Role(new_owner.role).word}
        new_owner.role = Role.OWNER
        new_owner.save(update_fields=["role"])
        team.grants.filter(person=person).delete()  # they would hold for nobody
        team.memberships.filter(person=by).update(role=Role.ADMIN)
