"""The tree's commands reach no further than the caller may."""

import pytest

from teams.access import Caller, Role
from teams.problems import Moved, NeedsConfirmation, NoSuch, NotAllowed, WrongArgument


def as_one_with(grove, *grants: tuple[str, Role]):
    return grove.acting_as(Caller("ann", grove.schema, grants, id="ann"))


def test_an_object_is_created_beneath_the_one_called_on(grove):
    project = grove.new(name="project")

    created = grove.call(project, "tree.create", name="42", kind="object")

    assert created == {"path": f"{project}/42", "kind": "object"}
    assert [item["name"] for item in grove.call(project, "tree.list")["objects"]] == ["42"]


def test_an_unknown_kind_is_refused(grove):
    with pytest.raises(NoSuch):
        grove.call(grove.new(), "tree.create", name="x", kind="unheard-of")


def test_a_moved_object_answers_at_its_new_path_and_the_old_one_says_where(grove):
    path = grove.new()
    grove.call(path, "state.set", key="x", value=1)

    placed = grove.call(path, "tree.move", to=f"{path}-new")

    assert placed == {"path": f"{path}-new", "objects": 1}
    assert grove.call(f"{path}-new", "state.get", key="x") == 1
    with pytest.raises(Moved) as moved:
        grove.call(path, "state.get", key="x")
    assert moved.value.extra == {"to": f"{path}-new"}


def test_a_copy_has_what_was_set_before(grove):
    path = grove.new()
    grove.call(path, "state.set", key="x", value=1)
    grove.call(path, "tree.copy", to=f"{path}-twin")

    grove.call(path, "state.set", key="x", value=2)

    assert grove.call(f"{path}-twin", "state.get", key="x") == 1


def test_deleting_asks_first_and_says_what_goes(grove):
    path = grove.new()
    grove.call(path, "tree.create", name="child")

    with pytest.raises(NeedsConfirmation) as asked:
        grove.call(path, "tree.delete")

    assert asked.value.detail == f"Puts {path} into the trash: 2 objects, 0B."
    assert grove.call(path, "tree.list")["objects"] != []


def test_a_deleted_object_is_gone_until_it_is_restored_from_above(grove):
    path = grove.new()
    grove.call(path, "state.set", key="x", value=1)
    grove.outcome(path, "tree.delete", confirmed=True, check=True)
    with pytest.raises(NoSuch):
        grove.call(path, "state.get", key="x")

    grove.call(grove.home, "tree.restore", what=path)

    assert grove.call(path, "state.get", key="x") == 1


def test_moving_to_where_one_may_not_write_is_refused(grove):
    path, theirs = grove.new(), grove.new()
    ann = as_one_with(grove, (path, Role.EDITOR), (theirs, Role.VIEWER))

    with pytest.raises(NotAllowed):
        ann.call(path, "tree.move", to=f"{theirs}/taken")
    with pytest.raises(NoSuch):
        ann.call(path, "tree.move", to=f"{grove.home}/unseen")
    assert grove.call(path, "tree.tags") == []


@pytest.mark.parametrize("command", ["tree.move", "tree.copy", "tree.delete"])
def test_what_hides_something_from_the_caller_is_not_moved_copied_or_deleted(grove, command):
    path = grove.new()
    grove.call(path, "tree.create", name="secret")
    ann = as_one_with(grove, (grove.home, Role.EDITOR), (f"{path}/secret", Role.NONE))
    arguments = {} if command == "tree.delete" else {"to": f"{path}-new"}

    problem = ann.outcome(path, command, arguments, confirmed=True).problem

    assert isinstance(problem, NotAllowed)
    assert grove.call(f"{path}/secret", "tree.tags") == []


def test_lists_show_only_what_the_caller_sees(grove):
    path = grove.new()
    grove.call(path, "tree.create", name="open")
    grove.call(path, "tree.create", name="secret")
    ann = as_one_with(grove, (path, Role.VIEWER), (f"{path}/secret", Role.NONE))

    assert [item["name"] for item in ann.call(path, "tree.list")["objects"]] == ["open"]
    assert [item["name"] for item in ann.call(path, "tree.find")["objects"]] == ["open"]
    assert ann.call(path, "tree.describe")["children"] == 1


def test_settings_are_for_admins_and_wrong_ones_are_named(grove):
    path = grove.new()

    with pytest.raises(NotAllowed):
        as_one_with(grove, (path, Role.EDITOR)).call(path, "tree.set", name="sql.rows", value=5)
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "tree.set", name="sql.rowz", value=5)

    assert "Did you mean 'sql.rows'?" in refused.value.detail
    assert grove.call(path, "tree.set", name="sql.rows", value=5)["here"] == {"sql.rows": 5}
