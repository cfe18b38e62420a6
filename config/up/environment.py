"""The Python environment: `.venv` beside manage.py, made and kept right by plain pip from the hash-locked files.

A stamp, written last, holds what was installed. No stamp: the making was interrupted. Another stamp: the lock files or
Python changed. Either way pip is run again, and where that does not help the environment is made anew.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from config.up.say import Failure, line, say

ROOT = Path(__file__).resolve().parents[2]
NEEDED_BYTES = 900 << 20  # base and dev take about 600 MB, pip's downloads the rest


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the directory of the lock files that say what belongs in it."""

    home: Path = ROOT / ".venv"
    requirements: Path = ROOT / "requirements"

    @property
    def python(self) -> Path:
        return self.home / "bin" / "python"

    @property
    def stamp(self) -> Path:
        return self.home / "grove-stamp.json"

    def wanted(self, parts: Sequence[str]) -> dict[str, str]:
        """Tell what a right environment's stamp says: a hash for each lock file, and the Python they were made for."""
        hashes = {part: hashlib.sha256((self.requirements / f"{part}.txt").read_bytes()).hexdigest() for part in parts}
        return hashes | {"python": ".".join(map(str, sys.version_info[:2]))}

    def stamped(self) -> dict[str, str]:
        """Read the stamp; an absent or unreadable one is empty."""
        try:
            found = json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def fault(self, parts: Sequence[str]) -> str | None:
        """Tell what is wrong with the environment, in words for a person; None when nothing is."""
        if not self.home.exists():
            return "There is no Python environment yet"
        if not os.access(self.python, os.X_OK):
            return "The Python of .venv is gone"
        found = self.stamped()
        if not found:
            return "The Python environment was left half-made"
        if any(found.get(key) != value for key, value in self.wanted(parts).items()):
            return "The locked requirements or Python changed"
        return None

    def put_right(self, parts: Sequence[str]) -> bool:
        """Make or repair what is needed; False when there was nothing to do. Raises Failure with the way out."""
        with only_one(self.home.parent / "var" / "run" / "environment.lock"):
            fault = self.fault(parts)
            if fault is None:
                return False
            free_bytes = shutil.disk_usage(self.home.parent).free
            if not self.stamped() and free_bytes < NEEDED_BYTES:
                raise Failure(
                    f"{free_bytes >> 20} MB are free on the disk of this checkout; the Python environment needs "
                    f"{NEEDED_BYTES >> 20} MB while it is made. Free some space and start again."
                )
            keep = (set(self.stamped()) - {"python"}) | set(parts)
            in_order = [part for part in ("base", "dev") if part in keep]
            if not self._has_pip():
                self._make(fault)
                fault = "Environment made"
            say(f"{fault}: installing {' and '.join(in_order)} packages into .venv (the first time takes a minute)")
            self.stamp.unlink(missing_ok=True)
            self.install(in_order)
            # Written last and in one piece: a stamp that can be read says that everything before it was done.
            draft = self.stamp.with_suffix(".new")
            draft.write_text(json.dumps(self.wanted(in_order)))
            draft.replace(self.stamp)
            return True

    def _has_pip(self) -> bool:
        """True when the environment runs this Python and has pip: then it can be repaired in place."""
        version = f"import sys, pip; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
        try:
            return subprocess.run([str(self.python), "-c", version], capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    def _make(self, fault: str) -> None:
        say(f"{fault}: making .venv with Python {sys.version.split()[0]}")
        if self.home.exists():
            shutil.rmtree(self.home)
        base_python = getattr(sys, "_base_executable", sys.executable)
        made = subprocess.run(
            [base_python, "-m", "venv", str(self.home)], capture_output=True, text=True, errors="replace", check=False
        )
        if made.returncode == 0:
            return
        shutil.rmtree(self.home, ignore_errors=True)
        said = (made.stdout + made.stderr).strip()
        if "No space left" in said:
            raise Failure("The disk became full while .venv was made. Free some space and start again.")
        if "ensurepip" in said:
            raise Failure(
                "This Python cannot make virtual environments: its venv module is a package of its own.\n"
                "On Debian and Ubuntu: apt install python3-venv. Then start again."
            )
        raise Failure(f"The Python environment could not be made:\n{said[-800:]}")

    def install(self, parts: Sequence[str]) -> None:
        """Let pip install the lock files, naming each package as it comes. Raises Failure with pip's own reason."""
        command = [str(self.python), "-m", "pip", "install", "--require-hashes", "--no-deps", "--progress-bar", "off"]
        command += ["--disable-pip-version-check", "--no-input"]
        for part in parts:
            command += ["-r", str(self.requirements / f"{part}.txt")]
        said: list[str] = []
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as pip:
            assert pip.stdout is not None
            for text in pip.stdout:
                said.append(text)
                words = text.split()
                if text.startswith("Collecting") and len(words) > 1:
                    line("pip", words[1])
                elif text.startswith("Installing collected"):
                    say("Downloaded; unpacking")
        if pip.returncode:
            raise Failure(why_pip_failed("".join(said)))


def why_pip_failed(said: str) -> str:
    """Find the reason in what pip printed, and the way out."""
    again = "Start again to go on; what was installed so far is kept."
    if "No space left" in said or "Errno 28" in said:
        return f"The disk became full while packages were installed. Free some space. {again}"
    if "DO NOT MATCH THE HASHES" in said:
        return (
            "A downloaded package is not the one that requirements/*.txt names (its hash differs), so it was not "
            "installed.\nA proxy or mirror may have changed it: try another network, or tell Grove's maintainers."
        )
    signs = (
        "NewConnectionError",
        "Temporary failure in name",
        "ConnectTimeout",
        "ReadTimeout",
        "ProxyError",
        "Retrying",
    )
    if any(sign in said for sign in signs):
        return f"The package index could not be reached; packages are downloaded once, so this needs a network. {again}"
    errors = [text for text in said.splitlines() if text.startswith("ERROR")] or said.splitlines()[-5:]
    return "Packages could not be installed. pip says:\n" + "\n".join(errors[-5:])


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let one process at a time make the environment; others wait and find it made."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def enter(parts: Sequence[str], environment: Environment | None = None) -> None:
    """Go on inside a right environment: make it, then run this very command again with its Python.

    With GROVE_SYSTEM_PYTHON=1 (a Docker image that installed everything) the Python that runs is taken as it is.
    """
    if os.environ.get("GROVE_SYSTEM_PYTHON") == "1":
        return
    here = environment or Environment()
    inside = Path(sys.prefix).resolve() == here.home.resolve()
    changed = here.put_right(parts) if here.fault(parts) else False
    if inside and not changed:
        return
    with suppress(ValueError):
        sys.stdout.flush()
    os.execv(here.python, [str(here.python), str(ROOT / "manage.py"), *sys.argv[1:]])  # noqa: S606 -- no shell wanted
