"""The Django application of a team's schema."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.conf import settings

from objects.commands.registry import registry
from teams.signals import demo_seeding, team_begun

if TYPE_CHECKING:
    from teams.models import Person, Team


class ObjectsConfig(AppConfig):
    """Objects and what belongs to them: a tenant application, its tables are in every team's schema."""

    name = "objects"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Look for kinds where the settings say, and fill the tree of a demo team when one is made or found."""
        registry.further = tuple(settings.KIND_PACKAGES)
        demo_seeding.connect(_plant_demo, dispatch_uid="objects.demo")
        team_begun.connect(_welcome, dispatch_uid="objects.welcome")


def _plant_demo(*, team: "Team", owner: "Person", **_: object) -> None:
    from objects.demo import plant  # noqa: PLC0415 -- models and commands are not loaded yet when Django reads this file

    plant(team, owner)


def _welcome(*, team: "Team", owner: "Person", **_: object) -> None:
    from objects.demo import welcome  # noqa: PLC0415 -- as above

    welcome(team, owner)
