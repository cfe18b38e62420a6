"""Results become text as people read it, and never drive the terminal."""

from dataclasses import asdict, dataclass
from decimal import Decimal

import pytest

from objects.commands.render import render
from objects.sdk import Download, Json, Moment, Seconds, Size
from tests.commands.bench import Verdict


@dataclass
class File:
    name: str
    size: Size
    kept: Seconds
    changed_at: Moment | None


@dataclass
class Listing:
    files: list[File]
    next: str | None


@dataclass
class Answer:
    columns: list[str]
    rows: list[list[Json]]
    changed: int
    truncated: bool


FILES = [
    {"name": "a.txt", "size": 512, "kept": 300.0, "changed_at": "2026-05-17T09:30:00Z"},
    {"name": "日本.csv", "size": 33_554_432, "kept": 0.5, "changed_at": None},
]
TABLE = """\
name        size  kept  changed_at
a.txt       512B    5m  2026-05-17T09:30:00Z
日本.csv  33.6MB  0.5s"""


@pytest.mark.parametrize(
    ("value", "result", "text"),
    [
        (None, None, ""),
        (True, bool, "yes"),
        (20.0, float, "20"),
        (0.1 + 0.2, float, "0.3"),
        (1e20, float, "1e+20"),
        (5, int, "5"),
        ("plain text", str, "plain text"),
        ("1.50", Decimal, "1.50"),
        (0.3, Seconds, "0.3s"),
        (1536, Size, "1.5kB"),
        (None, Seconds | None, ""),
        ("2026-05-17T09:30:00Z", Moment, "2026-05-17T09:30:00Z"),
        ([1, 2], list[int], "1\n2"),
        ([], list[str], ""),
        ({"a": 1, "long": 2.5}, dict[str, float], "a     1\nlong  2.5"),
        ({"a": 1}, Json, '{"a": 1}'),
        ([1, "b"], Json, '[1, "b"]'),
        ([{"a": 1, "b": "x"}, {"a": 10}], Json, " a  b\n 1  x\n10"),
        ([{"a": 1}], list[Json], "a\n1"),
        (FILES, list[File], TABLE),
        ([], list[File], ""),
        ({"files": FILES, "next": None}, Listing, TABLE),
        ({"files": FILES, "next": "z"}, Listing, TABLE + "\nnext z"),
        ({"columns": ["n", "name"], "rows": [[1, "a"], [20, None]], "changed": 0, "truncated": False}, Answer,
         " n  name\n 1  a\n20"),
        ({"columns": [], "rows": [], "changed": 0, "truncated": False}, Answer, "changed 0"),
        ({"columns": ["n"], "rows": [], "changed": 2, "truncated": False}, Answer, "n\nchanged 2"),
        (Download("a.csv", b"x").plain(), Download, "a.csv  text/csv  1B"),
    ],
)  # fmt: skip
def test_a_result_reads_as_its_type_says(value, result, text):
    assert render(value, result) == text


def test_a_record_is_one_line():
    plain = asdict(Verdict(allowed=True, left=5.0, retry_after=0))

    assert render(plain, Verdict) == "allowed yes  left 5  retry_after 0s"


def test_a_record_wider_than_the_terminal_is_a_line_a_field():
    plain = asdict(Verdict(allowed=False, left=5.0, retry_after=0.3))

    assert render(plain, Verdict, width=20) == "allowed      no\nleft         5\nretry_after  0.3s"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("\x1b[2J\a", "␛[2J␇"),
        ("a\nb\tc\r", "a\nb\tc␍"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\x7f\0", "␡␀"),
        ("\ud800", "?"),
        (["\x1b", "a\nb"], '["\\u001b", "a\\nb"]'),
        ({"\x1b": 1}, '{"\\u001b": 1}'),
    ],
)
def test_what_would_drive_the_terminal_is_made_visible(value, text):
    assert render(value, Json) == text


def test_a_cell_stays_on_its_line():
    assert render([{"a": "x\ny\x1b"}], Json) == "a\nx␊y␛"
