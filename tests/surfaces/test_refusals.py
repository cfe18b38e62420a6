"""Each refusal over HTTP: its status, its headers, and the whole problem document."""

import http.client
import time
from typing import Any

import httpx
import pytest

from teams import actions
from teams.access import Role
from teams.models import Team
from tests.fair import fair
from tests.surfaces.conftest import Site


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Give the document of a refusal, after a look at what must be so in all of them."""
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    return document


BAD = {"type": "bad-request", "title": "The request cannot be read", "status": 400}
NOBODY = {"type": "not-signed-in", "title": "Sign in or send a token", "status": 401}
OPENS_NOTHING = NOBODY | {
    "detail": "The token opens nothing: it is unknown, expired or revoked. Make a new one and send that."
}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "The body is not JSON: unexpected end of data: line 1 column 2 (char 1)."),
        (b'{"a": NaN}', "The body is not JSON: unexpected character, expected a JSON value: line 1 column 7 (char 6)."),
        (b"\xff", None),
        (b'{"a": 1, "a": 2}', "The key 'a' comes twice in one JSON object. Say which one counts."),
        (b'{"k": {"b:": 1, "b\\u003a": 2}}', "The key 'b:' comes twice in one JSON object. Say which one counts."),
        (b'{"a": ' + b"[" * 90 + b"]" * 90 + b"}", "The JSON is nested deeper than 72 levels. Make it flatter."),
        (b'{"a": ' + b"[" * 100_000, None),
        (
            b"[1]",
            'The body is not a JSON object of arguments, such as {"key": "colour", "value": "red"}.',
        ),
    ],
)
def test_a_body_that_is_no_object_of_arguments_is_refused(site, body, detail):
    answer = site.post("/a:state.incr", content=body, headers={"Content-Type": "application/json"})

    document = problem(answer)

    if detail is None:
        document.pop("detail")
        assert document == BAD
    else:
        assert document == BAD | {"detail": detail}


def test_a_wrong_argument_is_named(site):
    site.new("/wrong")

    assert problem(site.post("/wrong:state.incr", json={"key": "n", "by": "five"})) == {
        "type": "wrong-argument",
        "title": "An argument is wrong",
        "status": 422,
        "detail": "'five' is not a whole number, or a number",
        "field": "by",
        "fields": {"by": "'five' is not a whole number, or a number"},
    }


def test_arguments_have_a_size_limit(site):
    answer = site.post("/a:state.set", json={"key": "k", "value": "x" * (1 << 20)})

    assert problem(answer) == {
        "type": "too-large",
        "title": "Too large",
        "status": 413,
        "detail": "The body: larger than 1,048,576 bytes (limit ARGUMENT_BYTES). Send less.",
    }


def test_a_body_that_no_file_could_be_is_refused_before_it_is_sent(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.web.port, timeout=30)
    connection.putrequest("POST", f"/api/v1/{site.team}/a:files.put?name=x")
    for name, value in (site.bearer | {"Content-Length": "140000000", "Content-Type": "text/plain"}).items():
        connection.putheader(name, value)
    connection.endheaders()

    answer = connection.getresponse()

    assert (answer.status, answer.getheader("connection"), answer.read()) == (
        413,
        "close",
        (
            b'{"type":"too-large","title":"Too large","status":413,'
            b'"detail":"The body: larger than 134,217,728 bytes (limit FILE_BYTES). Send less."}'
        ),
    )


def test_a_file_for_a_command_that_takes_none_is_refused(site):
    site.new("/nofile")

    answer = site.post("/nofile:state.incr", content=b"x", headers={"Content-Type": "text/plain"})

    assert problem(answer) == {
        "type": "wrong-content-type",
        "title": "Not this kind of body",
        "status": 415,
        "detail": "state.incr takes no file: send its arguments as application/json.",
    }


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/a%2Fb", 400, "The address has an encoded slash (%2F). Names have no slash: write / between names."),
        ("/%FF", 400, "The address is not UTF-8 at byte {at}. Percent-encode names as UTF-8."),
        ("/a:", 400, "The address ends in a colon. Write the command after it: …/path:state.get"),
        ("/a%00b", 422, "the name 'a\\x00b' has a character that cannot be printed, '\\x00'. Leave it out."),
        ("/%2E%2E/b", 422, "'..' is not a name: it means a place seen from another one. Write the whole path."),
        ("/a//b", 422, "'/a//b' has an empty name: two slashes in a row. Write one."),
    ],
)
def test_an_address_that_names_nothing_is_refused(site, path, status, detail):
    connection = http.client.HTTPConnection("127.0.0.1", site.web.port, timeout=30)
    connection.request("GET", f"/api/v1/{site.team}{path}", headers=site.bearer)

    answer = connection.getresponse()

    body = answer.read().decode()
    assert (answer.status, httpx.Response(200, content=body).json()["detail"]) == (
        status,
        detail.format(at=len(site.team) + 1),
    )


def test_an_unknown_object_and_a_hidden_one_are_refused_alike(site, team, member, token):
    site.new("/hidden")
    outsider = member(team, Role.NONE, {"/elsewhere": Role.VIEWER})
    _, secret = token(team, outsider)
    stranger = Site(site.web, site.team, secret)

    documents = [problem(stranger.get("/hidden:state.get?key=n")), problem(stranger.get("/absent:state.get?key=n"))]

    same = {"type": "no-such", "title": "There is no such thing", "status": 404}
    assert documents == [same | {"detail": "/hidden: no such object."}, same | {"detail": "/absent: no such object."}]


def test_an_unknown_command_is_refused(site):
    site.new("/cmd")

    assert problem(site.post("/cmd:state.increase", json={})) == {
        "type": "no-such",
        "title": "There is no such thing",
        "status": 404,
        "detail": "no command 'state.increase' on objects of kind object. Did you mean 'state.incr'? "
        "`help` lists them.",
    }


def test_without_a_token_nobody_is_told_anything(site):
    here, elsewhere = (httpx.get(f"{site.web.url}/api/v1/{team}/a") for team in (site.team, "no-such-team"))

    expected = NOBODY | {"detail": "Nobody is signed in here. Send 'Authorization: Bearer <token>', or sign in."}
    assert (problem(here), problem(elsewhere)) == (expected, expected)
    assert here.headers["www-authenticate"] == 'Bearer realm="grove"'


def test_an_unknown_token_opens_a_known_team_as_little_as_an_unknown_one(site):
    wrong = {"Authorization": "Bearer grove_aaaaaaaaaa_0000"}

    answers = [httpx.get(f"{site.web.url}/api/v1/{team}/a", headers=wrong) for team in (site.team, "no-such-team")]

    assert [problem(answer) for answer in answers] == [OPENS_NOTHING, OPENS_NOTHING]


def test_another_teams_token_does_not_tell_whether_a_team_exists(site, new_team, token):
    _, secret = token(new_team())
    stranger = {"Authorization": f"Bearer {secret}"}

    answers = [httpx.get(f"{site.web.url}/api/v1/{team}/a", headers=stranger) for team in (site.team, "no-such-team")]

    assert [problem(answer)["detail"] for answer in answers] == [
        f"{site.team}: no such team.",
        "no-such-team: no such team.",
    ]


@pytest.mark.parametrize("authorization", ["Basic YTpi", "Bearer", "grove_x"])
def test_another_form_of_authorization_is_refused(site, authorization):
    answer = httpx.get(site.url("/a"), headers={"Authorization": authorization})

    assert problem(answer) == NOBODY | {
        "detail": "The Authorization header is not of the form 'Bearer <token>'. Send a token of this team so."
    }


def test_a_viewer_changes_nothing(site, team, member, token):
    site.new("/mine")
    _, secret = token(team, member(team))

    answer = Site(site.web, site.team, secret).post("/mine:state.incr", json={"key": "n"})

    assert problem(answer) == {
        "type": "not-allowed",
        "title": "Not yours to do",
        "status": 403,
        "detail": "state.incr: needs the role editor on /mine; yours there is viewer. "
        "An admin of it can give you a grant.",
    }


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused(site, method):
    answer = site.request(method, "/a")

    assert (problem(answer), answer.headers["allow"]) == (
        {
            "type": "wrong-method",
            "title": "Not with this method",
            "status": 405,
            "detail": f"{method}: an object is asked by GET and called by POST.",
        },
        "GET, HEAD, POST, OPTIONS",
    )


def test_a_changing_command_is_not_called_by_get(site):
    site.new("/get")

    answer = site.get("/get:state.incr?key=n")

    assert (problem(answer), answer.headers["allow"]) == (
        {
            "type": "wrong-method",
            "title": "Not with this method",
            "status": 405,
            "detail": "state.incr changes the object: call it by POST.",
        },
        "POST, OPTIONS",
    )


def test_a_post_needs_a_command(site):
    answer = site.post("/get", json={})

    assert (problem(answer)["detail"], answer.headers["allow"]) == (
        "POST calls a command: POST /api/v1/…/path:command",
        "GET, HEAD",
    )


def test_the_query_of_a_json_call_takes_no_arguments(site):
    assert problem(site.post("/a:state.incr?key=n", json={})) == {
        "type": "wrong-argument",
        "title": "An argument is wrong",
        "status": 422,
        "detail": "key: the query of a JSON call takes create, confirm and wait only. Put it into the body.",
        "field": "key",
        "fields": {"key": "key: the query of a JSON call takes create, confirm and wait only. Put it into the body."},
    }


@pytest.mark.parametrize("key", ["", "ü", "x" * 256])
def test_an_idempotency_key_is_short_and_printable(site, key):
    site.new("/key")

    answer = site.post("/key:state.incr", json={"key": "n"}, headers={"Idempotency-Key": key.encode()})

    assert problem(answer)["detail"] == "Idempotency-Key: write 1 to 255 printable ASCII characters."


def test_a_dangerous_command_asks_first(site):
    site.new("/danger")

    refused = site.post("/danger:tree.delete", json={})
    confirmed = site.post("/danger:tree.delete?confirm=yes", json={})

    assert (problem(refused)["type"], refused.status_code, confirmed.status_code) == ("needs-confirmation", 409, 200)


def test_a_token_with_a_rate_is_told_when_to_come_back(site, team, token):
    site.new("/rate")
    _, secret = token(team, rate=1.0)
    slow = Site(site.web, site.team, secret)

    answers = [slow.get("/rate:state.get?key=n") for _ in range(3)]

    refused = answers[-1]
    document = problem(refused)
    wait_s = document.pop("retry_after")
    assert document == {
        "type": "over-limit",
        "title": "Over a limit",
        "status": 429,
        "detail": "The token may make 1 calls a second, and has. Wait, or make a token with a higher rate.",
    }
    assert (0 < wait_s <= 1, refused.headers["retry-after"]) == (True, "1")


def test_a_revoked_token_opens_nothing_within_two_seconds(site, team: Team, token):
    kept, secret = token(team)
    visitor = Site(site.web, site.team, secret)
    site.new("/revoke")
    assert visitor.get("/revoke:state.get?key=n").status_code == 200

    actions.revoke_token(team=team, token=kept, by=None)
    ends_at = time.monotonic() + fair(2)
    while (answer := visitor.get("/revoke:state.get?key=n")).status_code == 200 and time.monotonic() < ends_at:
        time.sleep(0.05)

    assert problem(answer) == OPENS_NOTHING
