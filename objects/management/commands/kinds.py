"""`manage.py kinds [NAME]`: how ripe the kinds are, and what the next level needs."""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from objects.commands.registry import registry
from objects.commands.render import render
from objects.commands.ripeness import LEVELS, Ripeness, ripeness_of
from teams.problems import NoSuch


class Command(BaseCommand):
    """Tells of one kind, with its contract tests run, or of all."""

    help = "Tells how ripe the kinds are (seedling, sapling, tree), and what the next level needs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="a kind: run its contract tests and say what it needs next")
        parser.add_argument("--no-tests", action="store_true", help="only look, run nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if not name:
            self.stdout.write(table([self._ripeness(each) for each in registry.kinds]))
            return
        try:
            found = self._ripeness(name)
        except NoSuch as problem:
            raise CommandError(problem.detail) from None
        self.stdout.write(told(found))
        if not options["no_tests"] and not run_contract_tests(name):
            raise CommandError(f"{name}: its contract tests fail, so it is no seedling yet.")

    def _ripeness(self, name: str) -> Ripeness:
        kind = registry.kind(name)
        return ripeness_of(kind, registry.own_commands(kind).values(), Path(settings.BASE_DIR))


def table(found: list[Ripeness]) -> str:
    """Write one line a kind, the ripest first."""
    ripest_first = sorted(found, key=lambda each: (-LEVELS.index(each.level), each.kind))
    rows = [
        {
            "kind": each.kind,
            "level": each.level,
            "purpose": each.purpose,
            "needs": ", ".join(need.name for need in each.missing()),
        }
        for each in ripest_first
    ]
    return render(rows)


def told(found: Ripeness) -> str:
    """Write all that is known of one kind."""
    lines = [f"{found.kind}: {found.level}", found.purpose]
    for need in found.needs:
        mark = "exempt" if need.exempt else "yes" if need.is_met else "no"
        why = need.exempt or ("" if need.is_met else need.way)
        lines.append(f"  {need.level:8}  {need.name:8}  {mark:6}  {why}".rstrip())
    return "\n".join(lines)


def run_contract_tests(name: str) -> bool:
    """Run the tests that every kind has to pass, for this one, and its own; they print what they find."""
    root = Path(settings.BASE_DIR)
    own = [f"tests/kinds/test_{name}.py"] if (root / "tests" / "kinds" / f"test_{name}.py").exists() else []
    line = [sys.executable, "manage.py", "test", "-q", "tests/contract", *own, "-k", name]
    return subprocess.run(line, cwd=root, check=False).returncode in {0, 5}  # noqa: S603 -- our own program; 5: there are none
