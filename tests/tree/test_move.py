"""A subtree moves as one, and its old paths tell where it went."""

import pytest

from teams.problems import Conflict, Moved, NoSuch, WrongArgument


def went(grown, path: str) -> str:
    """Give where an old path says that its object is."""
    with pytest.raises(Moved) as moved:
        grown.resolve(path)
    return str(moved.value.extra["to"])


def test_all_beneath_comes_along(grown):
    grown.plant("/a/b/c", "/a/d", "/ab")

    placed = grown.move("/a", "/z")

    assert (placed.path, placed.objects) == ("/z", 4)
    assert grown.live() == ["/ab", "/z", "/z/b", "/z/b/c", "/z/d"]


def test_an_object_keeps_its_identity(grown):
    grown.plant("/a/b", "/z")
    before = grown.resolve("/a/b").id

    grown.move("/a/b", "/z/renamed")

    assert grown.resolve("/z/renamed").id == before


def test_old_paths_and_all_beneath_answer_with_where_they_went(grown):
    grown.plant("/a/b/c", "/new")

    grown.move("/a", "/new/a")

    assert [went(grown, path) for path in ("/a", "/a/b", "/a/b/c")] == ["/new/a", "/new/a/b", "/new/a/b/c"]


def test_chains_of_moves_resolve_to_where_it_is_now(grown):
    grown.plant("/a/x", "/c")
    grown.move("/a", "/b")
    grown.move("/b/x", "/c/x")
    grown.move("/c", "/d")

    assert [went(grown, path) for path in ("/a", "/a/x", "/b/x", "/c/x")] == ["/b", "/d/x", "/d/x", "/d/x"]


def test_moving_there_and_back_leaves_only_one_redirect(grown):
    grown.plant("/a")
    grown.move("/a", "/b")
    grown.move("/b", "/a")

    assert grown.resolve("/a").path == "/a"
    assert went(grown, "/b") == "/a"


def test_an_object_made_at_an_old_path_takes_it_over(grown):
    grown.plant("/a/x")
    grown.move("/a", "/b")

    grown.create("/a", "object")

    assert grown.resolve("/a").path == "/a"
    with pytest.raises(NoSuch):
        grown.resolve("/a/x")


def test_a_subtree_moved_onto_old_paths_takes_them_over(grown):
    grown.plant("/a/x", "/q/x", "/c")
    grown.move("/a/x", "/c/x")
    grown.move("/a", "/b")

    grown.move("/q", "/a")

    assert grown.resolve("/a/x").path == "/a/x"
    grown.trash("/a/x")
    with pytest.raises(NoSuch):
        grown.resolve("/a/x")


def test_where_the_moved_object_is_deleted_its_old_path_is_nothing(grown):
    grown.plant("/a")
    grown.move("/a", "/b")
    grown.trash("/b")

    with pytest.raises(NoSuch):
        grown.resolve("/a")


@pytest.mark.parametrize(
    ("path", "to", "problem", "detail"),
    [
        ("/", "/x", Conflict, "The root cannot be moved. Name an object beneath it."),
        ("/a", "/a", Conflict, "/a cannot be moved to /a: that is itself or beneath it. Choose a path outside of /a."),
        (
            "/a",
            "/a/b/c",
            Conflict,
            "/a cannot be moved to /a/b/c: that is itself or beneath it. Choose a path outside of /a.",
        ),
        ("/a", "/taken", Conflict, "/taken exists already, as object. Choose another path."),
        ("/a", "/", Conflict, "/ exists already, as object. Choose another path."),
        ("/a", "/no/a", NoSuch, "/no: no such object to put a in. Create it first, or set `parents`."),
        ("/no", "/x", NoSuch, "/no: no such object."),
    ],
)
def test_what_cannot_be_moved_is_refused_and_stays(grown, path, to, problem, detail):
    grown.plant("/a/b", "/taken")

    with pytest.raises(problem) as refused, grown.connection.transaction():
        grown.move(path, to)

    assert refused.value.detail == detail
    assert grown.live() == ["/a", "/a/b", "/taken"]


def test_what_would_be_too_deep_is_refused(grown):
    grown.plant("/a/b/c", "/x" * 62)

    with pytest.raises(WrongArgument) as refused, grown.connection.transaction():
        grown.move("/a", "/x" * 62 + "/a")

    assert refused.value.field == "to"
    assert refused.value.detail.endswith("the deepest object beneath would have 65 names in its path; 64 is the most.")
    assert grown.move("/a/b", "/x" * 62 + "/b").objects == 2


def test_what_is_inherited_follows_the_new_place(grown):
    grown.plant("/a/b/c", "/z")
    grown.set_settings("/a", {"sql.rows": 1})
    grown.set_settings("/a/b", {"sql.seconds": 1})
    grown.set_settings("/z", {"sql.rows": 9, "quota.bytes": "1MiB"})

    grown.move("/a/b", "/z/b")

    assert grown.resolve("/z/b/c").effective == {"sql.rows": 9, "sql.seconds": 1.0, "quota.bytes": 1_048_576}
