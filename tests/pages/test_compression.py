"""What goes over the wire: pages are compressed for browsers that take it, files go as they are, with their length."""

import gzip
import re

import pytest
from django.conf import settings
from django.test import Client

from config.up.assets import build_assets


@pytest.fixture(scope="module")
def browser(signed_in, team) -> Client:
    """A session of the owner, in a browser that takes gzip."""
    client: Client = signed_in(team.owner)
    client.defaults["HTTP_ACCEPT_ENCODING"] = "gzip, br"
    return client


def test_a_page_is_compressed_and_the_same(browser, owner, team):
    answer, plain = browser.get(f"/t/{team.slug}/gallery/"), owner.get(f"/t/{team.slug}/gallery/")

    def same(page: bytes) -> str:
        return re.sub(r"[A-Za-z0-9]{64}", "CSRF", page.decode())

    assert answer.headers["Content-Encoding"] == "gzip"
    assert same(gzip.decompress(answer.content)) == same(plain.content)
    assert len(answer.content) < len(plain.content) / 3


def test_a_file_goes_as_it_is_with_its_length(browser, team, make, call):
    make("/filed")
    call("/filed", "files.put", name="page.html", content="<p>x</p>" * 1_000)

    answer = browser.get(f"/t/{team.slug}/o/filed:files.get?name=page.html&_run=yes")
    export = browser.get(f"/t/{team.slug}/o/filed:export?_run=yes")

    assert ("Content-Encoding" in answer.headers, answer.headers["Content-Length"]) == (False, "8000")
    assert ("Content-Encoding" in export.headers, export.status_code) == (False, 200)


def test_a_first_page_with_all_that_it_needs_is_small(browser, owner, team, make):
    """Of what a browser fetches the terminal alone is left out: it comes once one is in view."""
    build_assets(settings.BASE_DIR)
    for number in range(70):
        make(f"/rows/of some length {number:03}")

    def fetched(page: str) -> int:
        html = owner.get(page).content.decode()
        needed = {*re.findall(r'(?:src|href)="(/static/[^"#]+)', html)}
        assert {"/static/built/app.css", "/static/built/app.js", "/static/built/icons.svg"} <= needed
        return sum(len(_body(browser.get(address))) for address in [page, *sorted(needed)])

    sizes = {page: fetched(f"/t/{team.slug}/{page}") for page in ("", "objects/", "objects/?at=/rows", "gallery/")}

    assert all(size < 100_000 for size in sizes.values()), sizes


def _body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content
