"""Lists and searches show what is asked for, in order, and nothing that the caller may not see."""

import pytest

from objects.tree.tree import Sight
from teams.access import Caller, Role, Scope
from teams.problems import WrongArgument
from tests.tree.conftest import paths


def sight(*grants: tuple[str, Role], scope: Scope | None = None) -> Sight:
    return Sight.of(Caller("ann", "x", grants, scope))


def test_a_folder_is_listed_by_name_with_counts_of_children(grown):
    grown.plant("/a/é", "/a/b/1", "/a/b/2", "/a/B", "/other")

    assert [(entry.name, entry.children) for entry in grown.children("/a")] == [("B", 0), ("b", 2), ("é", 0)]


def test_a_list_goes_on_where_it_ended(grown):
    grown.plant(*(f"/{number:02}" for number in range(7)))

    first = grown.children("/", limit=3)

    assert paths(first) == ["/00", "/01", "/02"]
    assert paths(grown.children("/", after=first[-1].name)) == ["/03", "/04", "/05", "/06"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"part": "report"}, ["/Annual Report", "/project/report", "/project/report-2"]),
        ({"part": "REPORT"}, ["/Annual Report", "/project/report", "/project/report-2"]),
        ({"part": "t/rep"}, ["/project/report", "/project/report-2"]),
        ({"part": "project/"}, ["/project/100%", "/project/report", "/project/report-2"]),
        ({"part": "0%"}, ["/project/100%"]),
        ({"part": "_"}, []),
        ({"part": "é"}, ["/project/report/Été"]),
        ({"part": "e\u0301t"}, ["/project/report/Été"]),
        ({"part": "ol"}, ["/project/report/old"]),
        ({"under": "/project/report"}, ["/project/report/old", "/project/report/Été"]),
        ({"tag": "hot"}, ["/project", "/project/report"]),
        ({"tag": "hot", "under": "/project"}, ["/project/report"]),
        ({"kind": "lamp"}, ["/lamp"]),
        ({"kind": "object", "tag": "hot", "part": "port"}, ["/project/report"]),
        ({"kind": "none"}, []),
    ],
)
def test_all_that_is_asked_for_must_be_so(grown, asked, found):
    grown.plant("/project/report/old", "/project/report/Été", "/project/report-2", "/Annual Report", "/project/100%")
    grown.create("/lamp", "lamp")
    grown.add_tags("/project", ["hot"])
    grown.add_tags("/project/report", ["hot", "new"])

    assert paths(grown.find(**asked)) == found


def test_a_search_goes_on_where_it_ended_also_where_long_paths_begin_alike(grown):
    long = "/" + "x" * 255
    grown.plant(*(f"{long}/{number}" for number in range(6)))

    first = grown.find(limit=3)
    rest = grown.find(after=first[-1].path)

    assert paths([*first, *rest]) == [long, *(f"{long}/{number}" for number in range(6))]


@pytest.mark.parametrize(
    "asked", [{"part": "a\0"}, {"part": "x" * 256}, {"kind": "\0"}, {"tag": "Hot"}, {"limit": 0}, {"after": "x"}]
)
def test_what_nothing_can_be_called_is_refused(grown, asked):
    with pytest.raises(WrongArgument) as refused:
        grown.find(**asked)

    assert [refused.value.field] == list(asked)


def test_what_is_hidden_is_in_no_list_and_no_count(grown):
    grown.plant("/a/secret/x", "/a/open/1", "/a/open/hidden", "/a/secret/shown/y")
    seen = sight(
        ("/", Role.VIEWER), ("/a/secret", Role.NONE), ("/a/open/hidden", Role.NONE), ("/a/secret/shown", Role.VIEWER)
    )

    assert [(entry.path, entry.children) for entry in grown.children("/a", sight=seen)] == [("/a/open", 1)]
    assert grown.describe("/a", sight=seen).children == 1
    assert paths(grown.find(sight=seen)) == ["/a", "/a/open", "/a/open/1", "/a/secret/shown", "/a/secret/shown/y"]


def test_who_has_a_grant_on_a_subtree_sees_that_subtree(grown):
    grown.plant("/a/b/c", "/a/x", "/b", "/a/b2")
    seen = sight(("/a/b", Role.VIEWER))

    assert paths(grown.find(sight=seen)) == ["/a/b", "/a/b/c"]
    assert paths(grown.children("/", sight=seen)) == []
    assert paths(grown.children("/a", sight=seen)) == ["/a/b"]
    assert paths(grown.children("/a/b", sight=seen)) == ["/a/b/c"]


def test_a_tokens_paths_bound_what_its_person_sees(grown):
    grown.plant("/a/b", "/c/d", "/c/no")
    seen = sight(("/", Role.OWNER), ("/c/no", Role.NONE), scope=Scope(paths=("/c",)))

    assert paths(grown.find(sight=seen)) == ["/c", "/c/d"]


def test_nobody_sees_nothing(grown):
    grown.plant("/a")

    assert grown.find(sight=Sight.of(Caller.nobody())) == []
    assert grown.trashed(sight=Sight.of(Caller.nobody())) == []


def test_the_trash_hides_what_was_hidden(grown):
    grown.plant("/a/x", "/b")
    grown.trash("/a/x")
    grown.trash("/b")

    assert [item.path for item in grown.trashed(sight=sight(("/", Role.VIEWER), ("/a", Role.NONE)))] == ["/b"]
