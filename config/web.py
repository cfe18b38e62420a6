"""Which ASGI server a web process runs: Daphne, or uvicorn where GROVE_SERVER says so.

Daphne keeps bounds that uvicorn leaves to a proxy in front: the time and size of heads and bodies that are under way
(`config.server`). docs/performance.md has figures of both.
"""

import os
import sys

from django.core.exceptions import ImproperlyConfigured

from teams.limits import Limits

APPLICATION = "config.asgi:application"
SERVERS = ("daphne", "uvicorn")
FINISH_S = 10  # calls under way get so long to end when the process is told to stop


def chosen(environment: dict[str, str] | None = None) -> str:
    """Give the server that GROVE_SERVER names, Daphne where it names none; raises ImproperlyConfigured."""
    name = (os.environ if environment is None else environment).get("GROVE_SERVER") or SERVERS[0]
    if name not in SERVERS:
        raise ImproperlyConfigured(f"GROVE_SERVER={name!r}: write one of {', '.join(SERVERS)}.")
    return name


def command(fd: int, application: str = APPLICATION, environment: dict[str, str] | None = None) -> list[str]:
    """Give the words that start a web process on a listening socket that it inherits; all processes may share one."""
    if chosen(environment) == "daphne":
        return [sys.executable, "-m", "daphne", "-v", "0", "--fd", str(fd), application]
    frame_bytes = Limits.from_environment(os.environ if environment is None else environment).ARGUMENT_BYTES
    options = {
        "--fd": fd, "--loop": "uvloop", "--http": "httptools", "--ws": "websockets-sansio", "--lifespan": "off",
        "--ws-max-size": frame_bytes, "--ws-per-message-deflate": "false", "--log-level": "warning",
        "--timeout-graceful-shutdown": FINISH_S,
    }  # fmt: skip
    words = [word for option in options.items() for word in map(str, option)]
    return [sys.executable, "-m", "uvicorn", *words, "--no-access-log", "--no-server-header", application]
