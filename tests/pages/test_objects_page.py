"""The table of objects: a folder, a search, an order; and the rows of the tree beside the page."""

import re
from contextlib import suppress
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from objects.engine.running import engine
from objects.surfaces.pages.objects_page import search_words
from teams import callers
from teams.access import Role
from teams.problems import Problem, WrongArgument


def names(html: str) -> list[str]:
    """What the table shows, in its order, below the folder itself."""
    html = re.sub(r'<tr class="itself">.*?</tr>', "", html)
    return [unescape(each) for each in re.findall(r'<i class="dot [^"]*"></i><a href="[^"]+">(.*?)</a>', html)]


def rows(html: str) -> list[tuple[str, int, str]]:
    """The rows of the tree: path, depth, and whether it is open ("" for what has nothing beneath it)."""
    found = re.findall(r'data-path="([^"]*)" data-depth="(\d+)"(?: data-open="(\w+)")?', html)
    return [(unescape(path), int(depth), is_open) for path, depth, is_open in found]


@pytest.fixture(scope="module")
def listed(owner, team):
    """Ask for the table: `listed(at="/a", sort="size")` gives what it shows."""

    def ask(**query: str) -> list[str]:
        answer = owner.get(f"/t/{team.slug}/objects/", query)
        assert answer.status_code == 200
        return names(answer.content.decode())

    return ask


def test_a_folder_shows_what_is_right_beneath_it_and_on_demand_all(listed, make):
    make("/garden/bed/basil")
    make("/garden/tree")

    assert listed(at="/garden") == ["bed", "tree"]
    assert listed(at="/garden", deep="yes") == ["/garden/bed", "/garden/bed/basil", "/garden/tree"]


def test_htmx_gets_the_table_alone_and_further_rows_alone(signed_in, team, make):
    for number in range(61):
        make(f"/hundred/n{number:03}")
    htmx = signed_in(team.owner, htmx=True)

    table = htmx.get(f"/t/{team.slug}/objects/?at=/hundred").content.decode()
    more = unescape(re.search(r'href="([^"]+after=[^"]+)">More', table).group(1))
    rest = htmx.get(more).content.decode()

    assert "<!doctype" not in table
    assert (len(names(table)), names(rest)) == (60, ["n060"])
    assert "<table" not in rest


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("orders", {"part": "orders"}),
        ("kind:object tag:shop  big orders", {"kind": "object", "tag": "shop", "part": "big orders"}),
        ('state:"mode=dark green" x', {"state": "mode=dark green", "part": "x"}),
        ('state:"half typ', {"state": "half typ"}),
        ("error:conflict", {"error": "conflict"}),
        ("error: x", {"error": "*", "part": "x"}),
        ("error:", {"error": "*"}),
        ("tag:", {"part": "tag:"}),
        ("a:b", {"part": "a:b"}),
        ("", {}),
    ],
)
def test_the_search_box_reads_kinds_tags_state_errors_and_parts(typed, words):
    assert search_words(typed) == words


def test_two_kinds_are_refused():
    with pytest.raises(WrongArgument):
        search_words("kind:a kind:b")


def test_search_finds_by_part_kind_tag_state_and_last_error(listed, owner, team, call, make):
    for path in ("/find/red apple", "/find/green apple"):
        make(path)
    call("/find/red apple", "tree.tag", tags=["ripe"])
    call("/find/red apple", "state.set", key="mode", value="Slow Cooking")
    owner.post(f"/t/{team.slug}/o/find/green apple:state.incr", {"key": "mode", "by": "1"})
    call("/find/green apple", "state.set", key="mode", value="text")
    owner.post(f"/t/{team.slug}/o/find/green apple:state.incr", {"key": "mode", "by": "1"})

    assert listed(find="apple") == ["/find/green apple", "/find/red apple"]
    assert listed(find="apple tag:ripe kind:object") == ["/find/red apple"]
    assert listed(find="tag:ripe pear") == []
    assert listed(find='state:"mode=slow"') == ["/find/red apple"]
    assert listed(find="apple error:") == ["/find/green apple"]
    assert listed(find="apple", error="yes") == ["/find/green apple"]
    assert listed(find="error:number") == ["/find/green apple"]
    shown = owner.get(f"/t/{team.slug}/objects/", {"find": "error:number"}).content.decode()
    assert re.findall(r'<span class="why">(.*?)</span>', shown) == [
        "conflict: mode: its value is no number, so nothing can be added. Set it to one first."
    ]


