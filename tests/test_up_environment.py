"""The environment that manage.py makes: when it is made, repaired or left alone, and what is said when it can't be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.up.environment import ROOT, Environment, why_pip_failed
from config.up.say import Failure


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    requirements = tmp_path / "requirements"
    requirements.mkdir()
    (requirements / "base.txt").write_text("")
    (requirements / "dev.txt").write_text("")
    return Environment(tmp_path / ".venv", requirements)


@pytest.fixture
def finished(environment: Environment) -> Environment:
    """An environment as `put_right` leaves it, with the tests' own Python for a Python."""
    environment.python.parent.mkdir(parents=True)
    environment.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    environment.python.chmod(0o755)
    environment.stamp.write_text(json.dumps(environment.wanted(["base"])))
    return environment


def test_a_finished_environment_is_left_alone(finished: Environment) -> None:
    assert finished.fault(["base"]) is None
    assert finished.put_right(["base"]) is False


def test_each_fault_is_named(finished: Environment) -> None:
    assert finished.fault(["base", "dev"]) == "The locked requirements or Python changed"

    (finished.requirements / "base.txt").write_text("six==1.17.0\n")
    assert finished.fault(["base"]) == "The locked requirements or Python changed"

    finished.stamp.write_text('{"base": ')
    assert finished.fault(["base"]) == "The Python environment was left half-made"

    finished.stamp.unlink()
    assert finished.fault(["base"]) == "The Python environment was left half-made"

    finished.python.unlink()
    finished.python.symlink_to("/nowhere/python")
    assert finished.fault(["base"]) == "The Python of .venv is gone"


def test_a_half_made_environment_is_repaired_in_place_and_stamped_last(finished: Environment) -> None:
    finished.stamp.unlink()
    (finished.home / "made-before").write_text("")

    assert finished.put_right(["base"]) is True

    assert finished.stamped() == finished.wanted(["base"])
    assert (finished.home / "made-before").exists()


def test_a_failed_installation_leaves_no_stamp(finished: Environment) -> None:
    (finished.requirements / "base.txt").write_text("this is no requirement\n")

    with pytest.raises(Failure, match="Packages could not be installed"):
        finished.put_right(["base"])

    assert finished.stamped() == {}
    assert finished.fault(["base"]) == "The Python environment was left half-made"


def test_what_was_installed_for_tests_stays_when_up_repairs(finished: Environment) -> None:
    finished.stamp.write_text(json.dumps(finished.wanted(["base", "dev"])))
    (finished.requirements / "base.txt").write_text("# changed\n")

    finished.put_right(["base"])

    assert finished.stamped() == finished.wanted(["base", "dev"])


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk became full while packages were"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "A downloaded package is not the one that requirements"),
        ("WARNING: Retrying ... NewConnectionError", "The package index could not be reached; packages are"),
        ("Collecting x\nERROR: No matching distribution", "Packages could not be installed. pip says:\nERROR: No mat"),
    ],
)
def test_pips_failures_are_told_in_words(said: str, reason: str) -> None:
    assert why_pip_failed(said)[: len(reason)] == reason


def test_every_locked_package_has_an_exact_version_and_a_hash_and_names_no_index() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        packages = [
            part for part in text.replace("\\\n", "").splitlines() if part and part.lstrip() == part and part[0] != "#"
        ]
        assert [package for package in packages if "==" not in package or "--hash=sha256:" not in package] == []
        assert "://" not in text


def test_manage_py_can_be_read_by_an_old_python() -> None:
    """Parsed with the grammar of Python 3.4's time, as far as this Python still knows it."""
    source = (ROOT / "manage.py").read_text()
    code = f"import ast; ast.parse({source!r}, feature_version=(3, 4))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
