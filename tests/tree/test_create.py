"""An object is created once, in a parent that is there."""

import pytest

from teams.problems import Conflict, Moved, NoSuch, OverLimit


def test_a_created_object_is_found_at_its_path(grown):
    created = grown.create("/a", "object")

    assert grown.resolve("/a") == created
    assert (created.path, created.name, created.kind, created.version, created.pages) == ("/a", "a", "object", 0, 0)


def test_creating_twice_is_a_conflict_that_names_the_kind(grown):
    grown.create("/a", "lamp")

    with pytest.raises(Conflict) as refused:
        grown.create("/a", "object")

    assert refused.value.detail == "/a exists already, as lamp. Choose another name."
    assert grown.resolve("/a").kind == "lamp"


def test_the_root_cannot_be_created_again(grown):
    with pytest.raises(Conflict) as refused:
        grown.create("/", "object")

    assert refused.value.detail == "/ exists already, as object. Choose another name."


def test_a_missing_parent_is_named_with_the_way_out(grown):
    with pytest.raises(NoSuch) as refused:
        grown.create("/a/b/c", "object")

    assert refused.value.detail == "/a/b: no such object to put c in. Create it first, or set `parents`."
    assert grown.live() == []


def test_parents_are_created_as_plain_objects(grown):
    grown.create("/a/b/c", "lamp", parents=True)

    assert [(path, grown.resolve(path).kind) for path in grown.live()] == [
        ("/a", "object"),
        ("/a/b", "object"),
        ("/a/b/c", "lamp"),
    ]


def test_a_parent_in_the_trash_is_no_parent(grown):
    grown.create("/a", "object")
    grown.trash("/a")

    with pytest.raises(NoSuch):
        grown.create("/a/b", "object")


def test_creating_below_an_old_path_says_where_it_went(grown):
    grown.create("/a", "object")
    grown.move("/a", "/z")

    with pytest.raises(Moved) as refused:
        grown.create("/a/b", "object")

    assert refused.value.extra == {"to": "/z/b"}


def test_two_forms_of_one_name_are_one_object(grown):
    grown.create("/caf\u00e9", "object")

    with pytest.raises(Conflict):
        grown.create("/cafe\u0301", "object")
    assert grown.resolve("/cafe\u0301").path == "/caf\u00e9"


def test_the_longest_path_can_be_created_and_found(grown):
    path = "".join(f"/{number:02}" + "\U0001f333" * 63 for number in range(63)) + "/" + "x" * 255

    grown.create(path, "object", parents=True)

    assert len(path.encode()) == 63 * 255 + 256
    assert grown.resolve(path).name == "x" * 255
    assert [entry.path for entry in grown.find(part="xxxx")] == [path]


def test_a_child_inherits_what_is_in_force_at_its_parent(grown):
    grown.create("/a", "object")
    grown.set_settings("/a", {"sql.rows": 7})

    assert grown.create("/a/b", "object").effective == {"sql.rows": 7}


def test_a_team_has_a_bounded_number_of_objects(grown, settings):
    grown.plant(*(f"/{number}" for number in range(20)))
    grown.sql("analyze {s}.object")
    settings.GROVE = type(settings.GROVE)(TREE_OBJECTS=10)

    with pytest.raises(OverLimit) as refused, grown.connection.transaction():
        grown.create("/one-more", "object")

    assert refused.value.detail == (
        "The team has about 21 objects, those in the trash included; 10 is the most (limit TREE_OBJECTS)."
        " Erase some first."
    )
    grown.sql("analyze {s}.object")
    assert "/one-more" not in grown.live()