def test_sorting_puts_the_largest_the_last_called_and_the_most_failing_first(listed, owner, team, call, make):
    for name in ("a", "b", "c"):
        make(f"/sorted/{name}")
    call("/sorted/b", "files.put", name="f", content="x" * 20_000)
    call("/sorted/c", "state.set", key="k", value="text")
    for _ in range(2):
        owner.post(f"/t/{team.slug}/o/sorted/c:state.incr", {"key": "k"})

    assert listed(at="/sorted", sort="size") == ["b", "c", "a"]
    assert listed(at="/sorted", sort="called") == ["c", "b", "a"]
    assert listed(at="/sorted", sort="errors") == ["c", "a", "b"]
    assert listed(at="/sorted", sort="nonsense") == ["a", "b", "c"]


def test_a_sorted_list_goes_on_where_it_ended(call, make, listed):
    for number in range(5):
        make(f"/long/n{number}")
        if number % 2:
            call(f"/long/n{number}", "files.put", name="f", content="x" * 10_000 * number)
    listed(at="/long")  # takes in what happened

    seen, after = [], None
    while True:
        answer = call("/long", "tree.find", near=True, sort="size", limit=2, **({"after": after} if after else {}))
        seen += [each["name"] for each in answer["objects"]]
        after = answer["next"]
        if after is None:
            break

    assert seen == ["n3", "n1", "n0", "n2", "n4"]


def test_a_viewer_sees_no_way_to_choose(signed_in, team, member, make):
    make("/plain")
    viewer = signed_in(member(team, Role.VIEWER))

    html = viewer.get(f"/t/{team.slug}/objects/").content.decode()

    assert "/plain" in html
    assert 'name="path"' not in html
    assert "New object" not in html


def test_a_guest_begins_at_what_was_granted(signed_in, team, member, make):
    make("/open/one")
    make("/closed/two")
    guest = signed_in(member(team, Role.NONE, {"/open": Role.VIEWER}))

    html = guest.get(f"/t/{team.slug}/objects/").content.decode()

    assert names(html) == ["one"]
    assert rows(html) == [("/open", 0, "yes"), ("/open/one", 1, "")]
    assert "closed" not in html


# The tree beside the page


def test_the_way_down_to_the_object_is_open_and_marked(owner, team, make):
    make("/way/down/here")
    make("/way/other")

    html = owner.get(f"/t/{team.slug}/o/way/down/here").content.decode()
    shown = [each for each in rows(html) if each[0].startswith("/way")]

    assert shown == [
        ("/way", 0, "yes"), ("/way/down", 1, "yes"), ("/way/down/here", 2, ""), ("/way/other", 1, ""),
    ]  # fmt: skip
    assert re.search(r'aria-current="page"><i[^>]*></i><span>here</span>', html)


def test_a_folder_left_open_is_open_on_the_next_page_until_it_is_closed(owner, team, make):
    make("/kept/inside")
    opened, page = f"/t/{team.slug}/opened/", f"/t/{team.slug}/objects/"

    answer = owner.post(opened, {"path": "/kept", "open": "yes"})
    left_open = rows(owner.get(page).content.decode())
    owner.post(opened, {"path": "/kept", "open": "no"})
    closed = rows(owner.get(page).content.decode())

    assert answer.status_code == 204
    assert ("/kept/inside", 1, "") in left_open
    assert ("/kept", 0, "no") in closed
    assert ("/kept/inside", 1, "") not in closed


def test_a_folder_that_moved_is_still_open(owner, team, make, call):
    make("/before/inside")
    owner.post(f"/t/{team.slug}/opened/", {"path": "/before", "open": "yes"})

    call("/before", "tree.move", to="/afterwards")

    assert ("/afterwards/inside", 1, "") in rows(owner.get(f"/t/{team.slug}/objects/").content.decode())


def filled(team, count: int) -> None:
    """Make objects right beneath the root."""
    caller = callers.for_person(team.owner.pk, team.slug)
    for number in range(count):
        engine().call(team.schema_name, "/", "tree.create", {"name": f"n{number:03}"}, caller)


def test_a_large_folder_comes_in_parts_and_what_is_shown_stands_in_it(signed_in, new_team):
    team = new_team()
    filled(team, 70)

    html = signed_in(team.owner).get(f"/t/{team.slug}/o/n069").content.decode()
    more = unescape(re.search(r'data-more="([^"]+)"', html).group(1))
    rest = rows(signed_in(team.owner, htmx=True).get(more).content.decode())

    assert [path for path, _, _ in rows(html)] == [*(f"/n{number:03}" for number in range(60)), "/n069"]
    assert rest == [(f"/n{number:03}", 0, "") for number in range(60, 70)]


