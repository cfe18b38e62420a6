"""The processes of `pytest -n N --dist loadfile`: a Valkey of its own for each, and which of them runs which files.

A Valkey each, since a channel is heard in all databases of a server; databases in Postgres are kept apart by
pytest-django. Loaded with `-p`, before the settings read VALKEY_URL.
"""

import atexit
import os
import signal
import subprocess
import tempfile
import time
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from config.up.supervisor import die_with_parent
from config.up.valkey import Valkey

READY_S = 20

# What takes minutes, the longest first: it begins first, so that all processes end at about the same time. A folder, or
# files of a folder with a like end, stay together in one process: they share a Grove, or a site and a Chromium.
LONGEST = (
    "tests/chaos/*.py",
    "tests/teams/browser/*.py",
    "tests/pages/*_in_a_browser.py",
    "tests/browsers/live/*.py",
)
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ


def serve() -> None:
    """Start one for this process, which ends with it."""
    home = tempfile.TemporaryDirectory(prefix="grove-test-valkey-", ignore_cleanup_errors=True)
    server = Valkey(Path(home.name) / "data", Path(home.name) / "secrets", is_quiet=True)
    program = server.program()
    process = subprocess.Popen(
        program.command, cwd=program.directory, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- no thread runs yet
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(program.typed)
    process.stdin.close()

    def stop() -> None:
        process.kill()  # nothing in it is wanted any more
        process.wait()
        home.cleanup()

    atexit.register(stop)
    until = time.monotonic() + READY_S
    while not server.is_ready():
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("A Valkey for the tests did not start.")
        time.sleep(0.02)
    os.environ["VALKEY_URL"] = server.url


def unit(nodeid: str) -> str:
    """Name what a test stays together with: its file, or one of LONGEST."""
    file = nodeid.partition("::")[0]
    return next((each for each in LONGEST if fnmatchcase(file, each)), file)


class Together(LoadFileScheduling):  # type: ignore[misc]
    """Shares out units in the order in which they are collected, and not by how many tests are in each."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together | None:
    """Have files shared out by us, where they are to be."""
    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, where there are several processes."""
    if IS_WORKER:
        order = {name: number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: order.get(unit(item.nodeid), len(order)))


if IS_WORKER:
    serve()
