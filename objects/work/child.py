"""A task's own process: it runs the command's method, and speaks to its worker over a pipe, in JSON.

-> ["call", path, command, arguments]          <- ["value", value] or ["problem", members]
-> ["progress", done, note], ["output", text]
-> ["done", value, effect, gives], ["failed", members], ["again", members, after_s], ["fault", text]
"""

import logging
import os
import resource
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

import orjson
from django.conf import settings

from objects.commands.registry import registry
from objects.work.context import Errand, Finish, TaskContext, TryAgain, problem_of
from teams.problems import Problem

log = logging.getLogger("grove.task")


class Stopped(BaseException):
    """The task is to end now: it was cancelled or took too long. Not an Exception, so that no command keeps it."""


def main(line: Connection, errand: Errand) -> None:
    """Run a task in this process, and end."""
    _end_with_the_worker()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the worker, who tells
    signal.signal(signal.SIGTERM, _stop)
    most = settings.GROVE.TASK_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    run(errand, lambda *said: line.send_bytes(orjson.dumps(said)), lambda: orjson.loads(line.recv_bytes()))


def run(errand: Errand, say: Any, hear: Any) -> None:
    """Run a task. say: tells the worker something. hear: waits for its answer."""

    def ask(path: str, command: str, arguments: dict[str, Any]) -> Any:
        say("call", path, command, arguments)
        kind, value = hear()
        if kind == "problem":
            raise problem_of(value)
        return value

    context = TaskContext(errand, limits=settings.GROVE, ask=ask, tell=say, facilities=registry.facility)
    try:
        spec = registry.command(errand.kind, errand.command)
        owner: Any = registry.facility(spec.facility) if spec.facility else registry.kind(errand.kind)
        value = spec.run(owner(context), spec.check(orjson.loads(errand.arguments)))
        gives = isinstance(value, Finish)
        say("done", None if gives else spec.plain(value), context.effect, gives)
    except TryAgain as problem:
        say("again", problem.members(), problem.after_s)
    except Problem as problem:
        say("failed", problem.members())
    except Stopped:
        say("stopped")
    except MemoryError:
        say(
            "fault",
            f"it needs more than {settings.GROVE.TASK_MEMORY_BYTES:,} bytes of memory (limit TASK_MEMORY_BYTES).",
        )
    except Exception:
        log.exception("a task failed by a fault of ours: %s on %s", errand.command, errand.path)
        say("fault", "Grove made a mistake. It is in the log.")


def _stop(*_: object) -> None:
    raise Stopped


def _end_with_the_worker() -> None:
    """End this process when its worker does, however that ended."""
    worker = parent_process()
    if worker is None:
        return

    def watch() -> None:
        wait([worker.sentinel])
        os._exit(70)

    threading.Thread(target=watch, daemon=True, name="watches the worker").start()