def test_the_filter_of_the_tree_gives_rows_and_no_table(signed_in, team, make):
    make("/filtered/needle")
    htmx = signed_in(team.owner, htmx=True)

    found = htmx.get(f"/t/{team.slug}/objects/?part=outline&find=needle").content.decode()
    nothing = htmx.get(f"/t/{team.slug}/objects/?part=outline&find=haystack").content.decode()
    whole = htmx.get(f"/t/{team.slug}/objects/?part=outline&find=").content.decode()

    assert rows(found) == [("/filtered/needle", 0, "")]
    assert "Nothing is called that." in nothing
    assert ("/filtered", 0, "no") in rows(whole)


def test_pinned_objects_stand_above_the_tree_until_unpinned(owner, team, make):
    make("/pins/one")
    address = f"/t/{team.slug}/pinned/"

    pinned = owner.post(address, {"path": "/pins/one", "pin": "yes"})
    html = owner.get(f"/t/{team.slug}/").content.decode()
    owner.post(address, {"path": "/pins/one", "pin": "no"})

    assert (pinned.status_code, pinned.headers["Location"]) == (303, f"/t/{team.slug}/o/pins/one")
    assert 'title="/pins/one"' in html
    assert 'title="/pins/one"' not in owner.get(f"/t/{team.slug}/").content.decode()


def test_nobody_pins_what_is_hidden(signed_in, team, member, make):
    make("/hidden/one")
    guest = signed_in(member(team, Role.EDITOR, {"/hidden": Role.NONE}))

    answers = [guest.post(f"/t/{team.slug}/pinned/", {"path": path, "pin": "yes"}) for path in ("/hidden/one", "/no")]

    assert [each.status_code for each in answers] == [404, 404]


def test_a_page_asks_as_much_for_many_objects_as_for_few(signed_in, new_team):
    team = new_team()
    browser = signed_in(team.owner)
    counts: dict[str, list[int]] = {}

    for count in (3, 90):
        filled(team, count)
        for address in ("", "objects/", "objects/?sort=size", "objects/?find=n", "gallery/", "trash/", "o/n001"):
            browser.get(f"/t/{team.slug}/{address}")
            with CaptureQueriesContext(connection) as asked:
                browser.get(f"/t/{team.slug}/{address}")
            counts.setdefault(address, []).append(len(asked))

    assert {address: few == many for address, (few, many) in counts.items()} == dict.fromkeys(counts, True), counts


def test_paused_objects_are_marked_and_filtered_for(owner, team, make, call):
    for path in ("/still/a", "/still/b"):
        make(path)
    call("/still/a", "tree.pause")

    plain, only, worded = (
        owner.get(f"/t/{team.slug}/objects/?at=/still{query}").content.decode()
        for query in ("", "&paused=yes", "&find=is:paused")
    )

    assert plain.count(">paused</a>") == 1
    assert [re.findall(r'<tr data-path="([^"]*)"', page) for page in (plain, only, worded)] == [
        ["/still/a", "/still/b"], ["/still/a"], ["/still/a"],
    ]  # fmt: skip
    call("/still/a", "tree.resume")


def test_an_object_that_is_paused_says_so_on_its_page_with_the_way_on(owner, signed_in, member, team, make, call):
    make("/still/page")
    call("/still/page", "tree.pause")
    viewer = signed_in(member(team, Role.VIEWER))

    mine = owner.get(f"/t/{team.slug}/o/still/page:/state").content.decode()
    theirs = viewer.get(f"/t/{team.slug}/o/still/page").content.decode()

    assert "<b>Paused</b>" in mine
    assert f'action="/t/{team.slug}/o/still/page:tree.resume"' in mine
    assert "<b>Paused</b>" in theirs
    assert "tree.resume" not in theirs.partition('id="facts"')[2].partition("</div>")[0]


def test_the_folder_itself_is_a_row_with_its_errors_the_root_too(owner, team, call):
    call("/", "state.set", key="x", value="no number")
    for _ in range(2):
        with suppress(Problem):
            call("/", "state.incr", key="x")

    plain, failing = (
        owner.get(f"/t/{team.slug}/objects/{query}").content.decode() for query in ("", "?error=yes&sort=errors")
    )

    for page in (plain, failing):
        row = page.partition('<tr class="itself">')[2].partition("</tr>")[0]
        assert f'<a href="/t/{team.slug}/o/">/</a>' in row
        assert ">2</span>" in row
