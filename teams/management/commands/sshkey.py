"""`manage.py sshkey`: the SSH keys with which a person opens terminals."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from teams import actions
from teams.models import Person
from teams.problems import Problem


class Command(BaseCommand):
    """Adds, lists and removes keys."""

    help = "SSH keys: sshkey add ann@example.com ~/.ssh/id_ed25519.pub; sshkey list …; sshkey remove … SHA256:…"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, for whom."""
        parser.add_argument("action", choices=["add", "list", "remove"])
        parser.add_argument("person", help="e-mail address")
        parser.add_argument(
            "key", nargs="?", default="", help="add: the .pub file, - reads it; remove: the fingerprint"
        )
        parser.add_argument("--name", default="", help="which key it is; default: its comment")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what there is now."""
        person = Person.objects.filter(email=options["person"].strip().lower()).first()
        if person is None:
            raise CommandError(f"{options['person']}: no such person.")
        if options["action"] != "list" and not options["key"]:
            raise CommandError("Say which key: the .pub file to add, or the fingerprint to remove.")
        try:
            if options["action"] == "add":
                added = actions.add_ssh_key(person=person, key=_read(options["key"]), name=options["name"])
                self.stdout.write(f"{added.fingerprint}  {added.name}")
            elif options["action"] == "remove":
                actions.remove_ssh_key(person=person, fingerprint=options["key"])
            else:
                for key in person.ssh_keys.order_by("added_at"):
                    used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
                    self.stdout.write(f"{key.fingerprint}  {key.name}  {used}")
        except Problem as problem:
            raise CommandError(problem.detail) from problem


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from error
