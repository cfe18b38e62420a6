"""A Valkey of its own for each process of `pytest -n`: a channel is heard in all databases of a server.

Loaded with `-p`, before the settings read VALKEY_URL. Databases in Postgres are kept apart by pytest-django.
"""

import atexit
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from config.up.supervisor import die_with_parent
from config.up.valkey import Valkey

READY_S = 20


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


if "PYTEST_XDIST_WORKER" in os.environ:
    serve()
