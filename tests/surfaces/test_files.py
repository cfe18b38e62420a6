"""Files go in and out in pieces: what a request costs in memory does not grow with its size."""

import hashlib
import http.client
import os
import threading
import time
from collections.abc import Iterator

import httpx

MIB = 1 << 20
LARGEST = 32 * MIB


class Peak:
    """The most memory that the web process has while this is open."""

    def __init__(self, web) -> None:
        self.web = web
        self.before = self.most = web.rss_bytes()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._ended.wait(0.002):
            self.most = max(self.most, self.web.rss_bytes())

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def grown_bytes(self) -> int:
        return int(self.most - self.before)


def pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // MIB):
        yield b"x" * MIB


def test_a_file_comes_back_as_it_was_sent(site):
    site.new("/f")
    sent = os.urandom(300_000)

    put = site.post("/f:files.put?name=r%C3%A9sum%C3%A9.bin", content=sent, headers={"Content-Type": "image/png"})
    got = site.get("/f:files.get?name=r%C3%A9sum%C3%A9.bin")

    assert put.status_code == 200
    assert (got.status_code, got.content == sent) == (200, True)
    assert {
        name: got.headers[name] for name in ("content-length", "content-disposition", "x-content-type-options")
    } == {
        "content-length": "300000",
        "content-disposition": "attachment; filename=\"r_sum_.bin\"; filename*=UTF-8''r%C3%A9sum%C3%A9.bin",
        "x-content-type-options": "nosniff",
    }


def test_a_file_is_given_inside_json_when_that_is_asked_for(site):
    site.new("/j")
    site.post("/j:files.put?name=a.txt", content=b"hello", headers={"Content-Type": "text/plain"})

    got = site.get("/j:files.get?name=a.txt", headers={"Accept": "application/json"})

    assert got.json()["value"] == {"name": "a.txt", "type": "text/plain", "size": 5, "base64": "aGVsbG8="}


def test_a_file_may_be_sent_inside_json_too(site):
    site.new("/jj")

    site.post("/jj:files.put", json={"name": "a.txt", "content": {"base64": "aGVsbG8="}})

    assert site.get("/jj:files.get?name=a.txt").content == b"hello"


def test_a_refused_upload_costs_no_memory(site):
    site.new("/refused")
    with Peak(site.web) as peak:
        answer = site.post(
            "/refused:state.incr", content=pieces(LARGEST), headers={"Content-Type": "application/octet-stream"}
        )

    assert (answer.status_code, peak.grown_bytes < 6 * MIB) == (415, True), peak.grown_bytes


def test_a_body_without_an_announced_length_stops_at_the_limit(site):
    site.new("/chunked")
    connection = http.client.HTTPConnection("127.0.0.1", site.web.port, timeout=30)
    headers = site.bearer | {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}

    with Peak(site.web) as peak:
        connection.putrequest("POST", f"/api/v1/{site.team}/chunked:files.put?name=x")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        sent = 0
        try:
            for piece in pieces(200 * MIB):
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                sent += len(piece)
        except OSError:
            pass  # the server has hung up
        answer = connection.getresponse()

    assert (answer.status, answer.read()[:40]) == (413, b'{"type":"too-large","title":"Too large",')
    assert peak.grown_bytes < 6 * MIB, peak.grown_bytes


def test_a_reader_who_does_not_read_makes_the_server_wait_not_grow(site):
    site.new("/big")
    digest = hashlib.sha256()
    for piece in pieces(LARGEST):
        digest.update(piece)
    put = site.post(
        "/big:files.put?name=big", content=pieces(LARGEST), headers={"Content-Type": "application/octet-stream"}
    )
    assert put.status_code == 200, put.text
    whole = hashlib.sha256()

    with httpx.stream("GET", site.url("/big:files.get?name=big"), headers=site.bearer, timeout=30) as answer:
        parts = answer.iter_bytes(MIB)
        whole.update(next(parts))
        time.sleep(0.5)
        with Peak(site.web) as peak:
            time.sleep(0.5)
            for part in parts:
                whole.update(part)

    assert whole.hexdigest() == digest.hexdigest()
    assert peak.grown_bytes < 6 * MIB, peak.grown_bytes
