"""Who uses the embedded servers of a checkout now, and what a killed one left behind.

The lock tells, not a process id: the kernel gives it back however its holder ended.
"""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from config.up.say import Failure, reason, say


@dataclass
class State:
    """What the holder of the lock says about itself, for others who come."""

    pid: int
    what: str  # the command: "up", "migrate"
    url: str = ""  # that signs in; a secret
    environment: dict[str, str] = field(default_factory=dict)  # DATABASE_URL and VALKEY_URL of its servers
    children: dict[str, tuple[int, float]] = field(default_factory=dict)  # name: pid, when it was made (Unix seconds)


class Claim:
    """The right to run the servers of one data directory. One process at a time has it."""

    def __init__(self, directory: Path, what: str) -> None:
        self.directory, self.state = directory, State(os.getpid(), what)
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Take the right, or raise Failure that tells who has it and where to find them."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self.directory / "lock").open("a")
        until = time.monotonic() + 1  # `holder` below takes the lock for a moment
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    lock.close()
                    raise Failure(already(read(self.directory))) from None
                time.sleep(0.05)
        self._lock = lock

    def stop_leftovers(self) -> None:
        """Stop what an earlier holder started and did not live to stop. Needs the environment's packages."""
        import psutil  # noqa: PLC0415 -- `holder` is asked before anything is installed

        left = []
        old = read(self.directory)
        for name, (pid, made_at) in (old.children if old else {}).items():
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - made_at) < 0.5:  # else the number belongs to another by now
                    process.terminate() if name != "postgres" else process.send_signal(2)
                    left.append(process)
            except psutil.Error:
                continue
        if left:
            say(f"Stopping {len(left)} processes that an earlier start left behind")
            _, alive = psutil.wait_procs(left, timeout=30)
            for process in alive:
                process.kill()
            psutil.wait_procs(alive, timeout=5)

    def write(self) -> None:
        """Tell others; in one piece, readable by the owner only, for it holds passwords."""
        draft = self.directory / "state.new"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self.state)))
        draft.replace(self.directory / "state.json")

    def children_changed(self, pids: Mapping[str, int]) -> None:
        """Record the processes, so that the next start recognises them if this one is killed."""
        import psutil  # noqa: PLC0415

        self.state.children = {}
        for name, pid in pids.items():
            try:
                self.state.children[name] = (pid, psutil.Process(pid).create_time())
            except psutil.NoSuchProcess:
                continue  # ended at once
        try:
            self.write()
        except OSError as error:  # a full disk: those who run go on, and only a killed supervisor would miss the record
            say(f"The record of running processes could not be written. {reason(error)}")

    def give_back(self) -> None:
        (self.directory / "state.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def read(directory: Path) -> State | None:
    """Read what the latest holder wrote, whether it still lives or not."""
    try:
        return State(**json.loads((directory / "state.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def holder(directory: Path) -> State | None:
    """Tell who holds the lock now; None when nobody does."""
    try:
        with (directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return read(directory) or State(0, "start")
    return None


def already(state: State | None) -> str:
    """Say who is there already."""
    if state is None or not state.pid:
        return "Grove is just being started or stopped in this checkout. Wait a moment, then look again."
    if state.what != "up":
        return f"`manage.py {state.what}` (pid {state.pid}) uses this checkout's servers. Wait until it is done."
    where = f" Open it: {state.url}" if state.url else " It is still starting."
    return (
        f"Grove already runs in this checkout (pid {state.pid}).{where}\nTo stop it: Ctrl-C there, or kill {state.pid}"
    )
