"""`manage.py createteam`: a team and its owner."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from teams import actions
from teams.models import Person
from teams.problems import Problem


class Command(BaseCommand):
    """Makes a team; the owner is made where nobody has the address yet."""

    help = "Make a team: createteam acme --name 'Acme Ltd' --owner ann@example.com"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the slug, the name and the owner."""
        parser.add_argument("slug", help="the team's name in addresses")
        parser.add_argument("--name", default="", help="its name for people; the slug where none is given")
        parser.add_argument("--owner", required=True, help="e-mail address; an account is made if needed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say where the team is."""
        owner = Person.objects.filter(email=options["owner"].strip().lower()).first()
        try:
            if owner is None:
                owner = Person.objects.create_user(options["owner"])
            team = actions.create_team(name=options["name"] or options["slug"], slug=options["slug"], owner=owner)
        except Problem as problem:
            raise CommandError(problem.detail) from problem
        self.stdout.write(f"Made the team {team.name}: /t/{team.slug}/, owner {owner}")
