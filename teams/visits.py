"""Operators who look at a team as one of its people: found by the session, bounded to reading, told to the team."""

from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone

from teams.access import Scope
from teams.models import Team, Visit

KEY = "visit"  # in the session


def of(request: HttpRequest, slug: str) -> Visit | None:
    """The visit that the session is on in this team, while it lasts. No query where the session is on none."""
    number = request.session.get(KEY)
    if number is None:
        return None
    return (
        Visit.objects.select_related("team", "person", "operator")
        .filter(pk=number, operator_id=request.user.pk, operator__is_staff=True, team__slug=slug)
        .filter(ends_at__gt=timezone.now())
        .first()
    )


def limits(visit: Visit) -> dict[str, Any]:
    """What makes a visitor's Caller of the person's: a name that tells, and nothing but reading."""
    return {
        "name": f"{visit.operator} visiting as {visit.person}",
        "scope": Scope(verbs=frozenset({"reads"})),
        "id": f"v{visit.pk}",
    }


def with_visitor(teams: QuerySet[Team], now: datetime | None = None) -> QuerySet[Team]:
    """Add who visits each team now: `visitor` (e-mail), `visit_reason`, `visit_ends_at`; None where nobody does."""
    visits = Visit.objects.filter(team=OuterRef("pk"), ends_at__gt=now or timezone.now()).order_by("-ends_at")
    return teams.annotate(
        visitor=Subquery(visits.values("operator__email")[:1]),
        visitor_sees_as=Subquery(visits.values("person__email")[:1]),
        visit_reason=Subquery(visits.values("reason")[:1]),
        visit_ends_at=Subquery(visits.values("ends_at")[:1]),
    )
