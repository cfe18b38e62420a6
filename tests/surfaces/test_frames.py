"""Frames of sockets as Grove itself reads and writes them: RFC 6455, with the `websockets` library as the judge."""

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from objects.surfaces.frames import frame, short_texts

short = st.text(max_size=125).map(str.encode).filter(lambda text: len(text) <= 125)


def sent(payload: bytes, *, opcode: Opcode = Opcode.TEXT, fin: bool = True, mask: bool = True) -> bytes:
    """Write a frame as a client does."""
    return Frame(opcode, payload, fin).serialize(mask=mask)


@given(st.lists(short, max_size=5), st.binary(max_size=3))
def test_short_texts_are_read_one_by_one_up_to_what_is_not_whole(texts, rest):
    data = b"".join(map(sent, texts)) + rest

    read, at = short_texts(data)

    assert (read, data[at:]) == (texts, rest)


def test_all_else_is_left_to_the_parser():
    whole = sent(b"a text")

    assert short_texts(whole) == ([b"a text"], len(whole))
    assert [short_texts(whole[:size]) for size in range(len(whole))] == [([], 0)] * len(whole)
    for other in (
        sent(b"a text", mask=False),
        sent(b"a part", fin=False),
        sent(b"bytes", opcode=Opcode.BINARY),
        sent(b"", opcode=Opcode.PING),
        sent(b"x" * 126),
        sent(b"\xff\xfe"),
    ):
        assert short_texts(other) == ([], 0)
        assert short_texts(whole + other) == ([b"a text"], len(whole))


@given(st.text(max_size=100_000).map(str.encode))
def test_what_is_written_is_a_whole_text_frame(text):
    assert frame(text) == Frame(Opcode.TEXT, text).serialize(mask=False)
