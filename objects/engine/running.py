"""The engine of this process, made when first asked for."""

import os
import threading
from collections.abc import Sequence

from django.conf import settings
from django.db import connections
from psycopg.conninfo import make_conninfo

from objects import live
from objects.commands.registry import registry
from objects.engine.calls import Event
from objects.engine.engine import Engine
from objects.work import posting

_lock = threading.Lock()
_made: dict[int, Engine] = {}  # by process id: a forked process has none of its parent's threads


def engine() -> Engine:
    """Give this process's engine."""
    made = _made.get(os.getpid())
    if made is None:
        with _lock:
            made = _made.get(os.getpid())
            if made is None:
                _made.clear()
                made = _made[os.getpid()] = Engine(
                    conninfo(), registry=registry, limits=settings.GROVE, publish=_publish
                )
    return made


def _publish(events: Sequence[Event]) -> None:
    live.publish(events)
    posting.notice(events)


def stop() -> None:
    """Stop this process's engine, if it has one: what waits is still answered."""
    with _lock:
        made = _made.pop(os.getpid(), None)
    if made is not None:
        made.stop()


def conninfo() -> str:
    """Give the address of the database, as psycopg wants it."""
    parameters = connections["default"].get_connection_params()
    names = ("dbname", "user", "password", "host", "port", "service", "sslmode", "sslrootcert", "options")
    chosen = {name: parameters[name] for name in names if parameters.get(name)}
    return make_conninfo(**chosen, application_name="grove engine")
