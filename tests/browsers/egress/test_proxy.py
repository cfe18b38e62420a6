"""The proxy lets nobody through without a door, hands on what is allowed unchanged, counts it, and says why not."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from browsers.egress.proxy import Door, Proxy
from browsers.egress.sites import Sites
from objects.network.guard import Guard, rules
from teams.problems import NotAllowed
from tests.browsers.egress.conftest import until
from tests.browsers.egress.trap import Trap

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Site:
    """Answers as it is told to, and keeps what it was sent."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer = answer or ok(b"hello")
        self.heads: list[bytes] = []
        self.hold: asyncio.Event | None = None
        self.gone = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = b""
            if b"content-length: " in head.lower():
                body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            self.heads.append(head + body)
            if self.hold is not None:
                await reader.read()  # until the other side has gone
                self.gone.set()
            writer.write(self.answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def ok(body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), more, body)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy(Guard(allow=rules(["127.0.0.1", "shop.example"]), resolve=lambda host, port: ["127.0.0.1"]))
    await made.start()
    yield made
    await made.stop()


def key(door: Door) -> bytes:
    return b"Proxy-Authorization: Basic " + base64.b64encode(f"{door.name}:{door.password}".encode()) + b"\r\n"


async def say(proxy: Proxy, words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(words)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_nobody_goes_through_without_a_door(proxy: Proxy):
    door = proxy.open("team.1")
    async with Site() as site:
        asks = b"GET http://shop.example:%d/ HTTP/1.1\r\nHost: x\r\n%%b\r\n" % site.port
        wrong = base64.b64encode(b"team.1:wr\xc3\xb6ng")
        for told in (b"", b"Proxy-Authorization: Basic %b\r\n" % wrong, b"Proxy-Authorization: Basic x\r\n"):
            answer = await say(proxy, asks % told)
            assert answer.startswith(b"HTTP/1.1 407 ")
            assert b"proxy-authenticate: basic" in answer.lower()
        proxy.close(door)
        assert (await say(proxy, asks % key(door))).startswith(b"HTTP/1.1 407 ")

        assert site.heads == []


async def test_a_request_goes_on_with_what_is_its_own(proxy: Proxy):
    door = proxy.open("team.2")
    async with Site(ok(b"hello", b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: x-hop\r\nX-Hop: 1\r\n")) as site:
        answer = await say(
            proxy,
            b"POST http://shop.example:%d/a?b=1#c HTTP/1.1\r\nHost: other.example\r\n"
            b"Cookie: c=3\r\nContent-Length: 3\r\nConnection: close, x-mine\r\nX-Mine: 1\r\nUpgrade: websocket\r\n"
            b"%b\r\nabc" % (site.port, key(door)),
        )  # fmt: skip

    head, _, body = answer.partition(b"\r\n\r\n")
    assert sorted(head.split(b"\r\n")[1:]) == [
        b"Connection: close", b"Content-Length: 5", b"Set-Cookie: a=1", b"Set-Cookie: b=2",
    ]  # fmt: skip
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"hello")
    assert site.heads == [
        b"POST /a?b=1 HTTP/1.1\r\nHost: shop.example:%d\r\nConnection: close\r\n"
        b"Cookie: c=3\r\nContent-Length: 3\r\n\r\nabc" % site.port
    ]
    assert (door.traffic.connections, door.traffic.open, door.traffic.refused) == (1, 0, 0)
    assert door.traffic.sent > 100
    assert door.traffic.received > 100


async def test_one_connection_takes_requests_for_several_sites(proxy: Proxy):
    door = proxy.open("team.1")
    async with Site(ok(b"first")) as one, Site(ok(b"second")) as two:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        bodies = []
        for site in (one, two, one):
            writer.write(b"GET http://shop.example:%d/ HTTP/1.1\r\nHost: x\r\n%b\r\n" % (site.port, key(door)))
            head = await reader.readuntil(b"\r\n\r\n")
            bodies.append(await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])))
        writer.close()

    assert bodies == [b"first", b"second", b"first"]


