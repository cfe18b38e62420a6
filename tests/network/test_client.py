"""A request ends, in time and in size, tells no secret to another site, and heeds nothing of the environment."""

import gzip
import ssl
import subprocess
import threading
import time

import pytest

from objects.network import client
from objects.network.client import Request, fetch
from objects.network.guard import Guard, Unreachable, rules
from teams.problems import OutOfTime, TooLarge, WrongArgument
from tests.network.conftest import Site, answer, bomb, drips, redirect


def test_an_answer_comes_whole(site: Site):
    site.pages["/a?b=1"] = answer(b"hello", 201, content_type="text/plain", x_more="yes")

    told = fetch(Request("GET", site.url("/a?b=1")), by=site.guard())

    assert (told.status, told.url, told.body, told.via) == (201, site.url("/a?b=1"), b"hello", ())
    assert (told.header("content-type"), told.header("x-more")) == ("text/plain", "yes")
    method, path, headers, _ = site.asked[0]
    assert (method, path, headers) == (
        "GET",
        "/a?b=1",
        {
            "host": f"127.0.0.1:{site.port}",
            "accept": "*/*",
            "accept-encoding": "gzip",
            "user-agent": "Grove/1",
            "connection": "close",
        },
    )


def test_a_body_and_headers_are_sent(site: Site):
    site.pages["/in"] = answer(b"")

    fetch(Request("POST", site.url("/in"), {"Content-Type": "text/plain", "X-Key": "k"}, b"abc"), by=site.guard())

    method, _, headers, body = site.asked[0]
    assert (method, body, headers["content-type"], headers["x-key"], headers["content-length"]) == (
        "POST", b"abc", "text/plain", "k", "3",
    )  # fmt: skip


def test_packed_answers_are_unpacked(site: Site):
    site.pages["/"] = answer(gzip.compress(b"hello" * 1000), content_encoding="gzip")

    told = fetch(Request("GET", site.url()), by=site.guard())

    assert (told.body, told.header("content-encoding")) == (b"hello" * 1000, "")


def test_a_small_file_that_unpacks_to_a_large_one_is_cut(site: Site):
    site.pages["/"] = bomb(64)

    with pytest.raises(TooLarge, match="more than 100,000 bytes"):
        fetch(Request("GET", site.url(), max_bytes=100_000), by=site.guard())


@pytest.mark.parametrize("page", [answer(b"x" * 2000), drips(3)])
def test_a_body_that_is_too_large_is_cut(site: Site, page):
    site.pages["/"] = page

    with pytest.raises(TooLarge):
        fetch(Request("GET", site.url(), max_bytes=20), by=site.guard())


def test_a_site_that_drips_is_cut_at_the_time_limit(site: Site):
    site.pages["/"] = drips(20)
    began = time.monotonic()

    with pytest.raises(OutOfTime, match=r"not there in 0.5 s"):
        fetch(Request("GET", site.url(), seconds=0.5), by=site.guard())

    assert time.monotonic() - began < 10


def test_a_site_that_says_nothing_is_cut_at_the_time_limit(site: Site):
    site.pages["/"] = lambda handler: time.sleep(3)

    with pytest.raises(OutOfTime):
        fetch(Request("GET", site.url(), seconds=0.3), by=site.guard())


def test_redirects_are_followed_and_told(site: Site):
    site.pages |= {"/1": redirect("/2"), "/2": redirect(site.url("/3"), 307), "/3": answer(b"there")}

    told = fetch(Request("POST", site.url("/1"), body=b"x"), by=site.guard())

    assert (told.body, told.url, told.via) == (b"there", site.url("/3"), (site.url("/1"), site.url("/2")))
    assert [(method, body) for method, _, _, body in site.asked] == [("POST", b"x"), ("GET", b""), ("GET", b"")]


def test_a_body_is_sent_again_where_the_redirect_keeps_the_method(site: Site):
    site.pages |= {"/1": redirect("/2", 308), "/2": answer(b"")}

    fetch(Request("PUT", site.url("/1"), body=b"x"), by=site.guard())

    assert [(method, body) for method, _, _, body in site.asked] == [("PUT", b"x"), ("PUT", b"x")]


def test_a_circle_of_redirects_ends(site: Site):
    site.pages["/"] = redirect("/")

    with pytest.raises(Unreachable, match="more than 3 times"):
        fetch(Request("GET", site.url(), redirects=3), by=site.guard())


