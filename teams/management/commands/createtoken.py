"""`manage.py createtoken`: an API key, printed once."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from teams import actions
from teams.access import VERBS, Role
from teams.models import Person, Team
from teams.problems import Problem


class Command(BaseCommand):
    """Makes a token and prints its secret to stdout, alone, so that a script can take it."""

    help = "Make a token: createtoken acme --person ann@example.com --path /project --verb reads --expires 30"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whom it acts for and its limits."""
        parser.add_argument("team", help="the team's slug")
        parser.add_argument("--person", required=True, help="e-mail address of the member it acts for")
        parser.add_argument("--name", default="made by createtoken", help="what it is for")
        parser.add_argument("--path", action="append", help="top of a subtree it may use; again for more; default: /")
        parser.add_argument(
            "--verb", action="append", help=f"{', '.join(VERBS)}, or a command; again for more; default: reads, changes"
        )
        parser.add_argument("--ceiling", default="owner", help="highest role that it can have")
        parser.add_argument("--expires", type=float, help="days until it ends; default: never")
        parser.add_argument("--rate", type=float, help="calls a second in each process; default: no limit")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the secret; what it opens goes to stderr."""
        team = Team.objects.filter(slug=options["team"]).first()
        person = Person.objects.filter(email=options["person"].strip().lower()).first()
        if team is None:
            raise CommandError(f"{options['team']}: no such team.")
        if person is None:
            raise CommandError(f"{options['person']}: no such person.")
        days = options["expires"]
        try:
            token, secret = actions.create_token(
                team=team,
                by=None,
                person=person,
                name=options["name"],
                paths=options["path"] or ["/"],
                verbs=options["verb"] or ["reads", "changes"],
                ceiling=Role.from_word(options["ceiling"], "ceiling"),
                expires_at=timezone.now() + timedelta(days=days) if days is not None else None,
                rate=options["rate"],
            )
        except Problem as problem:
            raise CommandError(problem.detail) from problem
        self.stderr.write(f"{token} on {', '.join(token.paths)}: {', '.join(token.verbs)}. It is shown only now:")
        self.stdout.write(secret)