async def test_a_tunnel_hands_on_bytes_both_ways(proxy: Proxy):
    door = proxy.open("team.3")
    async with Site(b"back") as site:
        answer = await say(
            proxy,
            b"CONNECT shop.example:%d HTTP/1.1\r\nHost: x\r\n%b\r\n" % (site.port, key(door)) + b"early\r\n\r\n",
        )

    assert site.heads == [b"early\r\n\r\n"]
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nback")
    assert (door.traffic.sent, door.traffic.received) == (9, 4)


async def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(proxy: Proxy):
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    other = Proxy(Guard(allow=rules(["127.0.0.1"]), resolve=resolve))
    await other.start()
    door = other.open("team.1")
    async with Site() as site:
        words = b"GET http://rebound.example:%d/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b\r\n" % (
            site.port, key(door),
        )  # fmt: skip
        first, second = await say(other, words), await say(other, words)

    assert first.endswith(b"hello")
    assert second.startswith(b"HTTP/1.1 403 ")
    assert (asked, len(site.heads)) == (["rebound.example"] * 2, 1)
    await other.stop()


async def test_the_exception_for_groves_own_site_is_that_name_and_port(proxy: Proxy):
    async with Site() as site, Trap() as trap:
        other = Proxy(Guard(own=frozenset({site.port})), {("demo.localhost", 80): ("127.0.0.1", site.port)})
        await other.start()
        door = other.open("team.1")

        async def status(where: bytes) -> bytes:
            words = b"GET http://%b/ HTTP/1.1\r\nHost: demo.localhost\r\nConnection: close\r\n%b\r\n"
            return (await say(other, words % (where, key(door)))).split(b" ")[1]

        assert await status(b"demo.localhost") == b"200"
        assert await status(b"demo.localhost:80") == b"200"
        for refused in (
            b"demo.localhost:%d" % site.port, b"demo.localhost:%d" % trap.port, b"127.0.0.1:%d" % site.port,
            b"localhost", b"x.demo.localhost", b"demo.localhost@127.0.0.1:%d" % site.port,
        ):  # fmt: skip
            assert await status(refused) in (b"403", b"502")  # where the system knows no such name

        door.sites = Sites.read(deny=["demo.localhost"])
        assert await status(b"demo.localhost") == b"403"
        assert (len(site.heads), trap.reached) == (2, [])
        await other.stop()


async def test_lists_of_an_object_narrow_and_never_widen(proxy: Proxy):
    def refused(sites: Sites, host: str, address: str, port: int = 443) -> bool:
        try:
            sites.check(host, port, [address])
        except NotAllowed:
            return True
        return False

    some = Sites.read(allow=["*.example.com:443", "93.184.216.0/24"], deny=["bad.example.com"])
    assert not refused(some, "a.example.com", "8.8.8.8")
    assert refused(some, "a.example.com", "8.8.8.8", 80)
    assert refused(some, "bad.example.com", "8.8.8.8")
    assert not refused(some, "other.example", "93.184.216.34", 80)
    assert refused(some, "other.example", "8.8.8.8")

    async with Site() as site:
        other = Proxy(Guard(resolve=lambda host, port: ["127.0.0.1"]))
        await other.start()
        door = other.open("team.1", Sites.read(allow=["127.0.0.1", "shop.example"]))
        words = b"GET http://shop.example:%d/ HTTP/1.1\r\nHost: x\r\n%b\r\n"
        assert (await say(other, words % (site.port, key(door)))).startswith(b"HTTP/1.1 403 ")
        assert site.heads == []
        await other.stop()


