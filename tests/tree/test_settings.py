"""Settings are inherited down the tree; tags are words."""

import pytest

from objects.tree.settings import Settings
from teams.problems import NoSuch, WrongArgument


def test_what_is_set_holds_for_all_beneath_until_something_nearer(grown):
    grown.plant("/a/b/c", "/z")

    grown.set_settings("/a/b", {"sql.rows": 20})
    grown.set_settings("/a", {"sql.rows": 10, "sql.seconds": "500ms"})

    assert [grown.resolve(path).effective for path in ("/", "/a", "/a/b", "/a/b/c", "/z")] == [
        {},
        {"sql.rows": 10, "sql.seconds": 0.5},
        {"sql.rows": 20, "sql.seconds": 0.5},
        {"sql.rows": 20, "sql.seconds": 0.5},
        {},
    ]


def test_taking_a_setting_away_puts_what_is_above_in_force(grown):
    grown.plant("/a/b")
    grown.set_settings("/", {"sql.rows": 5})
    grown.set_settings("/a", {"sql.rows": 7})

    assert grown.set_settings("/a", {"sql.rows": None}) == {}
    assert grown.resolve("/a/b").effective == {"sql.rows": 5}


def test_every_wrong_setting_is_told_and_none_is_set(grown):
    grown.plant("/a")

    with pytest.raises(WrongArgument) as refused:
        grown.set_settings("/a", {"sql.row": 5, "sql.rows": 0, "sql.seconds": "soon", "quota.bytes": "1MB"})

    assert refused.value.extra["fields"] == {
        "sql.row": "no setting 'sql.row'. Did you mean 'sql.rows'? Settings: quota.bytes, file.bytes, call.seconds,"
        " result.bytes, sql.seconds, sql.rows, history.keep_seconds,"
        " browser.allow, browser.deny.",
        "sql.rows": "sql.rows: 0 is not between 1 and 10,000 rows.",
        "sql.seconds": "sql.seconds: 'soon' is not a number of seconds, or text with one of ms, s, m, h, d.",
    }
    assert grown.resolve("/a").settings == {}


def test_the_installations_limit_is_the_default_and_the_ceiling(settings):
    assert Settings({}).quota_bytes == settings.GROVE.OBJECT_BYTES
    assert Settings({"sql.rows": 10**9}).sql_rows == settings.GROVE.SQL_ROWS
    assert Settings({"sql.rows": 3}).as_dict()["sql.rows"] == 3


def test_tags_are_kept_once_and_in_order(grown):
    grown.plant("/a")

    assert grown.add_tags("/a", ["new", "hot", "new"]) == ["hot", "new"]
    assert grown.add_tags("/a", ["env:prod"]) == ["env:prod", "hot", "new"]
    assert grown.remove_tags("/a", ["new"]) == ["env:prod", "hot"]
    assert grown.set_tags("/a", ["été"]) == ["été"]
    assert grown.resolve("/a").tags == ["été"]


@pytest.mark.parametrize("tag", ["", "Hot", "two words", "-x", "a,b", "x" * 65, "a\0"])
def test_what_is_no_tag_is_refused(grown, tag):
    with pytest.raises(WrongArgument):
        grown.add_tags("/", [tag])

    assert grown.resolve("/").tags == []


def test_taking_away_a_tag_that_is_not_there_names_those_that_are(grown):
    grown.add_tags("/", ["hot"])

    with pytest.raises(NoSuch) as refused:
        grown.remove_tags("/", ["cold"])

    assert refused.value.detail == "/ has no tag 'cold'. Its tags: hot."


def test_an_object_has_64_tags_at_most(grown):
    with pytest.raises(WrongArgument) as refused, grown.connection.transaction():
        grown.add_tags("/", [f"t{number}" for number in range(65)])

    assert refused.value.detail == "/ would have 65 tags; 64 is the most. Remove some first."
    assert grown.resolve("/").tags == []
