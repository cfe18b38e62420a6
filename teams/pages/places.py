"""Which pages a team has about itself, for whom: the line of links above each of them."""

from dataclasses import dataclass

from teams.access import Role
from teams.pages.requests import TeamRequest


@dataclass(frozen=True, slots=True)
class Place:
    """A page, linked."""

    name: str
    address: str
    is_here: bool


def places(request: TeamRequest, here: str) -> tuple[Place, ...]:
    """The pages that the caller may open; `here` is the last part of the address."""
    role = request.caller.role_at("/")
    administers = role >= Role.ADMIN or any(granted >= Role.ADMIN for _, granted in request.caller.grants)
    wanted = [
        ("People", "", role >= Role.VIEWER),
        ("Grants", "grants", True),
        ("As seen by", "access", administers),
        ("Tokens", "tokens", True),
        ("Audit log", "audit", role >= Role.ADMIN),
        ("Team", "settings", True),
    ]
    base = f"/t/{request.team.slug}/team/"
    return tuple(Place(name, base + (f"{part}/" if part else ""), part == here) for name, part, may in wanted if may)
