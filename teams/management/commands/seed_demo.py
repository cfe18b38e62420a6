"""`manage.py seed_demo`: the demo team, its owner and its tree; makes nothing twice."""

from typing import Any

from django.core.management.base import BaseCommand

from teams import actions


class Command(BaseCommand):
    """Finds or makes the demo team."""

    help = "Find or make the demo team with its owner and a small tree."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say which team it is."""
        team = actions.seed_demo()
        self.stdout.write(f"Demo team: /t/{team.slug}/")
