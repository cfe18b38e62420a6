"""Tasks go by the same clock as schedules and messages: their delays, pauses, leases and expiry, in every process."""

import os
import subprocess
import sys

import pytest
from django.db import connection as django_connection

from config.up.environment import ROOT
from objects import maintenance
from objects.work import queue, running
from teams import clock
from tests.timing.conftest import clock_moves, hands

__all__ = ["clock_moves", "hands"]  # fixtures


@pytest.fixture(autouse=True)
def only_mine(hands):
    """What other tests left waiting would be due, too, once the clock is moved."""
    hands.connection.execute("DELETE FROM public.teams_waitingtask")


def took(grove, hands, lease_s: float = 30.0):
    return queue.take(hands.connection, lease_s, lambda schema: schema == grove.schema)


def test_a_delay_ends_when_the_clock_says_so(grove, errand, hands, clock_moves):
    task = grove.call(errand, "ask", task="add", arguments={"one": 1, "two": 2}, after=3_600.0)

    clock_moves(3_590)
    before = took(grove, hands)
    clock_moves(20)

    assert before is None
    assert took(grove, hands).id == task


def test_the_pause_before_the_next_try_follows_the_clock(grove, errand, hands, clock_moves):
    grove.call(errand, "stubborn")
    running.run(took(grove, hands))

    clock_moves(590)
    before = took(grove, hands)
    clock_moves(20)

    assert before is None
    assert took(grove, hands).tries == 2


def test_a_lease_ends_when_the_clock_says_so(grove, errand, hands, clock_moves):
    grove.call(errand, "add", one=1, two=2)
    first = took(grove, hands, lease_s=600.0)

    clock_moves(590)
    before = took(grove, hands)
    clock_moves(20)

    assert before is None
    assert (took(grove, hands).id, first.lost) == (first.id, 0)


def test_a_task_has_the_times_of_the_clock_and_is_forgotten_by_it(grove, errand, hands, clock_moves):
    clock_moves(10 * 86_400)
    task = grove.call(errand, "what_time")["task"]
    running.run(took(grove, hands))
    shown = grove.call(errand, "task.show", task=task)
    early = maintenance.forget(hands.connection, grove.schema, limits=hands.limits).tasks

    clock_moves(hands.limits.TASK_KEEP_S + 60)
    late = maintenance.forget(hands.connection, grove.schema, limits=hands.limits).tasks

    assert abs(shown["value"] - clock.now() + hands.limits.TASK_KEEP_S) < 120  # as its own process saw it
    assert shown["created_at"][:10] == shown["ended_at"][:10] > "2026"
    assert (early, late) == (0, 1)


def test_a_worker_in_another_process_goes_by_the_moved_clock(grove, errand, hands, clock_moves):
    grove.call(errand, "ask", task="add", arguments={"one": 1, "two": 2}, after=86_400.0)

    before = lone_worker()
    clock_moves(86_401)
    after = lone_worker()

    assert (before, after) == ("0", "1")
    assert grove.call(errand, "state.get", key="told") == [["m", 3, None]]


def lone_worker() -> str:
    """Let a worker of its own run what waits; gives how many tasks those were."""
    at = django_connection.get_connection_params()
    address = f"postgres://{at['user']}:{at['password']}@{at['host']}:{at['port']}/{at['dbname']}"
    known = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": address,
        "GROVE_VIRTUAL_CLOCK": "1",
        "GROVE_KIND_PACKAGES": "tests.work.errands",
    }
    command = [sys.executable, "-m", "tests.work.lone_worker"]
    said = subprocess.run(command, cwd=ROOT, env=known, check=True, capture_output=True, text=True)
    return said.stdout.strip().splitlines()[-1]
