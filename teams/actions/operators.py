"""What operators do to teams from the admin pages. A team reads all of it in its own audit log."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from teams.access import Role
from teams.actions.change import change, membership_of, write_down
from teams.models import Person, Plan, Switch, Team, Visit
from teams.problems import Conflict, NoSuch, NotAllowed, WrongArgument
from teams.switches import FEATURES

REASON_LETTERS = (10, 200)


def begin_visit(*, operator: Person, team: Team, person: Person, reason: str) -> Visit:
    """Let an operator look at a team as one of its people sees it, for VISIT_S. Nothing can be changed meanwhile.

    reason: what the team reads, at once, above each of its pages and for ever in its audit log.
    """
    _check_operator(operator)
    reason = " ".join(reason.split())
    least, most = REASON_LETTERS
    if not least <= len(reason) <= most:
        raise WrongArgument("reason", f"Say why in {least}–{most} letters: the team reads it.")
    with change(team, None, "begin_visit", needs=Role.NONE) as details:
        membership_of(team, person)
        if not person.is_active:
            raise Conflict(f"{person} is switched off and sees nothing. Choose somebody else.")
        now = timezone.now()
        operator.visits.filter(ends_at__gt=now).update(ends_at=now)  # one at a time
        details |= {"operator": operator.email, "person": person.email, "reason": reason}
        return Visit.objects.create(
            team=team,
            person=person,
            operator=operator,
            reason=reason,
            began_at=now,
            ends_at=now + timedelta(seconds=settings.GROVE.VISIT_S),
        )


def end_visit(*, operator: Person, visit: Visit) -> None:
    """Stop looking."""
    if visit.operator_id != operator.pk:
        raise NoSuch("There is no such visit.")
    with change(visit.team, None, "end_visit", needs=Role.NONE) as details:
        now = timezone.now()
        if visit.ends_at <= now:
            raise Conflict("The visit is over already.")
        details |= {"operator": operator.email, "person": visit.person.email}
        visit.ends_at = now
        visit.save(update_fields=["ends_at"])


def give_plan(*, operator: Person, team: Team, plan: Plan | None) -> None:
    """Give a team other limits, or the installation's own (None)."""
    _check_operator(operator)
    with change(team, None, "give_plan", needs=Role.NONE) as details:
        details |= {"operator": operator.email, "plan": plan.name if plan else "", "old_plan": str(team.plan or "")}
        team.plan = plan
        team.save(update_fields=["plan"])


def turn(*, operator: Person, feature: str, is_on: bool) -> None:
    """Turn a feature on or off, for the whole installation."""
    _check_operator(operator)
    if feature not in FEATURES:
        raise NoSuch(f"There is no switch '{feature}'. Switches: {', '.join(FEATURES)}.")
    with transaction.atomic():
        Switch.objects.update_or_create(name=feature, defaults={"is_on": is_on})
        write_down(None, operator, "turn", {"feature": feature, "is_on": is_on})


def _check_operator(operator: Person) -> None:
    if not (operator.is_active and operator.is_staff):
        raise NotAllowed("Only operators of this Grove may.")