def test_secrets_do_not_go_along_to_another_site(site: Site):
    site.pages |= {"/1": redirect(site.url("/2", host="localhost")), "/2": answer(b"")}
    by = site.guard(allow=["localhost"])

    fetch(Request("GET", site.url("/1"), {"Authorization": "Bearer s", "X-Api-Key": "s", "Accept": "text/csv"}), by=by)

    first, second = (headers for _, _, headers, _ in site.asked)
    assert (first["authorization"], first["x-api-key"], first["accept"]) == ("Bearer s", "s", "text/csv")
    assert ("authorization" in second, "x-api-key" in second, second["accept"]) == (False, False, "text/csv")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://x/", "gopher://127.0.0.1:6379/_x", "data:,x", "//x/", "x", "", "http://", "http:///x",
     "http://ann:secret@example.com/", "http://[::1", "http://x:99999/", "http://x:0/", "http://a b/", "http://\x00/", "http://x/\n"],
)  # fmt: skip
def test_only_addresses_of_http_and_without_passwords_are_taken(url: str):
    with pytest.raises(WrongArgument) as refused:
        fetch(Request("GET", url), by=Guard())

    assert refused.value.field == "url"
    assert "secret" not in refused.value.detail


@pytest.mark.parametrize("to", ["file:///etc/passwd", "gopher://x/", "http://ann:secret@example.com/", "http://[::1"])
def test_no_redirect_leads_out_of_http(site: Site, to: str):
    site.pages["/"] = redirect(to)

    with pytest.raises(WrongArgument, match="the redirect"):
        fetch(Request("GET", site.url()), by=site.guard())


@pytest.mark.parametrize(
    ("name", "value"),
    [("Host", "x"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Connection", "x"),
     ("Proxy-Authorization", "x"), ("X-A", "b\r\nX-C: d"),
     ("X-A\r\n", "b"), ("X A", "b"), ("", "b"), ("X-A", "\x7f"), ("X-A", "č")],
)  # fmt: skip
def test_headers_that_would_forge_a_request_are_refused(site: Site, name: str, value: str):
    with pytest.raises(WrongArgument) as refused:
        fetch(Request("GET", site.url(), {name: value}), by=site.guard())

    assert (refused.value.field, site.asked) == ("headers", [])


def test_the_environments_proxy_is_not_asked(site: Site, monkeypatch):
    site.pages["/"] = answer(b"direct")
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert fetch(Request("GET", site.url()), by=site.guard()).body == b"direct"


def test_nobody_listening_is_said_so(site: Site):
    site.server.shutdown()
    site.server.server_close()

    with pytest.raises(Unreachable, match="nothing listens there"):
        fetch(Request("GET", site.url()), by=site.guard())


def test_what_is_no_http_is_said_so(site: Site):
    site.pages["/"] = lambda handler: handler.wfile.write(b"220 mail.example ESMTP\r\n")

    with pytest.raises(Unreachable, match="does not speak HTTP"):
        fetch(Request("GET", site.url()), by=site.guard())


def test_who_asks_hears_how_much_came(site: Site):
    site.pages["/"] = answer(b"x" * 300_000)
    told: list[tuple[int, int]] = []

    fetch(Request("GET", site.url()), by=site.guard(), tells=lambda came, of: told.append((came, of)))

    assert (told[-1], len(told) > 1) == ((300_000, 300_000), True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> str:
    """A certificate for the name site.example, and its key, in one file."""
    directory = tmp_path_factory.mktemp("tls")
    file = directory / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=site.example",
         "-addext", "subjectAltName=DNS:site.example", "-keyout", directory / "key.pem",
         "-out", directory / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_bytes((directory / "key.pem").read_bytes() + (directory / "cert.pem").read_bytes())
    return str(file)


def test_tls_checks_the_name_that_was_asked_for(site: Site, certificate: str, settings, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.pages["/"] = answer(b"safe")
    by = Guard(allow=rules(["127.0.0.1"]), resolve=lambda host, port: ["127.0.0.1"])
    settings.NETWORK_CA = certificate
    client._tls.cache_clear()
    try:
        assert fetch(Request("GET", f"https://site.example:{site.port}/"), by=by).body == b"safe"
        with pytest.raises(Unreachable, match="certificate is not to be trusted"):
            fetch(Request("GET", f"https://other.example:{site.port}/"), by=by)
        settings.NETWORK_CA = ""
        client._tls.cache_clear()
        with pytest.raises(Unreachable, match="certificate is not to be trusted"):
            fetch(Request("GET", f"https://site.example:{site.port}/"), by=by)
    finally:
        client._tls.cache_clear()
    assert threading.active_count() < 100
