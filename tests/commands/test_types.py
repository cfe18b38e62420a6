"""Every type can be written as one word and read back; and each prints as people read it."""

import base64
import math
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objects.commands.types import CHUNK_BYTES, SPOOL_BYTES
from objects.sdk import Content, Download, TooLarge, Upload, show_bytes, show_seconds
from tests.commands.bench import Colour, Point, commands

everything = commands["everything"]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ints = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
jsons = st.recursive(
    st.none() | st.booleans() | ints | floats | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "count": ints,
    "share": floats,
    "sure": st.booleans(),
    "text": texts,
    "colour": st.sampled_from(Colour),
    "side": st.sampled_from(["left", "right"]),
    "amount": st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20),
    "numbers": st.none() | st.lists(ints),
    "by_name": st.none() | st.dictionaries(texts, floats),
    "point": st.none() | st.builds(Point, ints, st.integers(-9, 9)),
    "either": ints | texts,
    "value": jsons,
    "wait": st.floats(0, 1e15),
    "at": st.none() | st.datetimes(timezones=st.just(UTC)),
    "where": st.sampled_from(["/", "/a", "/ä/b c/4"]),
    "name": st.text(st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x17F), min_size=1, max_size=60),
    "size": st.integers(0, 2**63 - 1),
    "note": st.none() | texts,
    "password": texts,
}


@settings(deadline=None)
@given(st.data())
def test_any_value_of_any_type_comes_back_from_one_word(data):
    name = data.draw(st.sampled_from(sorted(VALUES)))
    value = everything.check({name: data.draw(VALUES[name])})[name]
    shape = everything.by_name[name].shape
    plain = value if shape.plain is None else shape.plain(value)

    word = shape.word(plain)

    back = everything.check({name: word}, text=True)[name]
    assert back == value
    assert type(back) is type(value)


@settings(deadline=None)
@given(st.data())
def test_checked_values_pass_the_check_again_unchanged(data):
    name = data.draw(st.sampled_from(sorted(VALUES)))
    once = everything.check({name: data.draw(VALUES[name])})

    assert everything.check(once) == once


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_word_is_answered_with_anything_but_a_value_or_a_refusal(word):
    from objects.sdk import WrongArgument

    for parameter in everything.parameters:
        with suppress(WrongArgument):
            everything.check({parameter.name: word}, text=True)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (0.3, "0.3s"),
        (0.30000000000000004, "0.3s"),
        (12.5, "12.5s"),
        (300, "5m"),
        (90.5, "1m30.5s"),
        (5400, "1h30m"),
        (172_800, "2d"),
        (-60, "-1m"),
        (1e15, "1e+15s"),
    ],
)
def test_a_duration_is_shown_as_people_say_it(seconds, shown):
    assert show_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0B"), (999, "999B"), (1_500, "1.5kB"), (999_999, "1MB"), (33_554_432, "33.6MB"), (2**63, "9223.4PB")],
)
def test_a_size_is_shown_in_the_largest_unit_that_fits(size, shown):
    assert show_bytes(size) == shown


@pytest.mark.parametrize("text", ["300ms", "0.3s", "0.3", ".3s", "300000us", "3e-1s"])
def test_a_duration_can_be_written_in_many_ways(text):
    assert math.isclose(everything.check({"wait": text})["wait"], 0.3)


def test_moments_are_the_same_in_every_zone():
    zone = timezone(timedelta(hours=2))
    moment = datetime(2026, 5, 17, 11, 30, tzinfo=zone)

    checked = everything.check({"at": moment})["at"]

    assert checked == moment
    assert checked.tzinfo is UTC


def test_a_date_without_dashes_is_not_taken_for_a_second_of_1970():
    from objects.sdk import WrongArgument

    with pytest.raises(WrongArgument) as refusal:
        everything.check({"at": "20260517"}, text=True)

    assert refusal.value.detail == "'20260517' has no time zone: add Z, or an offset such as +02:00."


@pytest.mark.parametrize(
    "given_as",
    ["Grüße", {"text": "Grüße"}, {"base64": base64.b64encode("Grüße".encode()).decode()}, Content("Grüße".encode())],
)
def test_content_can_be_given_in_four_ways(given_as):
    content = everything.check({"content": given_as})["content"]

    assert content.read() == "Grüße".encode()
    assert content.size == 7
    assert b"".join(content.chunks(2)) == "Grüße".encode()


def test_a_large_upload_waits_in_a_file_and_reads_like_a_small_one():
    piece = bytes(range(256)) * 1024
    with Upload(limit_bytes=10 * len(piece)) as upload:
        for _ in range(8):
            upload.write(piece)

        assert upload.size == 8 * len(piece) > SPOOL_BYTES
        assert upload.digest() == Content(piece * 8).digest()
        assert max(map(len, upload.chunks())) == CHUNK_BYTES
        assert upload.read() == piece * 8
        assert everything.check({"content": upload}) == {"content": upload}


def test_an_upload_ends_at_its_limit():
    upload = Upload(limit_bytes=1_500)
    upload.write(b"x" * 1_500)

    with pytest.raises(TooLarge) as refusal:
        upload.write(b"x")

    assert refusal.value.detail == "more than 1.5kB were sent, the limit here. Send less, or in parts."


def test_a_download_is_a_json_object_where_one_is_needed():
    download = Download("a.csv", iter([b"x,", b"y"]), size=3)

    assert download.plain() == {"name": "a.csv", "type": "text/csv", "size": 3, "base64": "eCx5"}


def test_a_download_of_pieces_needs_its_size():
    with pytest.raises(TypeError, match="a Download made of pieces needs its size"):
        Download("a.csv", iter([b"x"]))


def test_a_secret_is_not_seen_in_logs():
    checked = everything.check({"password": "hunter2"})

    assert checked == {"password": "hunter2"}
    assert repr(checked) == "{'password': •••}"


def test_the_journal_keeps_no_secret_and_no_file_and_nothing_long():
    masked = everything.masked(
        {
            "password": "hunter2",
            "content": "abc",
            "text": "x" * 2_000,
            "value": {"a": ["y" * 2_000]},
            "count": 2**70,
            "at": datetime(2026, 5, 17, tzinfo=UTC),
            "amount": Decimal("1.5"),
            "point": Point(1, 2),
            "pasword": "hunter2",
            "note": "a\0\ud800",
            "share": 0.5,
        }
    )

    assert masked == {
        "password": "•••",
        "content": {"bytes": 3, "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        "text": "x" * 1_000 + "… (2,000 characters)",
        "value": '{"a": ["' + "y" * 992 + "… (2,011 characters)",
        "count": str(2**70),
        "at": "2026-05-17T00:00:00Z",
        "amount": "1.5",
        "point": asdict(Point(1, 2)),
        "pasword": "•••",
        "note": "a�?",
        "share": 0.5,
    }
