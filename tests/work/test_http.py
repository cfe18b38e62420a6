"""`http.get` and `http.request` ask other sites, answer typed values, keep files, and tell secrets to nobody."""

import base64
import gzip

import pytest

from tests.network.conftest import answer, redirect


@pytest.fixture
def plain(grove) -> str:
    return grove.new("object")


def test_an_answer_is_typed(site, plain, outcome_of):
    site.pages["/"] = answer(b'{"a": [1, 2]}', content_type="application/json; charset=utf-8", x_one="1")

    value = outcome_of(plain, "http.get", url=site.url())["value"]

    assert {**value, "headers": {}} == {
        "status": 200, "reason": "OK", "url": site.url(), "via": [], "type": "application/json", "size": 13,
        "headers": {}, "body": {"a": [1, 2]}, "file": "",
    }  # fmt: skip
    assert value["headers"]["x-one"] == "1"


@pytest.mark.parametrize(
    ("kind", "body", "read"),
    [("text/plain", "grün".encode(), "grün"), ("text/plain; charset=latin-1", "grün".encode("latin-1"), "grün"),
     ("text/plain; charset=nonsense", b"a", {"base64": "YQ=="}), ("application/json", b"no json", "no json"),
     ("image/png", b"\x89PNG", {"base64": base64.b64encode(b"\x89PNG").decode()}), ("text/html", b"", "")],
)  # fmt: skip
def test_a_body_is_json_text_or_bytes(site, plain, outcome_of, kind, body, read):
    site.pages["/"] = answer(body, content_type=kind)

    assert outcome_of(plain, "http.get", url=site.url())["value"]["body"] == read


def test_any_status_is_an_answer(site, plain, outcome_of):
    assert outcome_of(plain, "http.get", url=site.url("/nowhere"))["value"]["status"] == 404


def test_a_request_sends_json_and_headers_that_nobody_sees(grove, site, plain, outcome_of):
    site.pages["/in"] = answer(b"ok")

    shown = outcome_of(
        plain, "http.request", method="POST", url=site.url("/in"), body={"n": 1}, headers={"x-key": "xyzzy"}
    )

    method, _, headers, body = site.asked[0]
    assert (method, body, headers["x-key"], headers["content-type"]) == (
        "POST",
        b'{"n":1}',
        "xyzzy",
        "application/json",
    )
    assert "xyzzy" not in repr(shown)
    journal = grove.call(plain, "help")
    assert "xyzzy" not in repr(journal)


def test_a_body_is_kept_as_a_file_in_the_transaction_that_ends_it(grove, site, plain, outcome_of):
    site.pages["/"] = answer(b"x" * 5_000_000, content_type="text/plain")

    shown = outcome_of(plain, "http.get", url=site.url(), save="in/big.txt")

    assert (shown["value"]["file"], shown["value"]["body"], shown["value"]["size"]) == ("in/big.txt", None, 5_000_000)
    assert grove.call(plain, "files.info", name="in/big.txt")["size"] == 5_000_000


def test_a_large_body_has_to_be_kept_as_a_file(site, plain, outcome_of):
    site.pages["/"] = answer(b"x" * 5_000_000)

    assert "--save NAME" in outcome_of(plain, "http.get", url=site.url())["problem"]["detail"]


def test_a_busy_site_is_asked_again(grove, site, plain, outcome_of):
    def page(handler) -> None:
        answer(b"busy" if len(site.asked) < 3 else b"free", 503 if len(site.asked) < 3 else 200, retry_after="0")(
            handler
        )

    site.pages["/"] = page

    shown = outcome_of(plain, "http.get", url=site.url(), tries=5)

    assert (shown["value"]["body"], shown["tries"], len(site.asked)) == ("free", 3, 3)


def test_a_busy_site_is_an_answer_where_it_is_asked_once(site, plain, outcome_of):
    site.pages["/"] = answer(b"busy", 503)

    assert outcome_of(plain, "http.get", url=site.url())["value"]["status"] == 503


def test_redirects_and_packing_are_told(grove, site, plain, outcome_of):
    site.pages |= {
        "/": redirect("/2"),
        "/2": answer(gzip.compress(b"hello"), content_encoding="gzip", content_type="text/a"),
    }

    value = outcome_of(plain, "http.get", url=site.url())["value"]

    assert (value["body"], value["via"], value["url"]) == ("hello", [site.url()], site.url("/2"))
    assert grove.call(plain, "task.output") == f"GET {site.url()}\nfrom {site.url()}\n200, 5B\n"


@pytest.mark.parametrize(
    ("url", "kind"),
    [("http://169.254.169.254/latest/meta-data", "not-allowed"), ("http://[::1]/", "not-allowed"),
     ("http://10.0.0.1/", "not-allowed"), ("file:///etc/passwd", "wrong-argument"),
     ("http://127.0.0.1:1/", "unreachable")],
)  # fmt: skip
def test_what_may_not_or_can_not_be_reached_is_refused(plain, outcome_of, url, kind):
    shown = outcome_of(plain, "http.get", url=url)

    assert (shown["state"], shown["problem"]["type"]) == ("failed", kind)


def test_groves_own_servers_are_out_of_reach(plain, outcome_of, settings):
    from urllib.parse import urlsplit

    for server in (settings.DATABASE_URL, settings.VALKEY_URL):
        parts = urlsplit(server)
        shown = outcome_of(plain, "http.get", url=f"http://{parts.hostname or '127.0.0.1'}:{parts.port or 5432}/")
        assert "Grove's own" in shown["problem"]["detail"]


def test_more_than_the_limit_is_not_asked_for(plain, outcome_of):
    assert "HTTP_BYTES" in outcome_of(plain, "http.get", url="http://127.0.0.1/", most=1 << 40)["problem"]["detail"]


def test_a_table_is_filled_from_an_address(grove, site, plain, outcome_of):
    site.pages["/plants.csv"] = answer(b"name,height\nbasil,12.5\nmint,30\n", content_type="text/csv")

    shown = outcome_of(plain, "sql.fetch", table="plant", url=site.url("/plants.csv"))

    assert shown["value"] == {"table": "plant", "rows": 2, "created": True, "columns": ["name", "height"]}
    assert grove.call(plain, "sql.query", query="select name from plant where height > 20")["rows"] == [["mint"]]


def test_rows_that_do_not_fit_leave_no_trace(grove, site, plain, outcome_of):
    site.pages["/plants.csv"] = answer(b"name,height\nbasil\n", content_type="text/csv")

    assert outcome_of(plain, "sql.fetch", table="plant", url=site.url("/plants.csv"))["state"] == "failed"
    assert grove.call(plain, "sql.tables") == []


def test_a_page_that_is_not_there_fills_no_table(grove, site, plain, outcome_of):
    shown = outcome_of(plain, "sql.fetch", table="plant", url=site.url("/nowhere"))

    assert "404 Not Found" in shown["problem"]["detail"]
