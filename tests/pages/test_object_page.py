"""An object's page and the pages of its commands, as a browser gets them; scripts are not needed for any of it."""

import re
from contextlib import contextmanager
from html import unescape
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from objects.engine.engine import Engine
from teams.access import Role


def text_of(html: str) -> str:
    """What is read on a page: without tags, blanks made one."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def errors_of(html: str) -> dict[str, str]:
    """The messages beside fields, by the field's id."""
    found = re.findall(r'<strong class="refusal" id="([^"]+)-error">(.*?)</strong>', html, re.DOTALL)
    return {name: unescape(message) for name, message in found}


@contextmanager
def counted():
    """Count questions to Postgres by Django, and calls of the engine."""
    calls = []
    submit = Engine.submit

    def counting(self, call):
        calls.append(call.command)
        submit(self, call)

    with patch.object(Engine, "submit", counting), CaptureQueriesContext(connection) as queries:
        yield lambda: (len(queries), calls)


def test_the_page_shows_what_the_object_holds(owner, team, call, make):
    path = make("/shop/orders")
    call(path, "state.set", key="currency", value={"code": "EUR"})
    call(path, "sql", query="create table item(name text, price real)")
    call(path, "files.put", name="notes/today.txt", content="Water the lemon tree.")
    call(path, "tree.tag", tags=["sales"])
    make("/shop/orders/archive")

    response = owner.get(f"/t/{team.slug}/o{path}")

    assert response.status_code == 200
    text = text_of(response.content.decode())
    for seen in ('currency {"code": "EUR"}', "item 0 rows", "notes/ folder", "sales", "archive",
                 "Keep a value under a key.", "You are owner here."):  # fmt: skip
        assert seen in text, seen


def test_every_command_has_a_form_that_opens(owner, team, make):
    from objects.commands.registry import registry

    path = make("/forms")

    shown = {name: owner.get(f"/t/{team.slug}/o{path}:{name}").status_code for name in registry.commands("object")}

    assert shown == dict.fromkeys(registry.commands("object"), 200)


def test_a_sent_form_runs_the_command_and_shows_the_result(owner, team, call, make):
    path = make("/lamp")

    response = owner.post(f"/t/{team.slug}/o{path}:state.set", {"key": "level", "value": "3"})

    assert response.status_code == 200
    assert "Done version 1 key level value 3" in text_of(response.content.decode())
    assert call(path, "state.get", key="level") == 3


def test_htmx_gets_the_form_with_its_result_and_the_news_that_the_object_changed(signed_in, team, make):
    path = make("/lamp/htmx")
    browser = signed_in(team.owner, htmx=True)

    response = browser.post(f"/t/{team.slug}/o{path}:state.set", {"key": "level", "value": "3"})

    assert response.content.lstrip().startswith(b'<div class="call" id="form-state-set">')
    assert (response.headers["HX-Trigger"], response.headers["Vary"]) == (
        '{"object-changed": {"version": 1}}',
        "HX-Request, Cookie, Accept-Encoding",
    )


