"""Folders for files on their way to and from pages; those of a host that was killed are forgotten by the next."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

import psutil

PREFIX: Final = "grove-browser"


def make(purpose: str) -> str:
    """Make one that only this user may look into."""
    return tempfile.mkdtemp(prefix=f"{PREFIX}-{psutil.Process().pid}-{purpose}-")


def forget_dead() -> None:
    """Delete those of processes that are there no more."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*"):
        pid = path.name.removeprefix(f"{PREFIX}-").partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(path, ignore_errors=True)
