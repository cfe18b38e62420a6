"""A running Grove that may be killed in parts; one for all tests of this directory."""

import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import httpx
import psycopg
import pytest
from celery import Celery
from django.conf import settings
from psycopg.sql import SQL, Identifier

from config.up.environment import ROOT
from config.up.running import State, read
from objects.storage import pages
from tests.chaos.load import Team
from tests.engine.conftest import purse, purses

__all__ = ["ground", "purse", "purses"]  # fixtures

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a request would bury everything else

START_S = 90.0
BACK_S = 120.0  # by then whatever was killed must be back, on a machine that has much else to do


@dataclass
class Ground:
    """A Grove of the tests' own, under its supervisor."""

    directory: Path
    process: subprocess.Popen[bytes]
    log: Path

    def again(self) -> None:
        """Stop everything as a person does, and start it anew on what it has kept."""
        self.process.terminate()
        self.process.wait(60)
        for known in ("url", "database_url", "teams", "celery"):
            self.__dict__.pop(known, None)
        with self.log.open("ab") as written:
            self.process = _started(self.directory, written)
        _wait_started(self)

    @property
    def state(self) -> State:
        found = read(self.directory / "run")
        assert found is not None, self.log.read_text()
        return found

    @cached_property
    def url(self) -> str:
        return self.state.url

    @cached_property
    def database_url(self) -> str:
        return self.state.environment["DATABASE_URL"]

    @cached_property
    def teams(self) -> list[Team]:
        planted = json.loads((self.directory / "teams.json").read_text())
        return [Team(self.url, each["slug"], each["schema"], each["secret"]) for each in planted]

    @cached_property
    def celery(self) -> Celery:
        app = Celery(broker=self.state.environment["VALKEY_URL"], set_as_current=False)
        app.conf.broker_transport_options = {"global_keyprefix": "grove:"}
        app.conf.task_default_queue = "wakes"  # the worker that is killed takes from it
        return app

    def pid(self, name: str) -> int:
        """Give the process id of a program; 0 while it is not running."""
        return self.state.children.get(name, (0, 0.0))[0]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Kill a program and give its process id. SIGKILL goes to all that it started: so the kernel does when a
        machine dies, and orphans of a killed server would only wait for their end."""
        self.wait(lambda: self.pid(name) != 0)
        pid = self.pid(name)
        if number == signal.SIGKILL:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
        return pid

    def wait_back(self, name: str, old_pid: int) -> None:
        """Wait until a program that was killed runs again."""
        self.wait(lambda: self.pid(name) not in (0, old_pid))

    def wait_serves(self, name: str) -> None:
        """Wait until a web process takes connections: until it polls the socket that it shares with the other."""

        def serves() -> bool:
            with suppress(OSError, ValueError):
                process = Path(f"/proc/{self.pid(name)}")
                words = (process / "cmdline").read_text().split("\0")
                door = Path(f"/proc/{self.process.pid}/fd") / words[words.index("--fd") + 1]
                shared = str(door.readlink())  # socket:[1234]
                polled = f"ino:{int(shared.strip('socket:[]')):x} "
                polls = [fd.name for fd in (process / "fd").iterdir() if "eventpoll" in str(fd.readlink())]
                return any(polled in (process / "fdinfo" / poll).read_text() for poll in polls)
            return False

        self.wait(serves)

    def sends(self, keys: list[str], call: list[Any], over: threading.Event) -> threading.Thread:
        """Send tasks that make a call, each under a key of its own, until it is over."""

        def send() -> None:
            while not over.wait(0.05):
                keys.append(uuid.uuid4().hex)
                self.celery.send_task("tests.chaos.tasks.call", [*call, keys[-1]])

        thread = threading.Thread(target=send)
        thread.start()
        return thread

    def send_again(self, team: Team, keys: list[str], call: list[Any]) -> int:
        """Send the tasks again that left no answer under their key; give how many those were.

        A broker can lose a task on its way to a worker that is killed. Who needs a task keeps it and sends it again.
        """
        answered = SQL("SELECT key FROM {}.answer WHERE key = ANY(%s)").format(Identifier(team.schema))
        with self.connect() as connection:
            done = {key for (key,) in connection.execute(answered, (keys,))}
        missing = [key for key in keys if key not in done]
        for key in missing:
            self.celery.send_task("tests.chaos.tasks.call", [*call, key])
        return len(missing)

    def wait(self, is_true: Callable[[], Any], seconds: float = BACK_S) -> None:
        until = time.monotonic() + seconds
        while not is_true():
            assert time.monotonic() < until, f"it did not happen in {seconds:g} s\n{self.log.read_text()[-4000:]}"
            time.sleep(0.02)

    def wait_answers(self) -> None:
        """Wait until a web process answers and the database does."""

        def answers() -> bool:
            try:
                return all(team.call("/", "tree.list").status_code == 200 for team in self.teams[:1] * 4)
            except httpx.TransportError:
                return False

        self.wait(answers)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database_url, autocommit=True, connect_timeout=5)

    def faults(self) -> list[str]:
        """Tell what the log says of faults of Grove's own: what a web process or the engine did not expect."""
        return [
            line
            for line in self.log.read_text(errors="replace").splitlines()
            if "fault of ours" in line or (line.startswith("web") and "Traceback" in line)
        ]

    def damaged(self, team: Team, scratch: Path) -> list[tuple[str, str]]:
        """Rebuild every object's file, from its pages and from its history; give (which, what is wrong) where it is."""
        found = []
        with self.connect() as connection:
            rows = connection.execute(
                SQL("SELECT id, path, pages FROM {}.object WHERE pages > 0 ORDER BY id").format(Identifier(team.schema))
            ).fetchall()
            for object_id, path, page_count in rows:
                for what, chunks in (
                    ("now", pages.export(connection, team.schema, object_id, page_count)),
                    ("history", self._rebuilt(connection, team, object_id)),
                ):
                    file = scratch / f"{team.slug}-{object_id}-{what}.sqlite"
                    file.write_bytes(b"".join(chunks))
                    said = check(file)
                    if said != "ok":
                        found.append((f"{path} {what}", said))
                    file.unlink()
        return found

    def _rebuilt(self, connection: psycopg.Connection[Any], team: Team, object_id: int) -> Iterator[bytes]:
        bucket = int(time.time() // settings.GROVE.HISTORY_BUCKET_S)
        page_count = pages.page_count_at(connection, team.schema, object_id, bucket)
        return pages.export(connection, team.schema, object_id, page_count, bucket)

    def count(self, team: Team, statement: str, *values: Any) -> int:
        """Give a number that a statement tells; `{s}` in it is the team's schema."""
        with self.connect() as connection:
            row = connection.execute(SQL(statement).format(s=Identifier(team.schema)), values).fetchone()  # type: ignore[arg-type]
            return int(row[0])


def check(file: Path) -> str:
    """Let SQLite say whether a file is whole."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as opened:
        said = "\n".join(row[0] for row in opened.execute("PRAGMA integrity_check"))
    opened.close()
    return said


@pytest.fixture(scope="package")  # a Grove has a dozen processes: they would be at work beside all later tests
def ground() -> Iterator[Ground]:
    """Start Grove; nothing of it is left when the tests are over."""
    # Where Postgres's user may go, unlike pytest's own directories.
    directory = Path(tempfile.mkdtemp(prefix="grove-chaos-"))
    directory.chmod(0o755)
    log = directory / "log"
    with log.open("wb") as written:
        made = Ground(directory, _started(directory, written), log)
    try:
        _wait_started(made)
        yield made
    finally:
        made.process.terminate()
        made.process.wait(60)
        if os.environ.get("GROVE_CHAOS_KEEP_LOG"):
            shutil.copy(log, os.environ["GROVE_CHAOS_KEEP_LOG"])
        shutil.rmtree(directory, ignore_errors=True)


def _started(directory: Path, written: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.chaos.ground", str(directory)]
    return subprocess.Popen(command, cwd=ROOT, stdout=written, stderr=written)


def _wait_started(made: Ground) -> None:
    until = time.monotonic() + START_S
    while not ((state := read(made.directory / "run")) and state.url and state.pid == made.process.pid):
        assert made.process.poll() is None, made.log.read_text()
        assert time.monotonic() < until, made.log.read_text()
        time.sleep(0.05)
