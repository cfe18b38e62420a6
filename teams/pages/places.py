"""Which pages a team has about itself, for whom: the line of links above each of them."""

from dataclasses import dataclass, replace

from teams.access import Role
from teams.pages.requests import TeamRequest


@dataclass(frozen=True, slots=True)
class Place:
    """A page, linked. about: what it is for, in a few words."""

    name: str
    address: str  # of those below, behind that of the team
    about: str
    icon: str
    is_here: bool = False


PEOPLE = Place("People", "", "Members, roles, invitations", icon="users")
GRANTS = Place("Grants", "grants", "Who may do what on which path", icon="lock-closed")
ACCESS = Place("As seen by", "access", "What somebody may do, and why", icon="eye")
TOKENS = Place("Tokens", "tokens", "Keys for programs", icon="key")
AUDIT = Place("Audit log", "audit", "Who changed what in the team", icon="clipboard-document-list")
TEAM = Place("Team", "settings", "Name, address, hand over, leave, delete", icon="cog-6-tooth")


def places(request: TeamRequest, here: str | None = None) -> tuple[Place, ...]:
    """The pages that the caller may open; `here` is the last part of the address."""
    role = request.caller.role_at("/")
    administers = role >= Role.ADMIN or any(granted >= Role.ADMIN for _, granted in request.caller.grants)
    wanted = [
        (PEOPLE, role >= Role.VIEWER),
        (GRANTS, True),
        (ACCESS, administers),
        (TOKENS, True),
        (AUDIT, role >= Role.ADMIN),
        (TEAM, True),
    ]
    base = f"/t/{request.team.slug}/team/"
    return tuple(
        replace(place, address=base + (f"{place.address}/" if place.address else ""), is_here=place.address == here)
        for place, may in wanted
        if may
    )
