"""A command that takes its worker down each time is found out, and holds nobody up for ever."""

import os
import signal
import subprocess
import sys
from urllib.parse import quote

from django.db import connection

from config.up.environment import ROOT
from objects.timing.worker import GIVEN_UP


def lone_worker(grove, path, source) -> int:
    """Hand an object to a worker in a process of its own; gives how that ended."""
    at = connection.get_connection_params()
    address = f"postgres://{at['user']}:{quote(at['password'])}@{at['host']}:{at['port']}/{at['dbname']}"
    environment = os.environ | {"DATABASE_URL": address, "GROVE_KIND_PACKAGES": "tests.timing.bell"}
    command = [sys.executable, "-m", "tests.timing.lone_worker", grove.schema, str(grove.id(path)), source]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def test_what_ends_its_worker_each_time_counts_as_failed_and_the_rest_is_done(grove, hands, wakes):
    bell = grove.new("bell")
    grove.outcome(bell, "queue.push", {"command": "ring before"}, check=True)
    grove.outcome(bell, "queue.push", {"command": "end_the_world", "tries": 1}, check=True)
    grove.outcome(bell, "queue.push", {"command": "ring after"}, check=True)

    ended = lone_worker(grove, bell, "queue")
    starts = wakes(grove, bell, "starts")
    hands.connection.execute(  # as after four more of them
        "UPDATE public.wake SET starts = %s, held = false, ready_at = due_at WHERE object_id = %s AND schema = %s",
        (3, grove.id(bell), grove.schema),
    )
    piecemeal = lone_worker(grove, bell, "queue")
    first = grove.call(bell, "strokes")
    hands.connection.execute(
        "UPDATE public.wake SET starts = %s, held = false, ready_at = due_at WHERE object_id = %s AND schema = %s",
        (GIVEN_UP - 1, grove.id(bell), grove.schema),
    )
    hands.until_quiet()

    assert (ended, starts) == (-signal.SIGKILL, {"queue": 1})
    assert (piecemeal, first) == (0, ["before"])
    assert grove.call(bell, "strokes") == ["before", "after"]
    (letter,) = grove.call(bell, "queue.peek", dead=True)["messages"]
    assert letter["problem"] == f"It ended the worker that ran it, {GIVEN_UP - 1} times."