async def test_a_refusal_is_a_page_that_says_why_and_is_written_down(proxy: Proxy):
    door = proxy.open("team.7", Sites.read(deny=["shop.example"]))

    page = (await say(proxy, b"GET http://shop.example/<b> HTTP/1.1\r\nHost: x\r\n%b\r\n" % key(door))).decode()
    tunnel = (await say(proxy, b"CONNECT shop.example:443 HTTP/1.1\r\nHost: x\r\n%b\r\n" % key(door))).decode()

    assert page.startswith("HTTP/1.1 403 ")
    assert "default-src 'none'" in page
    assert "http://shop.example/&lt;b&gt;" in page
    assert "is on the list of sites that this browser does not open (browser.deny)" in page
    assert tunnel.startswith("HTTP/1.1 403 ")
    refusal = door.traffic.refusal_of("https://shop.example/x")
    assert (refusal.host, refusal.port, refusal.problem.status, door.traffic.refused) == ("shop.example", 443, 403, 2)
    asks = f"GET {door.explanation(refusal)} HTTP/1.1\r\nHost: x\r\n".encode()
    assert "https://shop.example" in (await say(proxy, asks + key(door) + b"\r\n")).decode()
    other = proxy.open("team.8")
    assert (await say(proxy, asks + key(other) + b"\r\n")).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET ftp://shop.example/ HTTP/1.1\r\nHost: x\r\n",
        b"GET https://shop.example/ HTTP/1.1\r\nHost: x\r\n",
        b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n",
        b"GET http:// HTTP/1.1\r\nHost: x\r\n",
        b"CONNECT shop.example:99999 HTTP/1.1\r\nHost: x\r\n",
        b"CONNECT :80 HTTP/1.1\r\nHost: x\r\n",
    ],
)
async def test_what_is_no_address_of_the_web_is_told_so(proxy: Proxy, words: bytes):
    door = proxy.open("team.1")

    assert (await say(proxy, words + key(door) + b"\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_site_that_is_not_there_or_talks_nonsense_is_told_so(proxy: Proxy):
    door = proxy.open("team.1")
    words = b"GET http://shop.example:%d/ HTTP/1.1\r\nHost: x\r\n%b\r\n"
    async with Site(b"nonsense\r\n\r\n") as site:
        nonsense = await say(proxy, words % (site.port, key(door)))

    absent = await say(proxy, words % (site.port, key(door)))

    assert nonsense.startswith(b"HTTP/1.1 502 ")
    assert b"what it answered is no HTTP" in nonsense
    assert absent.startswith(b"HTTP/1.1 502 ")
    assert b"connection refused" in absent


async def test_bytes_of_an_hour_and_connections_have_a_limit(proxy: Proxy, settings):
    settings.GROVE = replace(settings.GROVE, BROWSER_HOUR_BYTES=50_000, BROWSER_CONNECTIONS=2)
    door = proxy.open("team.9")
    async with Site(ok(b"x" * 200_000)) as site:
        words = b"GET http://shop.example:%d/ HTTP/1.1\r\nHost: x\r\n%b\r\n" % (site.port, key(door))
        cut = await say(proxy, words)
        refused = await say(proxy, words)
        again = await say(proxy, words.replace(key(door), key(proxy.open("team.9"))))

    assert 0 < len(cut) < 200_000
    for each in (refused, again):  # a door that is opened anew begins no new hour
        assert each.startswith(b"HTTP/1.1 429 ")
        assert b"BROWSER_HOUR_BYTES" in each

    door = proxy.open("team.10")
    async with Site() as site:
        site.hold = asyncio.Event()
        words = b"GET http://shop.example:%d/ HTTP/1.1\r\nHost: x\r\n%b\r\n" % (site.port, key(door))
        waiting = [asyncio.ensure_future(say(proxy, words)) for _ in range(2)]
        await until(lambda: door.traffic.open == 2, "two connections are open")
        assert b"BROWSER_CONNECTIONS" in await say(proxy, words)

        proxy.close(door)  # ends what goes through it
        assert await asyncio.gather(*waiting) == [b"", b""]
        async with asyncio.timeout(10):
            await site.gone.wait()
    assert door.traffic.open == 0


async def test_a_browser_that_leaves_ends_what_it_asked_for(proxy: Proxy):
    door = proxy.open("team.1")
    async with Site() as site:
        site.hold = asyncio.Event()
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"GET http://shop.example:%d/ HTTP/1.1\r\nHost: x\r\n%b\r\n" % (site.port, key(door)))
        await until(lambda: site.heads, "the site is asked")

        writer.close()

        async with asyncio.timeout(10):
            await site.gone.wait()
