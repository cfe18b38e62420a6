"""A copy is a subtree of its own, equal at that moment."""

import pytest

from teams.problems import Conflict


def pages(grown, path: str) -> list[tuple]:
    object_id = grown.resolve(path).id
    return [*grown.sql("select no, version, bucket, data from {s}.page where object_id = %s order by no", object_id)]


def test_objects_tags_settings_and_pages_are_copied(grown):
    grown.plant("/a/b", "/z")
    grown.set_tags("/a/b", ["hot"])
    grown.set_settings("/a/b", {"sql.rows": 5})
    grown.set_settings("/z", {"sql.seconds": 1})
    object_id = grown.resolve("/a/b").id
    grown.sql("insert into {s}.page values (%s, 0, 3, 1, 'zero'), (%s, 1, 4, 1, 'one')", object_id, object_id)
    grown.sql("update {s}.object set version = 4, pages = 2 where id = %s", object_id)

    placed = grown.copy("/a", "/z/copy")

    copied = grown.resolve("/z/copy/b")
    assert (placed.path, placed.objects) == ("/z/copy", 2)
    assert copied.id != object_id
    assert (copied.tags, copied.settings, copied.version, copied.pages) == (["hot"], {"sql.rows": 5}, 4, 2)
    assert copied.effective == {"sql.rows": 5, "sql.seconds": 1.0}
    assert pages(grown, "/z/copy/b") == pages(grown, "/a/b") == [(0, 3, 1, b"zero"), (1, 4, 1, b"one")]
    assert grown.live() == ["/a", "/a/b", "/z", "/z/copy", "/z/copy/b"]


def test_a_copy_takes_over_an_old_path(grown):
    grown.plant("/a", "/c")
    grown.move("/a", "/b")

    grown.copy("/c", "/a")

    assert grown.resolve("/a").path == "/a"


def test_a_copy_into_itself_is_refused(grown):
    grown.plant("/a")

    with pytest.raises(Conflict) as refused:
        grown.copy("/a", "/a/b")

    assert (
        refused.value.detail
        == "/a cannot be copied to /a/b: that is itself or beneath it. Choose a path outside of /a."
    )


def test_a_copy_onto_something_is_refused(grown):
    grown.plant("/a", "/b")

    with pytest.raises(Conflict) as refused:
        grown.copy("/a", "/b")

    assert refused.value.detail == "/b exists already, as object. Choose another path."
