"""The tasks of a worker that died are begun again at once; those of one that lives, however silent, are left to it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from objects.work import leases, queue, running
from objects.work.leases import Leases
from teams import clock
from tests.fair import fair

SILENT = "UPDATE public.teams_waitingtask SET leased_until = leased_until - interval '10 s' WHERE id = %s"


def wait_for(is_so: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def lone_worker() -> subprocess.Popen[bytes]:
    """Begin a process that runs what waits."""
    settings = connection.settings_dict
    host, port = settings["HOST"] or "localhost", settings["PORT"] or "5432"
    url = f"postgresql://{settings['USER']}:{settings['PASSWORD']}@{host}:{port}/{settings['NAME']}"
    return subprocess.Popen([sys.executable, "-m", "tests.work.lone_worker"], env={**os.environ, "DATABASE_URL": url})


@pytest.fixture(autouse=True)
def drained(grove) -> Iterator[None]:
    """Leave nothing that another test's worker would take."""
    yield
    with grove.engine_connection() as asked:
        asked.execute("DELETE FROM public.teams_waitingtask WHERE schema = %s", (grove.schema,))


def is_free(grove, task: str) -> bool:
    """Look whether a task's lease is over, once those of the dead are freed."""
    with grove.engine_connection() as asked:
        leases.free(asked)
        row = asked.execute(
            f"SELECT leased_until < now() + make_interval(secs => {clock.moved_s()}) FROM public.teams_waitingtask"
            " WHERE id = %s",
            (task,),
        ).fetchone()
    return bool(row and row[0])


def test_a_task_of_a_worker_that_was_killed_is_begun_again_long_before_its_lease_ends(grove, errand):
    task = grove.call(errand, "linger", seconds=60)["task"]
    killed = lone_worker()
    wait_for(lambda: grove.call(errand, "task.show", task=task)["state"] == "running")

    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    began = time.monotonic()
    wait_for(lambda: is_free(grove, task))

    assert time.monotonic() - began < fair(20)  # of a lease of 30
    with grove.engine_connection() as asked:
        again = queue.take(asked, 30, lambda schema: schema == grove.schema)
    assert (again.id, again.tries, again.was_lost, again.lost) == (task, 2, True, 1)


def test_one_that_lives_keeps_its_tasks_though_it_is_silent_for_a_while(grove, errand):
    task = grove.call(errand, "add", one=1, two=2)["task"]
    alive = Leases()
    with grove.engine_connection() as asked:
        queue.take(asked, 30, lambda schema: schema == grove.schema, "", alive.holder())
        asked.execute(SILENT, (task,))

    assert not is_free(grove, task)

    alive._connection.close()
    wait_for(lambda: is_free(grove, task))


def test_right_after_postgres_was_away_nobody_counts_as_dead(grove, errand):
    task = grove.call(errand, "add", one=1, two=2)["task"]
    cut_off = Leases()
    with grove.engine_connection() as asked:
        queue.take(asked, 30, lambda schema: schema == grove.schema, "", cut_off.holder())
    cut_off._connection.close()

    assert not is_free(grove, task)  # its last sign of life is young: it will have another lock in a moment


def test_a_worker_whose_connection_broke_enters_again_and_goes_on(grove, errand, ended):
    task = grove.call(errand, "add", one=1, two=2)["task"]
    leases.leases.holder()
    leases.leases._connection.close()

    with grove.engine_connection() as asked:
        taken = queue.take(asked, 30, lambda schema: schema == grove.schema, "", leases.leases.holder())
        asked.execute(SILENT, (task,))
    assert not is_free(grove, task)

    running.run(taken)
    assert ended(errand, task)["value"] == 3
