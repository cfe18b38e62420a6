"""What a team may use: its plan's limits, the installation's own where the plan leaves one open."""

from typing import Final

from django.conf import settings

from teams.models import Team
from teams.problems import OverLimit

# For a statement on a raw connection, with the schema's name as its parameter; null is the installation's own limit.
MOST_OBJECTS: Final = """(
    select p.objects_at_most from public.teams_team t join public.teams_plan p on p.id = t.plan_id
    where t.schema_name = %s
)"""


def most_people(team: Team) -> int:
    """How many members and open invitations a team may have."""
    most = team.plan.people if team.plan is not None else None
    return settings.GROVE.TEAM_PEOPLE if most is None else most


def most_tokens(team: Team) -> int:
    """How many tokens of a team may work at once."""
    most = team.plan.tokens if team.plan is not None else None
    return settings.GROVE.TEAM_TOKENS if most is None else most


def check_room_for_people(team: Team) -> None:
    """Refuse one more member or invitation where there are enough."""
    most = most_people(team)
    if team.memberships.count() + team.invitations.filter(ended_at=None).count() >= most:
        raise OverLimit(
            f"{team} has {most} people, open invitations counted (limit TEAM_PEOPLE). Remove or revoke some first."
        )
