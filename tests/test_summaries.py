"""Summaries follow the journal, whatever order its lines come in, and however often they are read."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from objects import summaries
from objects.engine import running
from objects.models import JournalLine, Summary, SummaryMark
from objects.tree import tree
from objects.tree.nodes import sql
from tests.grove import Grove


@pytest.fixture
def pg(database):
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def summary(grove: Grove, pg):
    """Catch up, and give the summary of an object: `summary(path)`."""

    def of(path: str, **options) -> Summary | None:
        while summaries.catch_up(pg, grove.schema, **options):
            pass
        with grove.tables():
            return Summary.objects.filter(object_id=grove.id(path)).first()

    return of


def failing(grove: Grove, path: str) -> None:
    """Call what is refused: a text cannot be counted up."""
    assert grove.outcome(path, "state.incr", {"key": "text"}).problem is not None


def test_an_object_that_nobody_called_has_none(grove, summary):
    assert summary(grove.new()) is None


def test_it_tells_the_last_call_the_errors_and_the_state(grove, summary):
    path = grove.new()
    grove.call(path, "state.set", key="text", value="Dark Green")
    failing(grove, path)
    failing(grove, path)
    grove.call(path, "state.set", key="count", value=7)

    told = summary(path)

    with grove.tables():
        last = JournalLine.objects.filter(object_id=told.object_id).latest("id")
    assert (told.called_at, told.errors, told.state) == (last.at, 2, "count=7\ntext=dark green")
    assert told.error.startswith("conflict: ") or told.error.startswith("wrong-argument: ")
    assert told.pages > 0


def test_what_is_read_twice_counts_once(grove, summary, pg):
    path = grove.new()
    grove.call(path, "state.set", key="text", value="x")
    failing(grove, path)
    once = summary(path)

    pg.execute(sql(grove.schema, "update {s}.summary_mark set line_id = 0"))
    again = summary(path)

    assert [getattr(again, name) for name in ("errors", "called_at", "state", "error")] == [
        getattr(once, name) for name in ("errors", "called_at", "state", "error")
    ]


def test_a_line_that_is_committed_late_is_not_missed(grove, summary, pg):
    """A transaction that drew its number earlier may commit later: the mark waits at the gap."""
    path, other = grove.new(), grove.new()
    summary(path)
    line = (
        "insert into {s}.journal (object_id, at, caller, via, command, arguments, outcome, detail, took_us, version)"
        " values (%s, now(), 'x', 'http', 'late', '{{}}', 'conflict', 'late', 1, 0)"
    )
    with psycopg.connect(running.conninfo()) as late:
        late.execute(sql(grove.schema, line), (grove.id(path),))
        grove.call(other, "state.set", key="a", value=1)
        before = summary(path)
        later = summary(other)
        late.commit()

    assert before is None
    assert later.state == "a=1"
    assert summary(path).error == "conflict: late"


def test_the_mark_does_not_wait_for_ever_at_a_number_that_was_lost(grove, summary, pg):
    path = grove.new()
    with grove.tables():
        pg.execute(sql(grove.schema, "select nextval(pg_get_serial_sequence('{s}.journal', 'id'))"))
        grove.call(path, "state.set", key="a", value=1)
        newest = JournalLine.objects.latest("id").pk

        summary(path)
        waiting = SummaryMark.objects.get().line_id
        summary(path, now=datetime.now(UTC) + timedelta(minutes=1))

        assert waiting < newest
        assert SummaryMark.objects.get().line_id == newest


def test_a_copy_is_found_by_what_it_holds_and_has_no_past(grove, summary):
    path = grove.new()
    grove.call(path, "state.set", key="text", value="needle")
    failing(grove, path)
    summary(path)
    grove.call(path, "tree.copy", to=f"{path}-copy")

    told = summary(f"{path}-copy")

    assert (told.called_at, told.errors, told.error, told.state) == (None, 0, "", "text=needle")


def test_what_came_out_of_a_file_is_found_by_what_it_holds(grove, summary, tmp_path):
    import sqlite3

    from objects.commands.types import Content

    file = tmp_path / "made.sqlite"
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE _state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        made.execute("insert into _state values ('text', '\"from a file\"')")
    made.close()
    path = grove.new()
    grove.call(path, "import", content=Content(file.read_bytes(), name="made.sqlite"), **{"as": "inside"})

    assert summary(f"{path}/inside").state == "text=from a file"


def test_the_state_of_what_is_in_the_trash_stays_as_it_was(grove, summary):
    path = grove.new()
    grove.call(path, "state.set", key="text", value="first")
    object_id = grove.id(path)
    summary(path)
    grove.call(path, "state.set", key="text", value="second")
    item = grove.outcome(path, "tree.delete", confirmed=True, check=True).value

    with grove.tables():
        summary(grove.home)
        assert Summary.objects.get(object_id=object_id).state == "text=first"
    grove.call("/", "tree.restore", what=str(item["number"]))
    grove.call(path, "state.set", key="other", value=1)

    assert summary(path).state == "other=1\ntext=second"


def test_what_is_erased_leaves_none(grove, summary):
    path = grove.new()
    grove.call(path, "state.set", key="a", value=1)
    object_id = summary(path).object_id
    item = grove.outcome(path, "tree.delete", confirmed=True, check=True).value
    grove.outcome("/", "tree.erase", {"what": str(item["number"])}, confirmed=True, check=True)

    with grove.tables():
        assert not Summary.objects.filter(object_id=object_id).exists()


def test_errors_that_the_journal_forgot_are_none_any_more(grove, summary, pg):
    path = grove.new()
    grove.call(path, "state.set", key="text", value="x")
    failing(grove, path)
    assert summary(path).errors == 1
    with grove.tables():
        JournalLine.objects.exclude(outcome="ok").delete()

    summaries.forget(pg, grove.schema)

    told = summary(path)
    assert (told.errors, told.error, told.failed_at) == (0, "", None)


def test_two_at_once_do_not_wait_for_each_other(grove, pg):
    grove.call(grove.new(), "state.set", key="a", value=1)
    with psycopg.connect(running.conninfo()) as other:
        other.execute(sql(grove.schema, "select from {s}.summary_mark for update"))

        assert summaries.catch_up(pg, grove.schema) is True


def test_a_search_by_state_finds_only_what_the_caller_sees(grove, summary, pg):
    from objects.tree.nodes import Sight

    seen, hidden = grove.new(), grove.new()
    for path in (seen, hidden):
        grove.call(path, "state.set", key="text", value="secret-word")
        summary(path)

    found = tree.find(pg, grove.schema, state="secret-word", sight=Sight((("/", True), (hidden, False))))

    assert [each.path for each in found] == [seen]
