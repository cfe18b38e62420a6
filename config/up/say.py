"""What a person sees while Grove starts: lines with a prefix, times, and failures without a traceback."""

import errno
import os
import sys
import time
from typing import TextIO

WIDTH = 8  # of the column of names: "postgres"
COLOURS = {"grove": 32, "web": 36, "worker": 33, "beat": 35, "postgres": 34, "valkey": 31, "prepare": 37, "assets": 37}


class Failure(Exception):  # noqa: N818 -- it ends the program with its text, it is not a fault of the program
    """Something expected went wrong. Its text, which names the way out, is all that the person sees; exit code 1."""


def started_at() -> float:
    """Tell when the person pressed Enter (Unix seconds), also after manage.py has run itself again in `.venv`."""
    return float(os.environ.setdefault("GROVE_STARTED_AT", repr(time.time())))


_aside: TextIO | None = None


def aside(stream: TextIO) -> None:
    """From now on tell things on this stream: where what a command prints must stay its own (`dumpdata > file`)."""
    global _aside  # noqa: PLW0603 -- what a process says has one place, like sys.stdout
    _aside = stream


def line(name: str, text: str) -> None:
    """Print one line of a process. A reader that went away (`up | head`) must not bring the servers down."""
    out = _aside or sys.stdout
    column = name.ljust(WIDTH)
    if out.isatty() and "NO_COLOR" not in os.environ:
        column = f"\x1b[{COLOURS.get(name.partition('-')[0], 37)}m{column}\x1b[0m"
    try:
        out.write(f"{column} | {text}\n")
        out.flush()
    except OSError as error:
        if error.errno != errno.EPIPE:
            return  # the disk that keeps this log is full: Grove goes on, a line of log is lost
        aside(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 -- stays open until the end


def say(text: str) -> None:
    """Tell what Grove is doing, with the seconds since it was started."""
    line("grove", f"{time.time() - started_at():5.1f} s  {text}")


def reason(error: OSError) -> str:
    """Put an error of the operating system into words with a way out."""
    place = f" ({error.filename})" if error.filename else ""
    ways_out = {
        errno.ENOSPC: "The disk is full{}. Free some space and start again; nothing was lost.",
        errno.EDQUOT: "Your disk quota is used up{}. Free some space and start again; nothing was lost.",
        errno.EROFS: "This directory is read-only{}. Grove keeps its data and environment beside manage.py: "
        "use a checkout that can be written.",
        errno.EACCES: "No permission{}. Start Grove as the owner of the checkout, or give yourself the right to write.",
        errno.EPERM: "Not permitted{}. Start Grove as the owner of the checkout, or give yourself the right to write.",
        errno.EMFILE: "Too many open files{}. Raise the limit: ulimit -n 4096.",
        errno.ENOMEM: "Not enough memory{}. Stop something else and start again.",
    }
    return ways_out.get(error.errno or 0, f"{error.strerror or error}{{}}.").format(place)
