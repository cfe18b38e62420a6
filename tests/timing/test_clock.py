"""One clock governs all that time ends: in this process and in others; and nobody moves it where it counts."""

import os
import subprocess
import sys
import time

import pytest
from django.db import connection

from config.up.environment import ROOT
from objects import maintenance
from teams import callers, clock
from teams.problems import NotSignedIn
from tests.timing.conftest import Hands

PRINT = "import django; django.setup(); from teams import clock; print(clock.now())"


def elsewhere(**environment: str) -> float:
    """Tell the time as another process does."""
    at = connection.get_connection_params()
    address = f"postgres://{at['user']}:{at['password']}@{at['host']}:{at['port']}/{at['dbname']}"
    known = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": address} | environment
    said = subprocess.run(
        [sys.executable, "-c", PRINT], cwd=ROOT, env=known, check=True, capture_output=True, text=True
    )
    return float(said.stdout)


def test_every_process_that_may_goes_by_the_moved_clock_and_no_other_does(clock_moves):
    clock_moves(86_400)

    moved, machine = elsewhere(GROVE_VIRTUAL_CLOCK="1"), elsewhere()

    assert abs(clock.now() - time.time() - 86_400) < 1
    assert abs(moved - clock.now()) < 60
    assert abs(machine - time.time()) < 60


def test_a_public_server_does_not_start_with_a_clock_that_can_be_moved():
    told = {"GROVE_PUBLIC": "1", "GROVE_HOSTS": "grove.example.com", "GROVE_VIRTUAL_CLOCK": "1"}
    command = [sys.executable, "-c", PRINT]
    known = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"} | told

    said = subprocess.run(command, cwd=ROOT, env=known, check=False, capture_output=True, text=True)

    assert said.returncode != 0
    assert "GROVE_VIRTUAL_CLOCK=1 is for tests" in said.stderr


def test_nobody_moves_the_clock_of_the_machine():
    with pytest.raises(RuntimeError, match="GROVE_VIRTUAL_CLOCK"):
        clock.advance(60)


def test_a_token_expires_by_the_clock(team, token, clock_moves):
    from datetime import UTC, datetime, timedelta

    expires_at = datetime.fromtimestamp(clock.now(), UTC) + timedelta(hours=1)
    _, secret = token(team, expires_at=expires_at)
    before = callers.for_token(team.slug, secret)

    clock_moves(3_601)
    callers.forget_all()

    assert before.schema == team.schema_name
    with pytest.raises(NotSignedIn):
        callers.for_token(team.slug, secret)


def test_an_idempotency_key_and_the_trash_are_kept_by_the_clock(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    gone = grove.new("bell")
    grove.outcome(bell, "ring", key="once", check=True)
    grove.outcome(gone, "tree.delete", confirmed=True, check=True)

    clock_moves(hands.limits.ANSWER_KEEP_S + 60)
    first = maintenance.forget(hands.connection, grove.schema, limits=hands.limits)
    clock_moves(hands.limits.TRASH_KEEP_S)
    second = maintenance.forget(hands.connection, grove.schema, limits=hands.limits)

    assert (first.answers, first.objects, second.objects) == (1, 0, 1)


def test_code_in_an_object_sees_the_moved_clock(grove, clock_moves):
    bell = grove.new("bell")

    clock_moves(10 * 86_400)
    grove.call(bell, "ring")

    (moment,) = grove.call(bell, "moments")
    assert abs(moment - time.time() - 10 * 86_400) < 60
