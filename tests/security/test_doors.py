"""Ways in and out that are easy to forget: cookies, origins, narrow tokens, a process that stops."""

import asyncio
import http.client
import json
import signal
import socket
import threading
import time

import httpx
import pytest
import websockets
from django.conf import settings

from tests.fair import fair
from tests.surfaces.conftest import Site, Web, start

PASSWORD = "correct horse battery"
SLOW = "with recursive c(n) as (select 1 union all select n + 1 from c where n < 4000000) select count(*) from c"


class Browser:
    """Somebody signed in through the form of the sign-in page, as a browser does it."""

    def __init__(self, web: Web, email: str) -> None:
        self.client = httpx.Client(base_url=web.url, timeout=30)
        page = self.client.get("/account/login/").text
        self.csrf = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        answer = self.client.post(
            "/account/login/", data={"login": email, "password": PASSWORD, "csrfmiddlewaretoken": self.csrf}
        )
        assert answer.status_code == 302, answer.text
        page = self.client.get("/account/logout/").text
        self.csrf = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]

    @property
    def cookies(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())}

    def sign_out(self) -> None:
        answer = self.client.post("/account/logout/", data={"csrfmiddlewaretoken": self.csrf})
        assert answer.status_code == 302, answer.text


@pytest.fixture
def browser(web, team, member, site) -> Browser:
    site.new("/door")
    person = member(team)
    person.set_password(PASSWORD)
    person.save()
    return Browser(web, person.email)


def editing(browser: Browser, team) -> None:
    from teams import actions
    from teams.access import Role
    from teams.models import Person

    person = Person.objects.get(pk=team.memberships.latest("id").person_id)
    actions.change_role(team=team, by=team.owner, person=person, role=Role.EDITOR)
    time.sleep(1.1)


def test_a_cookie_calls_with_the_csrf_token_of_a_page_and_not_without(browser, team, site):
    editing(browser, team)
    url = site.url("/door:state.set")

    without = browser.client.post(url, json={"key": "k", "value": 1})
    wrong = browser.client.post(url, json={"key": "k", "value": 1}, headers={"X-CSRFToken": "x" * 64})
    other = browser.client.post(
        url, json={"key": "k", "value": 1}, headers={"X-CSRFToken": browser.csrf, "Origin": "https://evil.example"}
    )
    right = browser.client.post(url, json={"key": "k", "value": 1}, headers={"X-CSRFToken": browser.csrf})
    read = browser.client.get(site.url("/door:state.get?key=k"))

    assert [each.status_code for each in (without, wrong, other, right, read)] == [403, 403, 403, 200, 200]
    assert [each.json()["type"] for each in (without, wrong, other)] == ["not-allowed"] * 3


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "é", "application/x-www-form-urlencoded"]
)
def test_a_cookie_with_a_form_as_body_is_refused_not_stumbled_over(browser, team, site, content_type):
    editing(browser, team)
    body = b"a" * (settings.GROVE.ARGUMENT_BYTES + 1)
    headers = {"Content-Type": content_type.encode(), "X-CSRFToken": browser.csrf}

    without = browser.client.post(site.url("/door:files.put?name=x"), content=body, headers=[*headers.items()][:1])
    put = browser.client.post(site.url("/door:files.put?name=x"), content=body, headers=headers)

    assert (without.status_code, put.status_code) == (403, 200)


def test_a_session_cookie_that_can_be_none_opens_nothing(web, team):
    for value in (b"x" * 32, b"\x01\x00" * 16, b"\xff" * 32, b"a'; drop table x", b"", b"../../x", b"q" * 5_000):
        with socket.create_connection(("127.0.0.1", web.port), timeout=10) as door:
            door.sendall(
                b"GET /api/v1/%b/ HTTP/1.1\r\nHost: localhost\r\nCookie: grove_session=%b\r\nConnection: close\r\n\r\n"
                % (team.slug.encode(), value)
            )
            status = int(door.makefile("rb").readline().split()[1])
        assert status in (400, 401), value


