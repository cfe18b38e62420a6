"""The page of all commands is the one that the registry would write now."""

from pathlib import Path

from objects.management.commands.commanddocs import page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_commands_is_up_to_date():
    assert (ROOT / "docs" / "commands.md").read_text() == page(), "run: python3 manage.py commanddocs"
