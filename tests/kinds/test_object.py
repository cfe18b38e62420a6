"""The plain object: all facilities, and nothing of its own."""

from objects.commands.registry import registry


def test_it_has_every_facility_and_no_command_of_its_own():
    plain = registry.commands("object")

    assert {spec.facility for spec in plain.values()} == set(registry.facilities)


def test_its_state_takes_whatever_is_put_in(grove):
    path = grove.new("object")

    grove.call(path, "state.set", key="anything", value={"deep": [1, None, "x"]})

    assert grove.call(path, "state.get", key="anything") == {"deep": [1, None, "x"]}


def test_its_help_is_answered_like_any_command(grove):
    path = grove.new("object")

    page = grove.call(path, "help")

    assert (page["title"], page["kind"]["name"], page["kind"]["commands"]) == (f"{path}  object", "object", [])
    assert [group["name"] for group in page["facilities"]] == list(registry.facilities)
