"""New objects, the trash, and how pages look to one reader."""

import re

import pytest

from teams.access import Role


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


def deleted(owner, team, make, *paths: str) -> dict[str, str]:
    """Delete objects; gives their numbers in the trash by path."""
    for path in paths:
        make(path)
        owner.post(f"/t/{team.slug}/o{path}:tree.delete", {"_confirmed": "yes"})
    html = owner.get(f"/t/{team.slug}/trash/").content.decode()
    return {path: number for number, path in re.findall(r'for="to-(\d+)">Restore (\S+) to', html)}


def test_what_is_in_the_trash_comes_back_where_it_was_or_elsewhere(owner, team, make):
    number = deleted(owner, team, make, "/bin/a", "/bin/b")
    make("/bin/b")

    back = owner.post(f"/t/{team.slug}/trash/", {"what": number["/bin/a"]})
    taken = owner.post(f"/t/{team.slug}/trash/", {"what": number["/bin/b"]})
    elsewhere = owner.post(f"/t/{team.slug}/trash/", {"what": number["/bin/b"], "to": "/bin/c"})

    assert (back.status_code, back.headers["Location"]) == (303, f"/t/{team.slug}/o/bin/a")
    assert taken.status_code == 409
    assert (elsewhere.status_code, elsewhere.headers["Location"]) == (303, f"/t/{team.slug}/o/bin/c")


def test_several_come_back_at_once(owner, team, make, call):
    number = deleted(owner, team, make, "/many/a", "/many/b")

    answer = owner.post(f"/t/{team.slug}/trash/", {"what": [number["/many/a"], number["/many/b"]]})

    assert answer.headers["Location"] == f"/t/{team.slug}/trash/"
    assert [each["name"] for each in call("/many", "tree.list")["objects"]] == ["a", "b"]


def test_erasing_for_good_asks_first_and_says_how_much_goes(owner, team, make, call):
    number = deleted(owner, team, make, "/gone/a")["/gone/a"]
    trash = f"/t/{team.slug}/trash/"

    asked = owner.post(trash, {"what": number, "action": "erase"})
    still = owner.get(trash).content.decode()
    done = owner.post(trash, {"what": number, "action": "erase", "confirmed": "yes"})

    assert asked.status_code == 409
    assert "Erases /gone/a for good: 1 object, 0B. Nothing brings it back." in asked.content.decode()
    assert "/gone/a" in still
    assert done.status_code == 303
    assert "/gone/a" not in owner.get(trash).content.decode()


def test_the_trash_is_emptied_after_a_question(new_team, signed_in, caller):
    team = new_team()
    owner = signed_in(team.owner)
    for path in ("/a", "/b"):
        owner.post(f"/t/{team.slug}/new/", {"path": path, "kind": "object"})
        owner.post(f"/t/{team.slug}/o{path}:tree.delete", {"_confirmed": "yes"})
    trash = f"/t/{team.slug}/trash/"

    asked = owner.post(trash, {"action": "empty"})
    done = owner.post(trash, {"action": "empty", "what": "", "confirmed": "yes"})

    assert (asked.status_code, done.status_code) == (409, 303)
    assert "Erases all that was deleted beneath / for good: 2 objects, 0B." in asked.content.decode()
    assert "The trash is empty." in owner.get(trash).content.decode()


def test_an_editor_restores_and_erases_nothing_for_good(signed_in, team, member, owner, make):
    number = deleted(owner, team, make, "/kept/a")["/kept/a"]
    editor = signed_in(member(team, Role.EDITOR))

    html = editor.get(f"/t/{team.slug}/trash/").content.decode()
    refused = editor.post(f"/t/{team.slug}/trash/", {"what": number, "action": "erase", "confirmed": "yes"})

    assert "Restore" in html
    assert "Empty the trash" not in html
    assert refused.status_code == 403


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
    browser.post("/theme/", {"density": "comfortable"})
    dark = browser.get(f"/t/{team.slug}/").content.decode()
    away = browser.post("/theme/", {"theme": "light", "back": "https://evil.example/"})

    assert '<html lang="en">' in plain
    assert (chosen.status_code, chosen.headers["Location"]) == (303, f"/t/{team.slug}/")
    assert '<html lang="en" data-theme="dark" data-density="comfortable">' in dark
    assert away.headers["Location"] == "/"


def test_a_form_that_is_too_large_is_413(owner, team, make):
    path = make("/large")

    response = owner.post(f"/t/{team.slug}/o{path}:state.set", {"key": "a", "value": "x" * (2 << 20)})

    assert response.status_code == 413
