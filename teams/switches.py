"""Features that operators turn on and off while everything runs. Until then they are as the settings say."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from teams.models import Switch


@dataclass(frozen=True, slots=True)
class Feature:
    """Something to switch. purpose: what is possible while it is on."""

    name: str
    purpose: str
    by_default: Callable[[], bool]


FEATURES = {
    feature.name: feature
    for feature in (
        Feature("signup", "Strangers make an account without an invitation.", lambda: bool(settings.SIGNUP_OPEN)),
        Feature("teams", "People make teams of their own.", lambda: True),
        Feature("invitations", "Admins of teams invite people by e-mail.", lambda: True),
        Feature("tokens", "People make tokens for programs.", lambda: True),
    )
}


def is_on(name: str) -> bool:
    """Whether a feature is on now; one query."""
    chosen = Switch.objects.filter(name=name).values_list("is_on", flat=True).first()
    return FEATURES[name].by_default() if chosen is None else chosen


def all_switches() -> list[tuple[Feature, bool]]:
    """Every feature with how it stands; one query."""
    chosen = dict(Switch.objects.values_list("name", "is_on"))
    return [(feature, chosen.get(feature.name, feature.by_default())) for feature in FEATURES.values()]
