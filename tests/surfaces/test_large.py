"""`import` and `sql.import` take more than a file: up to UPLOAD_BYTES, over HTTP and over the page's form."""

import http.client
import os
import sqlite3

import httpx
import pytest

from tests.surfaces.conftest import Site, start

MIB = 1 << 20


@pytest.fixture
def large_file(tmp_path):
    """An SQLite file of 41 MiB."""
    path = tmp_path / "large.sqlite"
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE part(no INTEGER PRIMARY KEY, data BLOB)")
    file.executemany("INSERT INTO part(data) VALUES (?)", ((os.urandom(MIB),) for _ in range(41)))
    file.commit()
    file.close()
    return path


def test_an_object_larger_than_a_file_goes_out_and_comes_in(site, large_file, tmp_path):
    site.new("/large")
    archive = tmp_path / "large.tar"

    brought = site.post("/large:import?as=first", content=large_file.read_bytes(), headers={"Content-Type": "x/y"})
    with httpx.stream("GET", site.url("/large:export?subtree=yes"), headers=site.bearer, timeout=60) as answer:
        archive.write_bytes(answer.read())
    again = site.post("/large:import?as=again", content=archive.read_bytes(), headers={"Content-Type": "x/y"})
    counted = site.post("/large/again/first:sql", json={"query": "SELECT count(*), sum(length(data)) FROM part"})

    assert (brought.status_code, brought.json()["value"]["objects"]) == (200, 1)
    assert (again.status_code, again.json()["value"]["objects"]) == (200, 2)
    assert counted.json()["value"]["rows"] == [[41, 41 * MIB]]


def test_what_is_larger_than_a_file_comes_in_however_long_it_takes(web, site, large_file, tmp_path):
    # CALL_SECONDS counts until a call's turn comes; a large one that has begun has LARGE_CALL_SECONDS.
    process, hasty = start(tmp_path / "log", GROVE_CALL_SECONDS="1")
    here = Site(hasty, site.team, site.secret)
    lines = b"no,text\n" + b"".join(b"%d,%b\n" % (number, b"x" * 200) for number in range(170_000))
    assert len(lines) > 33 * MIB
    site.new("/table")

    try:
        table = here.post("/table:sql.import?table=readings", content=lines, headers={"Content-Type": "text/csv"})
        file = here.post("/table:import?as=file", content=large_file.read_bytes(), headers={"Content-Type": "x/y"})
    finally:
        process.terminate()
        process.wait(60)

    assert table.json()["value"] == {"table": "readings", "rows": 170_000, "created": True, "columns": ["no", "text"]}
    assert (file.status_code, file.json()["value"]["objects"]) == (200, 1)


def test_few_large_bodies_come_in_at_once(site, tmp_path):
    process, web = start(tmp_path / "log", GROVE_UPLOADS="1")
    here = Site(web, site.team, site.secret)

    def begun() -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
        connection.putrequest("POST", f"/api/v1/{site.team}/:import?as=x")
        for name, value in (here.bearer | {"Content-Length": str(50 * MIB), "Content-Type": "x/y"}).items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection

    try:
        first = begun()
        first.send(b"x" * MIB)
        httpx.options(web.url + "/api/v1/x/")  # it was read by now
        refused = begun().getresponse()
        first.close()
        small = here.post("/:import?as=small", content=b"", headers={"Content-Type": "x/y"})
        second = begun()
        second.send(b"x" * 50 * MIB)
        taken = second.getresponse()
    finally:
        process.terminate()
        process.wait(60)

    assert (refused.status, refused.getheader("retry-after"), refused.read()) == (
        503,
        "10",
        (
            b'{"type":"overloaded","title":"Too much is waiting","status":503,'
            b'"detail":"1 large files are coming in already (limit UPLOADS). Send yours again soon.",'
            b'"retry_after":10}'
        ),
    )
    assert small.status_code == 200
    assert taken.status == 422  # read to its end, and no SQLite file
