"""The tree of a team: folders, search, new objects, the trash."""

import re
from html import unescape

import pytest

from objects.surfaces.pages.tree_pages import search_words
from teams.access import Role
from teams.problems import WrongArgument


def names(html: str) -> list[str]:
    """What a list of objects shows, in its order."""
    return [unescape(each) for each in re.findall(r'class="node-name"><a href="[^"]+">(.*?)</a>', html)]


def test_a_folder_shows_what_is_right_beneath_it_and_opens_in_place(signed_in, team, make):
    make("/garden/bed/basil")
    make("/garden/tree")

    whole = signed_in(team.owner).get(f"/t/{team.slug}/?at=/garden").content.decode()
    branch = signed_in(team.owner, htmx=True).get(f"/t/{team.slug}/?at=/garden/bed").content.decode()

    assert names(whole) == ["bed", "tree"]
    assert f'hx-get="/t/{team.slug}/?at=%2Fgarden%2Fbed"' in whole
    assert names(branch) == ["basil"]
    assert "<!doctype" not in branch


def test_a_long_folder_goes_on(owner, team, make):
    for number in range(101):
        make(f"/hundred/n{number:03}")

    first = owner.get(f"/t/{team.slug}/?at=/hundred").content.decode()
    more = unescape(re.search(r'href="([^"]+after=[^"]+)">More', first).group(1))

    assert (len(names(first)), names(owner.get(more).content.decode())) == (100, ["n100"])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("orders", {"part": "orders"}),
        ("kind:object tag:shop  big orders", {"kind": "object", "tag": "shop", "part": "big orders"}),
        ("tag:", {"part": "tag:"}),
        ("a:b", {"part": "a:b"}),
    ],
)
def test_the_search_box_reads_kinds_tags_and_parts(typed, words):
    assert search_words(typed) == words


def test_two_kinds_are_refused():
    with pytest.raises(WrongArgument):
        search_words("kind:a kind:b")


def test_search_finds_by_part_kind_and_tag(owner, team, call, make):
    make("/find/red apple")
    make("/find/green apple")
    call("/find/red apple", "tree.tag", tags=["ripe"])

    def found(text: str) -> list[str]:
        return names(owner.get(f"/t/{team.slug}/", {"find": text}).content.decode())

    assert found("apple") == ["/find/green apple", "/find/red apple"]
    assert found("apple tag:ripe kind:object") == ["/find/red apple"]
    assert found("tag:ripe pear") == []


def test_a_new_object_is_made_with_what_is_above_it_and_opened(owner, team, call):
    response = owner.post(f"/t/{team.slug}/new/", {"path": "/new/deep/one", "kind": "object"})

    assert (response.status_code, response.headers["Location"]) == (303, f"/t/{team.slug}/o/new/deep/one")
    assert call("/new/deep/one", "tree.describe")["kind"] == "object"


@pytest.mark.parametrize(
    ("path", "status"), [("no slash", 422), ("/a//b", 422), ("", 422), ("/there", 409)]
)  # fmt: skip
def test_a_refused_new_object_keeps_what_was_typed(owner, team, make, path, status):
    if path == "/there":
        make(path)

    response = owner.post(f"/t/{team.slug}/new/", {"path": path, "kind": "object"})

    assert response.status_code == status
    assert f'name="path" value="{path}"' in response.content.decode()
    assert 'class="refusal"' in response.content.decode()


def test_what_is_in_the_trash_comes_back_where_it_was_or_elsewhere(owner, team, call, make):
    for path in ("/bin/a", "/bin/b"):
        make(path)
        owner.post(f"/t/{team.slug}/o{path}:tree.delete", {"_confirmed": "yes"})
    make("/bin/b")

    html = owner.get(f"/t/{team.slug}/trash/").content.decode()
    numbers = dict(re.findall(r'for="to-(\d+)">Restore (\S+) to', html))
    number = {path: number for number, path in numbers.items()}
    back = owner.post(f"/t/{team.slug}/trash/", {"what": number["/bin/a"]})
    taken = owner.post(f"/t/{team.slug}/trash/", {"what": number["/bin/b"]})
    elsewhere = owner.post(f"/t/{team.slug}/trash/", {"what": number["/bin/b"], "to": "/bin/c"})

    assert (back.status_code, back.headers["Location"]) == (303, f"/t/{team.slug}/o/bin/a")
    assert taken.status_code == 409
    assert (elsewhere.status_code, elsewhere.headers["Location"]) == (303, f"/t/{team.slug}/o/bin/c")


def test_a_viewer_sees_no_way_to_make_or_restore(signed_in, team, member, make):
    make("/plain")
    viewer = signed_in(member(team, Role.VIEWER))

    html = viewer.get(f"/t/{team.slug}/").content.decode()
    refused = viewer.post(f"/t/{team.slug}/new/", {"path": "/mine", "kind": "object"})

    assert "New object" not in html
    assert refused.status_code == 403


def test_the_chosen_theme_is_in_the_page_before_any_script_runs(signed_in, team):
    browser = signed_in(team.owner)
    plain = browser.get(f"/t/{team.slug}/").content.decode()

    chosen = browser.post("/theme/", {"theme": "dark", "back": f"/t/{team.slug}/"})
    dark = browser.get(f"/t/{team.slug}/").content.decode()
    away = browser.post("/theme/", {"theme": "light", "back": "https://evil.example/"})

    assert '<html lang="en">' in plain
    assert (chosen.status_code, chosen.headers["Location"]) == (303, f"/t/{team.slug}/")
    assert '<html lang="en" data-theme="dark">' in dark
    assert away.headers["Location"] == "/"


def test_a_form_that_is_too_large_is_413(owner, team, make):
    path = make("/large")

    response = owner.post(f"/t/{team.slug}/o{path}:state.set", {"key": "a", "value": "x" * (2 << 20)})

    assert response.status_code == 413
