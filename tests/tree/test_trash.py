"""What is deleted can come back until it is erased."""

from datetime import UTC, datetime

import pytest

from objects.tree.tree import Measure
from teams.problems import Conflict, Moved, NoSuch


def test_deleting_takes_all_beneath_and_tells_how_much(grown):
    grown.plant("/a/b/c", "/ab")
    grown.sql("update {s}.object set pages = 10 where path = '/a/b'")

    item = grown.trash("/a", now=1_800_000_000)

    assert (item.path, item.objects, item.size_bytes) == ("/a", 3, 40_960)
    assert item.trashed_at == datetime.fromtimestamp(1_800_000_000, UTC)
    assert grown.live() == ["/ab"]
    assert grown.trashed() == [item]
    with pytest.raises(NoSuch):
        grown.resolve("/a/b")


def test_the_root_cannot_be_deleted(grown):
    with pytest.raises(Conflict) as refused:
        grown.trash("/")

    assert refused.value.detail == "The root cannot be deleted. Delete what is beneath it."


def test_a_path_in_the_trash_is_free(grown):
    grown.plant("/a/b")
    old = grown.resolve("/a").id
    grown.trash("/a")

    assert grown.create("/a", "object").id != old


def test_restoring_brings_all_back_as_it_was(grown):
    grown.plant("/a/b")
    grown.set_tags("/a/b", ["hot"])
    before = grown.resolve("/a/b")

    grown.trash("/a")
    placed = grown.restore("/a")

    assert (placed.path, placed.objects) == ("/a", 2)
    assert grown.resolve("/a/b") == before
    assert grown.trashed() == []


def test_the_latest_deleted_of_a_path_comes_back_and_each_by_its_number(grown):
    grown.plant("/a")
    first = grown.trash("/a", now=1.0).id
    grown.create("/a", "lamp")
    grown.trash("/a", now=2.0)

    assert grown.resolve(grown.restore("/a").path).kind == "lamp"
    assert grown.resolve(grown.restore(first, "/older").path).kind == "object"


def test_a_taken_path_is_refused_with_the_way_out(grown):
    grown.plant("/a")
    grown.trash("/a")
    grown.create("/a", "object")

    with pytest.raises(Conflict) as refused:
        grown.restore("/a")

    assert refused.value.detail == "/a is taken by another object. Restore to another path with `to`."
    assert grown.restore("/a", "/b").path == "/b"


def test_a_missing_parent_is_refused_with_the_way_out(grown):
    grown.plant("/a/b")
    grown.trash("/a/b")
    grown.trash("/a")

    with pytest.raises(Conflict) as refused:
        grown.restore("/a/b")

    assert refused.value.detail == "/a, which b would be in, is not there. Create it, or restore elsewhere with `to`."


def test_where_the_parent_moved_the_refusal_says_where_to(grown):
    grown.plant("/a/b")
    grown.trash("/a/b")
    grown.move("/a", "/z")

    with pytest.raises(Conflict) as refused:
        grown.restore("/a/b")

    assert refused.value.detail == "/a, which b would be in, is not there. It is at /z now: restore to /z/b with `to`."


def test_what_was_deleted_before_its_parent_stays_deleted_when_the_parent_returns(grown):
    grown.plant("/a/b", "/a/c")
    grown.trash("/a/b")
    grown.trash("/a")

    grown.restore("/a")

    assert grown.live() == ["/a", "/a/c"]
    assert [item.path for item in grown.trashed()] == ["/a/b"]


def test_what_went_beneath_something_else_names_that(grown):
    grown.plant("/a/b")
    number = grown.trash("/a").id

    with pytest.raises(NoSuch) as refused:
        grown.restore("/a/b")

    assert refused.value.detail == f"/a/b was deleted together with /a. Restore that: its number is {number}."


def test_a_restored_object_inherits_from_where_it_is_now(grown):
    grown.plant("/a/b/c", "/z")
    grown.trash("/a/b")
    grown.set_settings("/a", {"sql.rows": 3})
    grown.set_settings("/z", {"sql.rows": 4})

    grown.restore("/a/b")
    assert grown.resolve("/a/b/c").effective == {"sql.rows": 3}

    grown.trash("/a/b")
    grown.restore("/a/b", "/z/b")
    assert grown.resolve("/z/b/c").effective == {"sql.rows": 4}


def test_a_restored_object_takes_its_old_path_over(grown):
    grown.plant("/a")
    grown.trash("/a")
    grown.plant("/a")
    grown.move("/a", "/b")
    with pytest.raises(Moved):
        grown.resolve("/a")

    grown.restore("/a")

    assert grown.resolve("/a").path == "/a"


def test_purging_erases_what_was_deleted_before_a_moment_for_good(grown):
    grown.plant("/a/b", "/c", "/live")
    ids = [grown.resolve(path).id for path in ("/a", "/a/b", "/c")]
    for object_id in [*ids, grown.resolve("/live").id]:
        grown.sql("insert into {s}.page values (%s, 0, 1, 1, 'x')", object_id)
        grown.sql("insert into {s}.page_history values (%s, 0, 1, 1, 'x')", object_id)
        grown.sql(
            "insert into {s}.journal"
            " (object_id, at, caller, via, command, arguments, outcome, detail, took_us, version)"
            " values (%s, now(), '', '', '', '{}'::jsonb, '', '', 0, 0)",
            object_id,
        )
        grown.sql(
            "insert into {s}.answer (object_id, caller, key, fingerprint, value, version, at)"
            " values (%s, '', 'k', 'x', 'null', 1, now())",
            object_id,
        )
    grown.sql("update {s}.object set pages = 1 where path = '/a/b'")
    grown.trash("/a", now=1000)
    grown.trash("/c", now=2000)

    gone = grown.purge(datetime.fromtimestamp(1500, UTC))

    assert gone == Measure(objects=2, size_bytes=4096)
    left = {ids[2], grown.resolve("/live").id}
    for table in ("page", "page_history", "journal", "answer"):
        assert {object_id for (object_id,) in grown.sql(f"select object_id from {{s}}.{table}")} == left
    assert [item.path for item in grown.trashed()] == ["/c"]
    assert grown.purge(datetime.fromtimestamp(1500, UTC)) == Measure(0, 0)


def test_one_deletion_can_be_erased(grown):
    grown.plant("/a/b", "/c")
    grown.trash("/a")
    grown.trash("/c")

    assert grown.erase("/a") == Measure(objects=2, size_bytes=0)
    assert [item.path for item in grown.trashed()] == ["/c"]
    with pytest.raises(NoSuch):
        grown.restore("/a")


def test_the_list_goes_on_where_it_ended(grown):
    grown.plant(*(f"/x/{number}" for number in range(5)), "/y")
    for number in range(5):
        grown.trash(f"/x/{number}", now=1000 + number)
    grown.trash("/y")

    first = grown.trashed(under="/x", limit=2)
    rest = grown.trashed(under="/x", before=first[-1].id)

    assert [item.path for item in [*first, *rest]] == ["/x/4", "/x/3", "/x/2", "/x/1", "/x/0"]
