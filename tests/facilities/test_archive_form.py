"""An archive tells when it was damaged, wherever that happened, and costs no more memory than a chunk."""

import io
from collections.abc import Iterator

import pytest

from objects.archive import form
from teams.problems import TooLarge, WrongArgument

ABOUT = {"kind": "object", "tags": ["x"], "settings": {"sql.rows": 1}, "version": 3, "created_at": 1.5}
OBJECTS = [
    (form.About(path="", bytes=0, changed_at=2.5, **ABOUT), b""),  # type: ignore[arg-type]
    (form.About(path="b", bytes=700, changed_at=2.5, **ABOUT), b"x" * 700),  # type: ignore[arg-type]
    (form.About(path="b/ü", bytes=1024, changed_at=2.5, **ABOUT), b"z" * 1024),  # type: ignore[arg-type]
]
SOUND = b"".join(form.write("/a/é", ((about, [data[:9], data[9:]]) for about, data in OBJECTS)))


def reader(data: bytes, *, object_bytes: int = 10_000, objects: int = 10) -> form.Reader:
    return form.Reader(io.BytesIO(data), field="content", object_bytes=object_bytes, objects=objects)


def test_what_was_written_is_read_again():
    archive = reader(SOUND)

    assert archive.path == "/a/é"
    assert [(about, b"".join(archive.file_chunks())) for about in archive.objects()] == OBJECTS


def test_its_size_is_known_before_it_is_written():
    assert form.size_bytes("/a/é", (about for about, _ in OBJECTS)) == len(SOUND)


@pytest.mark.parametrize("bit", [0, 7])
def test_a_changed_bit_is_noticed_wherever_it_is(bit: int):
    end = len(SOUND) - 4 * form.BLOCK  # where `end.json` begins: header, digest, two empty blocks
    for place in range(0, end, 3):
        damaged = bytearray(SOUND)
        damaged[place] ^= 1 << bit

        with pytest.raises((WrongArgument, TooLarge)):
            list(reader(bytes(damaged)).objects())


@pytest.mark.parametrize("cut", [1, 512, 1024, 1500, 3000])
def test_one_that_was_cut_off_is_noticed(cut: int):
    kept = SOUND[: -2 * form.BLOCK - cut]

    with pytest.raises(WrongArgument) as refused:
        list(reader(kept).objects())

    assert refused.value.detail == (
        "This archive cannot be imported: it ends too early: it was cut off. Nothing was changed."
    )


def test_more_or_larger_objects_than_allowed_are_refused_before_they_are_read():
    with pytest.raises(TooLarge) as many:
        list(reader(SOUND, objects=2).objects())
    with pytest.raises(TooLarge) as large:
        list(reader(SOUND, object_bytes=1_000).objects())

    assert many.value.detail == "The archive holds more than 2 objects. Import parts of it."
    assert large.value.detail == "b/ü: its file has 1,024 bytes; an object has at most 1,000 here (quota.bytes)."


def test_a_large_file_is_written_and_read_piece_by_piece():
    size = 64 * 2**20

    def pieces() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(2**20)

    about = form.About(path="", bytes=size, changed_at=0.0, **ABOUT)  # type: ignore[arg-type]

    assert max(map(len, form.write("/", [(about, pieces())]))) == 2**20
