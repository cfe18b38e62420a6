"""The tour in README.md is true: its commands run against a real server and answer what stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from teams import actions
from tests.contract.examples import matches

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = (ROOT / "README.md").read_text()


def steps() -> list[tuple[str, str]]:
    """Give each command of the tour with what it answers, in order."""
    found = []
    for language, text in BLOCK.findall(README):
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, answer = part.partition("\n")
                found.append((command, answer.strip()))
    return found


@pytest.fixture(scope="module")
def answers(web, tmp_path_factory):
    """What one shell answers to all commands of the tour, beside a demo team."""
    actions.seed_demo()
    place = tmp_path_factory.mktemp("tour")
    (place / "manage.py").symlink_to(ROOT / "manage.py")
    (place / ".venv").symlink_to(ROOT / ".venv")
    for language, text in BLOCK.findall(README):
        if language == "python":
            (place / "listen.py").write_text(text)
    mark = "=== the next step ==="
    script = "".join(f"{command}\necho; echo '{mark}'\n" for command, _ in steps())
    ran = subprocess.run(
        ["bash"],
        input=script.replace("http://127.0.0.1:8000", web.url).replace(".venv/bin/python", "python3"),
        cwd=place,
        env=os.environ | {"DATABASE_URL": web.database, "GROVE_SYSTEM_PYTHON": "1", "PATH": path_with_our_python()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return [answer.strip() for answer in ran.stdout.split(mark)]


def path_with_our_python() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("number", range(len(steps())), ids=lambda number: steps()[number][0][:60])
def test_the_tour_goes_as_the_readme_says(answers, number):
    command, shown = steps()[number]

    assert matches(shown, answers[number]), f"{command}\nREADME: {shown}\nit is:  {answers[number]}"
