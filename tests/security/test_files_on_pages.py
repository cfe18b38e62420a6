"""What a team keeps as files cannot run as this site: it is shown in a sandbox without rights, or handed out."""

import pytest
from django.test import Client

from objects.surfaces.pages.tabs.files import SHOWN
from teams.access import Role

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
SCRIPT = "<script>alert(1)</script>"
HARMFUL = ("x.html", "x.htm", "x.xhtml", "x.xml", "x.js", "x.mjs", "x.css", "x.swf", "x", "x.txt", "x.json", "x.wasm")
SHOWABLE = ("x.svg", "x.png", "x.pdf", "x.mp4", "x.mp3", "x.wav", "x.webp")


@pytest.fixture(scope="module")
def sessions(team, new_team, member) -> dict[str, Client]:
    people = {
        "owner": team.owner, "viewer": member(team, Role.VIEWER), "guest": member(team, Role.NONE),
        "stranger": new_team().owner,
    }  # fmt: skip
    made = {"anonymous": Client()}
    for name, who in people.items():
        made[name] = Client()
        made[name].force_login(who, backend=BACKEND)
    return made


@pytest.mark.parametrize("name", HARMFUL)
def test_what_could_run_is_never_shown(grove, team, sessions, name):
    path = grove.new()
    grove.call(path, "files.put", name=name, content=SCRIPT)

    raw = sessions["owner"].get(f"/t/{team.slug}/o{path}:/files/{name}?raw")
    page = sessions["owner"].get(f"/t/{team.slug}/o{path}:/files/{name}")

    assert raw.status_code == 404
    assert SCRIPT.encode() not in raw.content
    assert page.status_code == 200
    assert SCRIPT.encode() not in page.content


@pytest.mark.parametrize("name", SHOWABLE)
def test_what_is_shown_has_no_rights(grove, team, sessions, name):
    path = grove.new()
    grove.call(path, "files.put", name=name, content=SCRIPT)

    answer = sessions["viewer"].get(f"/t/{team.slug}/o{path}:/files/{name}?raw")

    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"] in SHOWN
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert "allow-" not in policy
    assert policy.startswith("sandbox;") or answer.headers["Content-Type"] == "application/pdf"


def test_no_type_that_runs_is_on_the_list():
    assert not [
        kind for kind in SHOWN if not kind.startswith(("image/", "audio/", "video/")) and kind != "application/pdf"
    ]


@pytest.mark.parametrize("name", ["x.png", "none.png"])
@pytest.mark.parametrize("who", ["anonymous", "guest", "stranger"])
def test_who_may_not_view_the_object_gets_no_byte(grove, team, sessions, who, name):
    path = grove.new()
    grove.call(path, "files.put", name="x.png", content="secret bytes")

    for rest in (f"{name}?raw", name):
        answer = sessions[who].get(f"/t/{team.slug}/o{path}:/files/{rest}")

        assert answer.status_code == (302 if who == "anonymous" else 404)
        assert b"secret bytes" not in answer.content


def test_players_get_the_bytes_that_they_ask_for(grove, team, sessions):
    path = grove.new()
    grove.call(path, "files.put", name="a.mp4", content="0123456789")
    address = f"/t/{team.slug}/o{path}:/files/a.mp4?raw"

    def part(wanted: str) -> tuple[int, bytes, str]:
        answer = sessions["owner"].get(address, headers={"Range": wanted})
        return answer.status_code, b"".join(answer.streaming_content), answer.headers.get("Content-Range", "")

    assert part("bytes=2-4") == (206, b"234", "bytes 2-4/10")
    assert part("bytes=7-") == (206, b"789", "bytes 7-9/10")
    assert part("bytes=0-999") == (206, b"0123456789", "bytes 0-9/10")
    for odd in ("bytes=99-", "bytes=-3", "bytes=a-b", "lines=1-2", "bytes=4-2"):
        assert part(odd) == (200, b"0123456789", "")
