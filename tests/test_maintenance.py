"""What the limits no longer keep is forgotten, and nothing else."""

import dataclasses
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.conf import settings

from objects import maintenance
from objects.engine import running
from objects.maintenance import Forgotten
from objects.models import Answer, JournalLine, Object

DAY = timedelta(days=1)


@pytest.fixture
def connection():
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def grove(new_team, caller, grove):
    """A team in which nothing happened but what the test does."""
    team = new_team()
    return dataclasses.replace(grove, caller=caller(team), home="/home")


def test_answers_and_journal_lines_go_when_their_time_is_over(grove, connection):
    path = grove.new()
    grove.outcome(path, "state.set", {"key": "a", "value": 1}, key="k", check=True)

    kept = maintenance.forget(connection, grove.schema, limits=settings.GROVE)
    in_two_days = maintenance.forget(connection, grove.schema, limits=settings.GROVE, now=datetime.now(UTC) + 2 * DAY)
    in_a_year = maintenance.forget(connection, grove.schema, limits=settings.GROVE, now=datetime.now(UTC) + 365 * DAY)

    assert (kept.answers, kept.journal_lines) == (0, 0)
    assert (in_two_days.answers, in_two_days.journal_lines) == (1, 0)
    assert (in_a_year.answers, in_a_year.journal_lines) == (0, 1)
    with grove.tables():
        assert (Answer.objects.count(), JournalLine.objects.count()) == (0, 0)
    assert grove.call(path, "state.get", key="a") == 1


def test_trash_goes_for_good_when_its_time_is_over_and_not_before(grove, connection):
    path = grove.new()
    grove.outcome(path, "tree.delete", {}, confirmed=True, check=True)

    kept = maintenance.forget(connection, grove.schema, limits=settings.GROVE)
    with grove.tables():
        in_trash = Object.objects.filter(path=path).count()
    gone = maintenance.forget(connection, grove.schema, limits=settings.GROVE, now=datetime.now(UTC) + 31 * DAY)

    assert (kept.objects, in_trash, gone.objects) == (0, 1, 1)
    with grove.tables():
        assert Object.objects.filter(path=path).count() == 0


def test_tasks_that_are_over_go_when_their_time_is_over_and_with_their_object(grove, connection):
    path, other = grove.new(), grove.new()
    for each in (path, path, other):
        grove.call(each, "http.get", url="http://example.com/")
    for each in (path, other):
        grove.call(each, "task.cancel")  # the other of the first goes on waiting
    grove.outcome(other, "tree.delete", {}, confirmed=True, check=True)

    kept = maintenance.forget(connection, grove.schema, limits=settings.GROVE)
    in_eight_days = maintenance.forget(connection, grove.schema, limits=settings.GROVE, now=datetime.now(UTC) + 8 * DAY)

    assert (kept.tasks, in_eight_days.tasks) == (0, 2)
    assert [line["state"] for line in grove.call(path, "task.list")] == ["waiting"]


def test_forgetting_twice_forgets_nothing_more(grove, connection):
    grove.new()
    later = datetime.now(UTC) + 365 * DAY
    maintenance.forget(connection, grove.schema, limits=settings.GROVE, now=later)

    again = maintenance.forget(connection, grove.schema, limits=settings.GROVE, now=later)

    assert again == Forgotten(pages=0, answers=0, journal_lines=0, objects=0, tasks=0)
