"""What a team may use: its plan's limits, the installation's own where the plan leaves one open."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from teams import clock
from teams.limits import Limits
from teams.models import Team
from teams.problems import OverLimit

# For a statement on a raw connection, with the schema's name as its parameter; null is the installation's own limit.
MOST_OBJECTS: Final = """(
    select p.objects_at_most from public.teams_team t join public.teams_plan p on p.id = t.plan_id
    where t.schema_name = %s
)"""


# One row for any schema, so that a plan's figures and those of today come by one question.
_BROWSERS: Final = """
SELECT p.browsers, p.browser_minutes * 60.0, p.browser_bytes, p.download_bytes, p.browser_file_bytes,
  coalesce(d.awake_s, 0), coalesce(d.downloaded_bytes, 0), a.count, a.used_bytes,
  extract(epoch FROM today.day + 1) - extract(epoch FROM today.now)
FROM (SELECT %(schema)s::text AS schema) team
CROSS JOIN (SELECT at AS now, date_trunc('day', at) AS began, at::date AS day
  FROM (SELECT (now() + make_interval(secs => %(moved_s)s)) AT TIME ZONE 'UTC' AS at) utc) today
CROSS JOIN LATERAL (SELECT count(*), coalesce(sum(used_bytes), 0) AS used_bytes FROM public.teams_awakebrowser a
  WHERE a.schema = team.schema AND a.seen_at > now() - make_interval(secs => %(silent_s)s)) a
LEFT JOIN public.teams_team t ON t.schema_name = team.schema
LEFT JOIN public.teams_plan p ON p.id = t.plan_id
LEFT JOIN public.teams_browserday d ON d.schema = team.schema AND d.day = today.day
"""
AWAKE_SILENT_S: Final = 40.0  # a host says so often which browsers are awake that those it has not named are not


@dataclass(frozen=True, slots=True)
class Browsing:
    """What the browsers of a team may use, and what they have used today. ends_s: until today is over, in UTC."""

    awake_most: int
    day_s: float
    memory_bytes: int
    day_bytes: int
    file_bytes: int
    used_s: float
    downloaded_bytes: int
    awake: int
    used_bytes: int
    ends_s: float

    def refuse_used_up(self) -> None:
        """Raise OverLimit where today's minutes are used up."""
        if self.used_s >= self.day_s:
            raise OverLimit(
                f"The team's browsers were awake for {self.used_s / 60:,.0f} of {self.day_s / 60:,.0f} minutes today "
                "(limit BROWSER_TEAM_DAY_S, or the team's plan). They begin anew at 00:00 UTC; ask the operator for "
                "a plan with more.",
                retry_after_s=max(1, round(self.ends_s)),
            )

    def refuse_download(self) -> None:
        """Raise OverLimit where no more may be downloaded today."""
        if self.downloaded_bytes >= self.day_bytes:
            raise OverLimit(
                f"The team's browsers downloaded {self.downloaded_bytes:,} of {self.day_bytes:,} bytes today (limit "
                "BROWSER_TEAM_DAY_BYTES, or the team's plan). They begin anew at 00:00 UTC; ask the operator for a "
                "plan with more.",
                retry_after_s=max(1, round(self.ends_s)),
            )


def browsing(cursor: Any, schema: str, limits: Limits | None = None) -> Browsing:
    """Tell what the browsers of a team may use and have used. cursor: of Django, or a raw connection to Postgres."""
    limits = limits or settings.GROVE
    asked = {"schema": schema, "moved_s": clock.moved_s(), "silent_s": AWAKE_SILENT_S}
    found = cursor.execute(_BROWSERS, asked) or cursor
    awake, day_s, memory_bytes, day_bytes, file_bytes, *used = found.fetchone()
    return Browsing(
        limits.BROWSER_TEAM_AWAKE if awake is None else awake,
        limits.BROWSER_TEAM_DAY_S if day_s is None else float(day_s),
        limits.BROWSER_TEAM_BYTES if memory_bytes is None else memory_bytes,
        limits.BROWSER_TEAM_DAY_BYTES if day_bytes is None else day_bytes,
        min(limits.FILE_BYTES, limits.BROWSER_FILE_BYTES if file_bytes is None else file_bytes),
        float(used[0]), int(used[1]), int(used[2]), int(used[3]), float(used[4]),
    )  # fmt: skip


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