async def test_a_socket_opens_by_cookie_from_our_own_pages_only(web, team, browser, site):
    async def opened(origin: str | None) -> int:
        headers = browser.cookies | ({"Origin": origin} if origin else {})
        try:
            line = await websockets.connect(
                f"ws://127.0.0.1:{web.port}/ws/v1/{team.slug}/door", additional_headers=headers
            )
        except websockets.InvalidStatus as refused:
            return refused.response.status_code
        async with line:
            try:
                await line.send('{"jsonrpc": "2.0", "id": 1, "method": "state.get", "params": {"key": "n"}}')
                return 200 if "result" in json.loads(await asyncio.wait_for(line.recv(), 30)) else 400
            except websockets.ConnectionClosed as closed:
                return closed.rcvd.code

    origins = [
        web.url,
        "https://evil.example",
        None,
        "null",
        f"{web.url}.evil.example",
        f"{web.url}@evil.example",
        "http://127.0.0.1",
    ]

    codes = [await opened(origin) for origin in origins]

    assert codes[0] == 200
    assert set(codes[1:]) <= {400, 4403}  # 400: what is no origin at all


async def test_signing_out_ends_the_sockets_of_that_session_though_the_person_is_busy_elsewhere(
    web, team, browser, site, member
):
    person = await asyncio.to_thread(lambda: team.memberships.latest("id").person)
    elsewhere = await asyncio.to_thread(Browser, web, person.email)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            assert elsewhere.client.get(site.url("/door:state.list")).status_code == 200

    busy = threading.Thread(target=work)
    async with websockets.connect(
        f"ws://127.0.0.1:{web.port}/ws/v1/{team.slug}/door", additional_headers=browser.cookies | {"Origin": web.url}
    ) as line:
        await line.send('{"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {}}')
        await asyncio.wait_for(line.recv(), 30)
        busy.start()
        try:
            await asyncio.sleep(0.5)
            await asyncio.to_thread(browser.sign_out)
            since = time.monotonic()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await asyncio.wait_for(line.recv(), 30)
            took = time.monotonic() - since
        finally:
            is_over.set()
            busy.join()

    assert closed.value.rcvd.code == 4401
    assert took <= fair(2.0)


@pytest.mark.parametrize("command", ["files.put"])
def test_a_token_of_one_command_uploads_to_an_object_that_the_process_never_met(site, grove, token, team, command):
    cold = grove.new()
    _, secret = token(team, verbs=[command])

    answer = httpx.post(
        f"{site.url(cold)}:{command}?name=x",
        content=b"x",
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "text/plain"},
    )

    assert answer.status_code == 200, answer.text


async def test_a_token_of_a_watching_command_goes_on_hearing(site, token, team):
    await asyncio.to_thread(site.new, "/watched")
    _, secret = await asyncio.to_thread(token, team, verbs=["state.watch"])
    async with site.socket("/watched", additional_headers={"Authorization": f"Bearer {secret}"}) as line:
        await line.send('{"jsonrpc": "2.0", "id": 1, "method": "state.watch", "params": {}}')
        assert "result" in json.loads(await asyncio.wait_for(line.recv(), 30))

        await asyncio.sleep(2)
        await asyncio.to_thread(site.post, "/watched:state.set", json={"key": "n", "value": 5})
        heard = json.loads(await asyncio.wait_for(line.recv(), 30))

    assert (heard["method"], heard["params"]["data"]["value"]) == ("event", 5)


def test_a_process_told_to_stop_ends_the_calls_under_way_and_takes_no_more(database, team, token, tmp_path):
    process, web = start(tmp_path / "log", GROVE_SQL_SECONDS="9")  # a busy machine needs more than the two there are
    _, secret = token(team)
    site = Site(web, team.slug, secret)
    site.new("/stopping")
    kept = httpx.Client(headers=site.bearer, timeout=30)
    assert kept.get(site.url("/stopping")).status_code == 200
    calls = [http.client.HTTPConnection("127.0.0.1", web.port, timeout=30) for _ in range(3)]
    for call in calls:
        call.request("POST", f"/api/v1/{team.slug}/stopping:sql.query", json.dumps({"query": SLOW}), site.bearer)
    for _ in range(5):  # by then the process has turned to all who asked before
        assert kept.get(site.url("/stopping")).status_code == 200

    process.terminate()
    while (late := kept.get(site.url("/stopping"))).status_code == 200:  # it has not heard of it yet
        pass
    answers = [call.getresponse() for call in calls]

    assert [each.status for each in answers] == [200] * 3, [each.read() for each in answers]
    assert (late.status_code, late.headers["retry-after"], late.json()["type"]) == (503, "1", "overloaded")
    assert process.wait(60) in (0, -signal.SIGTERM)
    assert web.mistakes() == []
