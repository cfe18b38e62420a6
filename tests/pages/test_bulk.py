"""The same done to many objects: a preview first, each object with its own rights, and nothing half told."""

import re
from html import unescape

import pytest

from teams.access import Role


@pytest.fixture(scope="module")
def send(owner, team):
    """Send the form of the chosen objects: `send("delete", ["/a"], confirmed="yes")`."""

    def post(action: str, paths: list[str], browser=owner, **fields: str):
        return browser.post(f"/t/{team.slug}/bulk/", {"action": action, "path": paths, **fields})

    return post


def planned(html: str) -> list[tuple[str, str]]:
    """What the preview lists: each path with what goes along, or why nothing does."""
    found = re.findall(r"<li><code>(.*?)</code>(?:<span class=\"\w+\">(.*?)</span>)?</li>", html)
    return [(unescape(path), unescape(text).replace(" \xa0", " ")) for path, text in found]


def test_the_preview_tells_objects_and_bytes_and_does_nothing(send, make, call):
    for path in ("/plan/a", "/plan/a/inner", "/plan/b"):
        make(path)
    call("/plan/a/inner", "state.set", key="k", value=1)

    html = send("delete", ["/plan/a", "/plan/a/inner", "/plan/b"]).content.decode()

    assert planned(html) == [("/plan/a", "2 objects · 8.2 kB"), ("/plan/b", "1 object · 0 B")]
    assert "Put 3 objects into the trash?" in html
    assert [each["name"] for each in call("/plan", "tree.list")["objects"]] == ["a", "b"]


def test_confirmed_it_deletes_and_goes_back_with_a_word(send, owner, team, make, call):
    for path in ("/doomed/a", "/doomed/b"):
        make(path)
    back = f"/t/{team.slug}/objects/?at=/doomed"

    answer = send("delete", ["/doomed/a", "/doomed/b"], confirmed="yes", back=back)

    assert (answer.status_code, answer.headers["Location"]) == (303, back)
    assert "2 objects put into the trash." in owner.get(back).content.decode()
    assert call("/doomed", "tree.list")["objects"] == []


def test_moving_keeps_names_and_takes_all_beneath_along(send, make, call):
    for path in ("/from/a/deep", "/from/b", "/target"):
        make(path)

    send("move", ["/from/a", "/from/b"], to="/target", confirmed="yes")

    assert [each["path"] for each in call("/target", "tree.find")["objects"]] == [
        "/target/a", "/target/a/deep", "/target/b",
    ]  # fmt: skip


def test_tags_come_and_go(send, make, call):
    make("/tags/a")
    make("/tags/b")

    send("tag", ["/tags/a", "/tags/b"], tags="red  urgent", confirmed="yes")
    send("untag", ["/tags/b"], tags="red", confirmed="yes")

    assert [call(path, "tree.tags") for path in ("/tags/a", "/tags/b")] == [["red", "urgent"], ["urgent"]]


def test_one_that_is_refused_is_named_with_the_reason_and_the_others_are_done(send, make, call):
    for path in ("/mixed/a", "/mixed/b", "/taken/b", "/taken"):
        make(path)

    html = send("move", ["/mixed/a", "/mixed/b"], to="/taken", confirmed="yes").content.decode()

    assert planned(html) == [("/mixed/b", "/taken/b exists already, as object. Choose another path.")]
    assert "1 object moved, 1 refused" in html
    assert [each["name"] for each in call("/taken", "tree.list")["objects"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [("move", {"to": "no slash"}, "a path begins with a slash"), ("tag", {"tags": "  "}, "Write at least one tag.")],
)
def test_a_wrong_field_keeps_the_question_open(send, make, action, fields, message):
    make("/open/question")

    answer = send(action, ["/open/question"], confirmed="yes", **fields)

    assert answer.status_code == 422
    assert message in unescape(answer.content.decode())
    assert [path for path, _ in planned(answer.content.decode())] == ["/open/question"]


@pytest.mark.parametrize(
    ("action", "paths", "status"),
    [("paint", ["/a"], 422), ("delete", [], 422), ("delete", ["nonsense"], 422), ("delete", ["/a"] * 3, 200)],
)
def test_what_cannot_be_is_said(send, make, action, paths, status):
    make("/a")

    assert send(action, paths).status_code == status


def test_more_than_the_limit_are_refused(send):
    answer = send("tag", [f"/n{number}" for number in range(201)])

    assert (answer.status_code, "200 is the most at once" in answer.content.decode()) == (422, True)


def test_a_viewer_changes_nothing_and_learns_why(send, signed_in, member, team, make, call):
    make("/viewed/a")
    viewer = signed_in(member(team, Role.VIEWER))

    html = send("delete", ["/viewed/a"], viewer, confirmed="yes").content.decode()

    assert "needs the role editor" in html
    assert [each["name"] for each in call("/viewed", "tree.list")["objects"]] == ["a"]


def test_hidden_and_absent_objects_are_the_same_in_a_preview(send, signed_in, member, team, make):
    make("/dark/a")
    guest = signed_in(member(team, Role.EDITOR, {"/dark": Role.NONE}))

    hidden, absent = (planned(send("delete", [path], guest).content.decode()) for path in ("/dark/a", "/void/a"))

    assert hidden == [("/dark/a", "/dark/a: no such object.")]
    assert absent == [("/void/a", "/void/a: no such object.")]


def test_what_is_hidden_beneath_is_not_counted(send, signed_in, member, team, make):
    make("/half/open")
    make("/half/closed/secret")
    guest = signed_in(member(team, Role.EDITOR, {"/half/closed": Role.NONE}))

    html = send("delete", ["/half"], guest).content.decode()

    assert planned(html) == [("/half", "2 objects · 0 B")]


def test_back_leads_nowhere_else(send, team, make):
    make("/away/a")

    answer = send("tag", ["/away/a"], tags="x", confirmed="yes", back="https://evil.example/")

    assert answer.headers["Location"] == f"/t/{team.slug}/objects/"


def test_a_pause_says_how_much_stands_still_and_is_undone_by_a_resume(send, make, call):
    make("/pause/a/deep")
    make("/pause/b")
    call("/pause/a/deep", "cron.add", name="hourly", spec="every 1h", command="state incr x")

    preview = send("pause", ["/pause/a", "/pause/a/deep", "/pause/b"]).content.decode()
    send("pause", ["/pause/a", "/pause/b"], confirmed="yes")
    again = send("pause", ["/pause/a"], confirmed="yes").content.decode()
    paused = [each["path"] for each in call("/pause", "tree.find", paused=True)["objects"]]
    send("resume", ["/pause/a", "/pause/b"], confirmed="yes")

    assert planned(preview) == [("/pause/a", "2 objects · 1 due"), ("/pause/b", "1 object · 0 due")]
    assert planned(again) == [
        ("/pause/a", "/pause/a is paused already, with all beneath it. `tree resume` lets it go on.")
    ]
    assert paused == ["/pause/a", "/pause/a/deep", "/pause/b"]
    assert call("/pause", "tree.find", paused=True)["objects"] == []
