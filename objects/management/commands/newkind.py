"""`manage.py newkind NAME PURPOSE`: the three files of a new kind, green at once."""

import keyword
import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from objects.commands.registry import registry
from objects.commands.ripeness import LONGEST_PURPOSE

LONGEST_NAME = 40  # characters

KIND = '''"""{title}: {purpose}"""

from dataclasses import dataclass
from typing import Annotated

from objects.sdk import AtLeast, Help, Kind, command


@dataclass
class State:
    """What {article} {words} remembers."""

    count: int = 0


class {class_name}(Kind[State]):
    """{purpose}"""

    @command
    def add(self, by: Annotated[int, AtLeast(1), Help("how many")] = 1) -> int:
        """Add to the count, and tell it.

        > add
        1
        > add 2
        3
        """
        self.state.count += by
        return self.state.count

    @command(reads=True)
    def count(self) -> int:
        """Tell the count.

        > add 2
        2
        > count
        2
        """
        return self.state.count
'''

PANEL = """{{# What {article} {words} shows of itself. Needs: state (its State). #}}
<p>{{{{ state.count }}}} counted</p>
"""

TESTS = '''"""{title}: {purpose}"""

import pytest

from objects.sdk import WrongArgument


def test_what_is_added_is_counted(grove):
    {name} = grove.new("{name}")
    grove.call({name}, "add", by=2)
    grove.call({name}, "add")

    count = grove.call({name}, "count")

    assert count == 3


def test_nothing_is_taken_away(grove):
    {name} = grove.new("{name}")

    with pytest.raises(WrongArgument) as refusal:
        grove.call({name}, "add", by=-1)

    assert refusal.value.extra["fields"] == {{"by": "-1 is less than 1"}}
    assert grove.call({name}, "count") == 0
'''


class Command(BaseCommand):
    """Writes objects/kinds/NAME.py, templates/kinds/NAME.html and tests/kinds/test_NAME.py."""

    help = "Makes a new kind of object: its module, its panel and its tests, green at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="as users will say it: small letters, digits and _, such as rate_limiter")
        parser.add_argument("purpose", help='one line: "Counts things by name."')

    def handle(self, *args: Any, **options: Any) -> None:
        for path in write_kind(Path(settings.BASE_DIR), options["name"], options["purpose"]):
            self.stdout.write(str(path))


def write_kind(root: Path, name: str, purpose: str) -> list[Path]:
    """Write the files of a new kind and give their paths below `root`; where it raises CommandError, it wrote none."""
    _check_name(name)
    purpose = _checked_purpose(purpose)
    words = name.replace("_", " ")
    values = {
        "name": name,
        "words": words,
        "title": words.capitalize(),
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "article": "an" if name[0] in "aeiou" else "a",
        "purpose": purpose,
    }
    files = {
        Path("objects") / "kinds" / f"{name}.py": KIND,
        Path("templates") / "kinds" / f"{name}.html": PANEL,
        Path("tests") / "kinds" / f"test_{name}.py": TESTS,
    }
    if there := [str(path) for path in files if (root / path).exists()]:
        raise CommandError(
            f"{', '.join(there)}: already there. Nothing was written. Choose another name, or move it away."
        )
    if (root / "objects" / "kinds" / name).exists():
        raise CommandError(f"objects/kinds/{name}: a package of that name is already there. Choose another name.")
    for path, template in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(template.format(**values), encoding="utf-8")
    return list(files)


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise CommandError(
            f"'{name}' is not a name for a kind: small letters, digits and single _ between them, "
            "beginning with a letter, such as rate_limiter."
        )
    if len(name) > LONGEST_NAME:
        raise CommandError(f"'{name}' has {len(name)} characters: a kind's name has at most {LONGEST_NAME}.")
    if keyword.iskeyword(name):
        raise CommandError(f"'{name}' is a word of Python's own. Choose another name.")
    if name in registry.facilities:
        raise CommandError(f"'{name}' is a facility that every object has. Choose another name.")
    if name in registry.kinds:
        raise CommandError(f"there is a kind '{name}' already. `manage.py kinds` lists them.")


def _checked_purpose(purpose: str) -> str:
    purpose = purpose.strip()
    if not purpose or not purpose.isprintable() or '"' in purpose or "\\" in purpose:
        raise CommandError('the purpose is one line without " and \\, such as: Counts things by name.')
    if not purpose.endswith("."):
        purpose += "."
    if len(purpose) > LONGEST_PURPOSE:
        raise CommandError(
            f"the purpose has {len(purpose)} characters: at most {LONGEST_PURPOSE}, so that help stays a table."
        )
    return purpose
