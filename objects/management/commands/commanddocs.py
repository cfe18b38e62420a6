"""`manage.py commanddocs`: writes `docs/commands.md`, the commands of every object as the registry knows them.

Kinds are left out: a new one is three files, and none that others share. `help` tells of them.
"""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from objects.commands.help import purpose_of
from objects.commands.registry import registry
from objects.commands.spec import CommandSpec

PLACE = "docs/commands.md"


def page() -> str:
    """Give the page: the facilities, each with its commands."""
    registry.load()
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield "What every object can do, written by `manage.py commanddocs`: change a signature or docstring instead."
    yield "A name is shown as in a call (`POST …/path:state.set`), an example as typed in a terminal. In brackets: the"
    yield "lowest role that may call it, and whether it changes anything. What a kind adds, its `help` tells."
    for name, facility in registry.facilities.items():
        yield from ("", f"## {name}", "", purpose_of(facility))
        yield from _commands(registry.own_commands(facility).values())
    yield ""


def _commands(specs: Iterable[CommandSpec]) -> Iterator[str]:
    for spec in specs:
        who = f"operators who are {spec.needs.word}" if spec.operators else spec.needs.word
        yield from ("", f"### `{spec.name}` ({who}, {spec.verb})", "", spec.summary)
        if spec.description:
            yield from ("", spec.description)
        yield from ("", "```text", f"usage: {spec.usage()}")
        for example in spec.examples:
            yield from ("", f"> {example.line}")
            if example.output:
                yield example.output
        yield "```"


class Command(BaseCommand):
    """Writes the page."""

    help = f"Write {PLACE}. With --check only tell whether it is up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --check."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or check."""
        place, wanted = settings.BASE_DIR / PLACE, page()
        if not options["check"]:
            place.write_text(wanted)
        elif not place.exists() or place.read_text() != wanted:
            raise CommandError(f"{PLACE} is out of date: run `python3 manage.py commanddocs` and commit it.")