@pytest.mark.parametrize("headers", [{}, {"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}])
def test_the_whole_page_goes_to_whoever_does_not_ask_for_a_fragment(signed_in, team, make, headers):
    path = make("/whole")
    browser = signed_in(team.owner, htmx=bool(headers))

    response = browser.get(f"/t/{team.slug}/o{path}:state.set", headers=headers)

    assert response.content.lstrip().startswith(b"<!doctype html>")


@pytest.mark.parametrize("htmx", [False, True])
def test_a_refused_form_is_422_with_what_was_typed_and_the_message_beside_its_field(signed_in, team, make, htmx):
    path = make("/refused")
    browser = signed_in(team.owner, htmx=htmx)

    response = browser.post(f"/t/{team.slug}/o{path}:state.list", {"prefix": "lamp", "limit": "5000"})

    html = response.content.decode()
    assert response.status_code == 422
    assert errors_of(html) == {"state-list-limit": "5000 is more than 1000"}
    assert 'name="prefix" value="lamp"' in html
    assert 'name="limit" value="5000"' in html


def test_what_is_typed_is_never_markup(owner, team, call, make):
    path = make("/<script>alert(1)</script>".replace("/script", "script"))
    call(path, "state.set", key="<b>key", value="<img src=x onerror=alert(1)>")

    html = owner.get(f"/t/{team.slug}/o{path}").content.decode()

    assert "<img src=x" not in html
    assert "<b>key" not in html
    assert "<script>alert" not in html


def test_a_dangerous_command_says_what_it_will_do_and_does_it_after_a_yes(owner, team, call, make):
    path = make("/doomed")
    make("/doomed/child")
    address = f"/t/{team.slug}/o{path}:tree.delete"

    asked = owner.post(address)
    still_there = call(path, "tree.describe")["path"]
    done = owner.post(address, {"_confirmed": "yes"})

    assert (asked.status_code, still_there, done.status_code) == (409, path, 200)
    assert "Puts /doomed into the trash: 2 objects, 0B. Yes, delete No, leave it" in text_of(asked.content.decode())
    assert owner.get(f"/t/{team.slug}/o{path}").status_code == 404


def test_a_command_that_only_reads_runs_from_a_link_and_one_that_changes_does_not(owner, team, call, make):
    path = make("/links")
    call(path, "state.set", key="a", value="seen")

    read = owner.get(f"/t/{team.slug}/o{path}:state.get?key=a&_run=yes")
    changed = owner.get(f"/t/{team.slug}/o{path}:state.set?key=a&value=other&_run=yes")

    assert "Done seen" in text_of(read.content.decode())
    assert (changed.status_code, call(path, "state.get", key="a")) == (200, "seen")


def test_a_file_goes_in_and_comes_out_and_is_never_shown_as_a_page(owner, team, make):
    from django.core.files.uploadedfile import SimpleUploadedFile

    path = make("/files")
    content = b"<script>alert(1)</script>\0\xff"
    name = "påge.html"

    put = owner.post(f"/t/{team.slug}/o{path}:files.put", {"name": name, "content": SimpleUploadedFile(name, content)})
    got = owner.get(f"/t/{team.slug}/o{path}:files.get", {"name": name, "_run": "yes"})

    assert put.status_code == 200
    assert got.getvalue() == content
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''p%C3%A5ge.html"


def test_rows_of_a_query_are_a_table(owner, team, make):
    path = make("/rows")

    response = owner.post(f"/t/{team.slug}/o{path}:sql", {"query": "select 1 as one, 'b' as two union select 3, null"})

    html = response.content.decode()
    assert re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", html) == ["one", "two"]
    assert re.findall(r"<td[^>]*>(.*?)</td>", html) == ["1", "b", "3", ""]


def test_a_long_list_goes_on_with_more(owner, team, call, make):
    path = make("/long")
    call(path, "state.set_many", values={f"k{number}": number for number in range(5)})

    first = owner.get(f"/t/{team.slug}/o{path}:state.list?limit=2&_run=yes").content.decode()
    more = unescape(re.search(r'class="button" href="([^"]+after[^"]+)"', first).group(1))
    second = owner.get(more).content.decode()

    cells = re.compile(r"<td[^>]*>(.*?)</td>")
    assert (cells.findall(first), cells.findall(second)) == (["k0", "0", "k1", "1"], ["k2", "2", "k3", "3"])


def test_a_viewer_reads_and_is_told_which_role_a_change_needs(signed_in, team, member, make):
    path = make("/viewed")
    viewer = signed_in(member(team, Role.VIEWER))

    page = viewer.get(f"/t/{team.slug}/o{path}")
    refused = viewer.post(f"/t/{team.slug}/o{path}:state.set", {"key": "a", "value": "1"})

    assert (page.status_code, refused.status_code) == (200, 403)
    assert "You are viewer here." in text_of(page.content.decode())
    assert "Set a value" not in viewer.get(f"/t/{team.slug}/o{path}:/state").content.decode()
    assert "state.set: needs the role editor on /viewed; yours there is viewer." in text_of(refused.content.decode())


def test_what_is_hidden_looks_like_what_is_absent(signed_in, team, member, make):
    make("/secret")
    guest = signed_in(member(team, Role.NONE, {"/open": Role.VIEWER}))
    stranger = signed_in(member(team, Role.VIEWER, {"/secret": Role.NONE}))

    hidden = [each.get(f"/t/{team.slug}/o/secret") for each in (guest, stranger)]
    absent = stranger.get(f"/t/{team.slug}/o/absent")

    assert [each.status_code for each in (*hidden, absent)] == [404, 404, 404]
    assert text_of(hidden[1].content.decode()).replace("/secret", "/absent") == text_of(absent.content.decode())


def test_another_team_is_no_team_and_nobody_is_asked_to_sign_in(client, signed_in, team, person, make):
    path = make("/ours")
    address = f"/t/{team.slug}/o{path}"

    assert signed_in(person()).get(address).status_code == 404
    asked = client.get(address)
    assert (asked.status_code, asked.headers["Location"]) == (302, f"/account/login/?next={address}")


def test_a_fragment_whose_session_ended_sends_the_whole_page_to_sign_in(client, team, make):
    path = make("/ended")

    response = client.get(f"/t/{team.slug}/o{path}?part=panel", headers={
        "HX-Request": "true", "HX-Current-URL": f"http://testserver/t/{team.slug}/o{path}",
    })  # fmt: skip

    assert response.headers["HX-Redirect"] == f"/account/login/?next=/t/{team.slug}/o{path}"


def test_an_object_that_moved_is_followed_also_by_a_sent_form(owner, team, call, make):
    path = make("/old place")
    call(path, "tree.move", to="/new place")

    seen = owner.get(f"/t/{team.slug}/o{path}?part=panel")
    sent = owner.post(f"/t/{team.slug}/o{path}:state.set", {"key": "a", "value": "1"})

    assert [(each.status_code, each.headers["Location"]) for each in (seen, sent)] == [
        (307, f"/t/{team.slug}/o/new%20place?part=panel"), (307, f"/t/{team.slug}/o/new%20place:state.set"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/o/a//b", 422), ("/o/" + "x" * 300, 422), ("/o/a:no.such", 404), ("/o/%00", 422), ("/o/:", 302),
        ("/objects/?at=nowhere", 422), ("/objects/?at=/nowhere", 404), ("/objects/?find=kind:a+kind:b", 422),
        ("/o/:/history?before=x", 200), ("/o/:/nothing", 404), ("/o/:/history/more", 404), ("/o/:/State", 404),
        ("/o/:/files/../x/", 422), ("/o/:/files/none", 404), ("/o/:/files/none?raw", 404),
        ("/o/:/database/none", 404), ("/o/:/database/none?row=x", 422), ("/o/:/state/none", 200),
        ("/o/:/settings?x=y", 200),
    ],
)  # fmt: skip
def test_whatever_is_typed_into_an_address_has_an_answer(owner, team, make, address, status):
    make("/a") if address == "/o/a:no.such" else None

    assert owner.get(f"/t/{team.slug}{address}").status_code == status


def test_names_with_any_character_have_pages(owner, team, make):
    path = make("/50% off?/a#b & “c”/ñandú")

    html = owner.get(f"/t/{team.slug}/o/50%25%20off%3F/a%23b%20&%20%E2%80%9Cc%E2%80%9D").content.decode()

    (link,) = set(re.findall(r'href="([^"]+%C3%B1and%C3%BA)"', html))
    assert path in text_of(owner.get(unescape(link)).content.decode())


def test_the_journal_is_newest_first_and_goes_on(owner, team, call, make):
    path = make("/busy")
    for number in range(25):
        call(path, "state.set", key="n", value=number)

    first = owner.get(f"/t/{team.slug}/o{path}:/history").content.decode()
    older = unescape(re.search(r'<a href="([^"]+before[^"]+)">Older', first).group(1))
    rest = owner.get(older).content.decode()

    values = re.compile(r"&quot;value&quot;: (\d+)")
    assert [int(each) for each in values.findall(first)] == list(range(24, 4, -1))
    assert [int(each) for each in values.findall(rest)] == [4, 3, 2, 1, 0]


def test_a_page_costs_as_many_questions_for_30_rows_as_for_3(owner, team, call, make):
    path = make("/costs")

    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            make(f"{path}/child {number}")
            call(path, "state.set", key=f"k{number}", value=number)
            call(path, "files.put", name=f"f{number}", content="x")
            call(path, "sql", query=f"create table t{number}(a)")

    def cost(address: str) -> tuple[int, list[str]]:
        owner.get(address)
        with counted() as questions:
            owner.get(address)
            cost: tuple[int, list[str]] = questions()
            return cost

    addresses = [f"/t/{team.slug}/o{path}", f"/t/{team.slug}/objects/?at={path}", f"/t/{team.slug}/objects/?find=child"]
    fill(0, 3)
    few = [cost(address) for address in addresses]
    fill(3, 30)
    many = [cost(address) for address in addresses]

    assert few == many
    assert few[1][1] == ["tree.find", "tree.describe", "tree.list"]  # the table, the folder itself, the tree beside it
