"""Calls that come plain go past Twisted's requests (`config.calls`): nobody notices, and nothing else goes there."""

import socket
import time
from http.client import HTTPResponse, IncompleteRead, parse_headers

import pytest

from config.calls import SHORT_BYTES, read_call
from tests.surfaces.conftest import start

HEAD = b"POST /api/v1/team/a:state.incr HTTP/1.1\r\nHost: grove\r\n"
BODY = b'{"key":"n"}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
PLAIN = HEAD + LENGTH + b"\r\n" + BODY


def request(site, path: str, *headers: bytes) -> bytes:
    lines = [b"Host: grove", b"Authorization: Bearer " + site.secret.encode(), *headers]
    head = f"POST /api/v1/{site.team}{path} HTTP/1.1\r\n".encode() + b"".join(line + b"\r\n" for line in lines)
    return head + LENGTH + b"\r\n" + BODY


def connected(web) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), timeout=20)


def answer(line: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one answer: status, headers by name in small letters, body."""
    response = HTTPResponse(line)
    response.begin()
    body = response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


def test_a_plain_call_is_read_whole():
    assert read_call(PLAIN) == (
        "POST",
        b"/api/v1/team/a:state.incr",
        [(b"host", b"grove"), (b"content-length", b"11")],
        BODY,
    )
    assert read_call(PLAIN.replace(b"POST", b"GET"))[0] == "GET"
    assert read_call(HEAD + b"\r\n")[3] == b""


@pytest.mark.parametrize("size", [len(PLAIN) - len(BODY), len(PLAIN) - 1])
def test_the_body_of_a_plain_call_is_waited_for(size):
    assert read_call(PLAIN[:size])[3] is None


@pytest.mark.parametrize(
    "data",
    [
        HEAD,
        PLAIN + b"G",
        PLAIN.replace(b"POST", b"PUT"),
        PLAIN.replace(b"/api/v1/", b"/api/v2/"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"/a:", b"/\xc3\xa4:"),
        PLAIN.replace(b"\r\n", b"\n"),
        b"\r\n" + PLAIN,
        PLAIN.replace(b": grove", b" : grove"),
        PLAIN.replace(b": grove", b": grove\r\n folded"),
        PLAIN.replace(b": grove", b": gr\0ve"),
        PLAIN.replace(b": grove", b": gr\rve"),
        PLAIN.replace(b": grove", b": gr\xc3\xb6ve"),
        PLAIN.replace(b"Host", b"Ho_st"),
        PLAIN.replace(LENGTH, LENGTH * 2),
        PLAIN.replace(LENGTH, b"Content-Length: +11\r\n"),
        PLAIN.replace(LENGTH, b"Content-Length: 11, 11\r\n"),
        PLAIN.replace(LENGTH, b"Content-Length:\r\n"),
        PLAIN.replace(LENGTH, b"Content-Length: %d\r\n" % (SHORT_BYTES + 1)),
        PLAIN.replace(LENGTH, LENGTH + b"Transfer-Encoding: chunked\r\n"),
        PLAIN.replace(LENGTH, LENGTH + b"Expect: 100-continue\r\n"),
        PLAIN.replace(LENGTH, LENGTH + b"Upgrade: websocket\r\n"),
        PLAIN.replace(LENGTH, LENGTH + b"Connection: close\r\n"),
        PLAIN.replace(LENGTH, LENGTH + b"Daphne-Root-Path: /x\r\n"),
        PLAIN.replace(LENGTH, LENGTH + b"A: b\r\n" * 501),
        PLAIN.replace(LENGTH, LENGTH + b"A: " + b"b" * 17_000 + b"\r\n"),
    ],
)
def test_all_else_is_left_to_twisted(data):
    assert read_call(data) is None


def test_a_call_is_answered_alike_however_it_comes(web, site):
    path = site.new("/alike")
    whole = request(site, f"{path}:state.incr")

    answers = []
    with connected(web) as line:
        for pieces in (
            [whole],
            [whole[: -len(BODY)], BODY],
            [whole[:30], whole[30:]],  # Twisted's: the head comes in two pieces
            [request(site, f"{path}:state.incr", b"X_Y: z")],  # Twisted's: not a plain header
        ):
            for piece in pieces:
                line.sendall(piece)
                time.sleep(0.05)  # or the pieces might be read as one
            answers.append(answer(line))

    assert [body for _, _, body in answers] == [b'{"value":%d,"version":%d}' % (n, n + 1) for n in range(1, 5)]
    assert [(status, headers) for status, headers, _ in answers] == [answers[0][:2]] * 4


def test_calls_sent_ahead_are_answered_one_after_the_other(web, site):
    path = site.new("/ahead")
    whole = request(site, f"{path}:state.incr")

    with connected(web) as line, line.makefile("rb") as answers:  # one reader: several can come at once
        line.sendall(whole)
        line.sendall(whole * 3 + whole[:40])
        line.sendall(whole[40:])
        values = []
        for _ in range(5):
            assert b" 200 " in answers.readline()
            values.append(answers.read(int(parse_headers(answers)["content-length"])))

    assert values == [b'{"value":%d,"version":%d}' % (n, n + 1) for n in range(1, 6)]


def test_a_fault_of_ours_is_told_or_cuts_the_answer(tmp_path):
    process, failing = start(tmp_path / "log", application="tests.surfaces.failing_site:application")
    try:
        for command in (b"fail", b"split"):
            with connected(failing) as line:
                line.sendall(PLAIN.replace(b"state.incr", command))
                status, headers, _ = answer(line)
                assert (status, headers["content-type"]) == (500, "application/problem+json")
                assert line.recv(1) == b""
        with connected(failing) as line:
            line.sendall(PLAIN.replace(b"state.incr", b"break"))
            with pytest.raises((IncompleteRead, ConnectionError)):
                answer(line)
    finally:
        process.terminate()
        process.wait(60)
    assert (tmp_path / "log").read_text().count("on purpose") >= 2
