"""`manage.py sh`: the terminal of a team's objects, here, for the operator."""

import asyncio
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from objects import live
from objects.engine import running
from objects.tree.paths import ObjectPath
from teams.access import Role
from teams.models import Team
from teams.problems import Problem
from terminal.local import sit
from terminal.world import Operator


class Command(BaseCommand):
    """Opens a session as the team's first owner."""

    help = "Open a terminal here: sh demo, sh demo/project/42. Without a team: the only one, or demo."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to begin."""
        parser.add_argument("place", nargs="?", default="", help="team, or team/path")
        parser.add_argument("--plain", action="store_true", help="for screen readers: nothing is redrawn")

    def handle(self, *args: Any, **options: Any) -> None:
        """Stay until the person leaves."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CommandError("sh needs a terminal. For one command from a script, use `ssh team@host 'command'`.")
        slug, _, path = options["place"].strip("/").partition("/")
        team = Team.objects.filter(slug=slug or "demo").first()
        if team is None and not slug and Team.objects.count() == 1:
            team = Team.objects.first()
        if team is None:
            names = ", ".join(Team.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"{slug or 'demo'}: no such team. Teams: {names}.")
        owner = team.memberships.filter(role=Role.OWNER, person__is_active=True).order_by("joined_at", "pk").first()
        if owner is None:
            raise CommandError(f"{team.slug}: the team has no active owner to act as.")
        try:
            who = Operator(team.slug, owner.person_id)
            problem = asyncio.run(sit(who, str(ObjectPath.parse(f"/{path}")), plain=options["plain"]))
        except Problem as refusal:
            problem = refusal
        finally:
            running.stop()
            live.stop()
        if problem is not None:
            raise CommandError(problem.detail)
