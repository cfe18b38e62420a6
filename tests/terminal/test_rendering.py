"""What values look like on a screen: in a width, without colours, for screen readers, as pictures."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from objects.commands.render import columns_of
from objects.commands.types import Download
from terminal.charts import bars, sparkline
from terminal.rendering import Style, branches, fitted, moment, padded, text_of_value, written
from terminal.values import Flow

NARROW = Style(width=24)
PLAIN = Style(width=80, plain=True)
ROWS = [{"name": "a", "n": 5, "about": "x" * 40}, {"name": "bb", "n": 10, "about": "日本" * 10}]


async def shown(flow: Flow, style: Style = NARROW, **options: str) -> str:
    return "".join([text async for text in written(flow, style, **options)])


async def test_a_table_fits_the_width():
    assert await shown(Flow(ROWS)) == (
        "name   n  about\n"
        "a      5  xxxxxxxxxxxxx…\n"
        "bb    10  日本日本日本…\n"
    )  # fmt: skip


async def test_a_screen_reader_hears_rows_with_the_names_of_their_columns():
    assert await shown(Flow([{"name": "a", "n": 5}, {"name": "b", "n": None}]), PLAIN) == "name a, n 5\nname b\n"


async def test_no_data_drives_the_terminal():
    value = [{"na\x1bme": "a\x1b[2J\r"}]

    for style in (Style(colours=0), Style(colours=256), PLAIN):
        text = await shown(Flow(value), style)
        assert text.replace("\x1b[1m", "").replace("\x1b[0m", "").count("\x1b") == 0


@given(st.lists(st.integers(0, 300), min_size=1, max_size=12), st.integers(20, 200))
def test_widths_never_sum_to_more_than_there_is(widths, width):
    room = width - 2 * (len(widths) - 1)

    found = fitted(widths, room)

    kept = [each for each in found if each]
    assert sum(kept) + 2 * (len(kept) - 1) <= max(width, 2 * (len(widths) - 1)) or len(kept) == 1
    assert all(new <= old for new, old in zip(found, widths, strict=True))


@given(st.text(alphabet="ab é日本🙂\u0301"), st.integers(1, 30))
def test_a_cell_has_exactly_its_width(text, width):
    assert columns_of(padded(text, width)) == width


def test_a_tree_is_drawn_with_branches_and_told_in_levels():
    rows = [(0, "/"), (1, "a"), (2, "b"), (1, "c")]

    assert branches(rows, NARROW) == "/\n├── a\n│   └── b\n└── c"
    assert branches(rows, PLAIN) == "level 0: /\nlevel 1: a\nlevel 2: b\nlevel 1: c"


def test_bars_and_sparklines_are_to_scale():
    assert bars([("mon", 2), ("tue", 4)], Style(width=20)) == "mon  2  ██████\ntue  4  ████████████"
    assert bars([("mon", 2)], PLAIN) == "mon: 2"
    assert sparkline([1, 2, 3, 8], 10) == "▁▂▃█"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-05-17T09:29:48Z", "12s ago"),
        ("2026-05-17T07:29:00Z", "2h ago"),
        ("2026-05-01T07:29:00Z", "2026-05-01 07:29"),
        ("2026-05-17T09:35:00Z", "in 5m"),
        ("never", "never"),
    ],
)
def test_a_moment_is_told_from_now(text, told):
    assert moment(text, Style(now=datetime(2026, 5, 17, 9, 30, tzinfo=UTC))) == told


def test_json_is_coloured_by_what_its_parts_are():
    text = text_of_value({"a": {"b": [1, "x", None]}}, None, Style(width=80, colours=256))

    assert text == (
        '{\x1b[34m"a"\x1b[0m: {\x1b[34m"b"\x1b[0m: [\x1b[33m1\x1b[0m, \x1b[32m"x"\x1b[0m, \x1b[35mnull\x1b[0m]}}'
    )


def picture() -> Download:
    file = io.BytesIO()
    Image.new("RGB", (12, 6), "red").save(file, "PNG")
    return Download("dot.png", file.getvalue())


async def test_a_picture_is_shown_as_the_screen_can():
    hint = await shown(Flow(picture()))
    iterm = await shown(Flow(picture()), pictures="iterm")
    sixel = await shown(Flow(picture()), pictures="sixel")

    size = picture().size
    assert (
        hint == f"dot.png: a picture, {size}B of image/png. This terminal shows no pictures; the object's page does.\n"
    )
    assert iterm.startswith("\x1b]1337;File=name=ZG90LnBuZw==;size=")
    assert iterm.endswith("\x07\n")
    assert sixel.startswith('\x1bPq"1;1;12;6#0;2;100;0;0')
    assert sixel.endswith("#0!12~$-\x1b\\\n")


async def test_bytes_that_are_no_text_are_not_poured_out():
    assert await shown(Flow(Download("a.bin", b"\0\1\2" * 10))) == (
        "a.bin: 30B of application/octet-stream, not shown. "
        "`cat NAME > /path/NAME` copies it, `stat NAME` tells more.\n"
    )


async def test_characters_across_two_chunks_stay_whole():
    text = "aé日" * 100
    pieces = [text.encode()[at : at + 7] for at in range(0, len(text.encode()), 7)]

    assert await shown(Flow(Download("a.txt", pieces, size=600))) == text + "\n"
