"""Files are kept by name in an archive that the sqlite3 tool reads, and come back as they were."""

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from objects.commands.types import Content, Upload
from objects.facilities.files import file_name
from teams.problems import Conflict, NoSuch, TooLarge, WrongArgument
from tests.grove import Grove

SQUASHABLE = b"lemon tree " * 100_000
NOISE = random.Random(1).randbytes(1_000_000)


@pytest.fixture
def path(grove: Grove) -> str:
    return grove.new()


def names(grove: Grove, path: str, folder: str = "", **options: Any) -> list[str]:
    return [file["name"] for file in grove.call(path, "files.list", folder=folder, **options)["files"]]


@pytest.mark.parametrize("data", [b"", b"\0", b"Hello, grove", SQUASHABLE, NOISE, NOISE[:5000] + SQUASHABLE])
def test_a_file_comes_back_as_it_went_in(grove: Grove, path: str, data: bytes):
    grove.call(path, "files.put", name="a/b.bin", content=Content(data))

    download = grove.call(path, "files.get", name="a/b.bin")

    assert (download.name, download.content_type, download.size) == ("b.bin", "application/octet-stream", len(data))
    assert download.read() == data


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.binary(max_size=20).map(lambda part: part * 50))
def test_what_is_not_smaller_deflated_is_kept_as_it_is(grove: Grove, path: str, data: bytes):
    told = grove.call(path, "files.put", name="x", content=Content(data))

    assert told["size"] == len(data)
    assert told["stored"] <= len(data)
    assert grove.call(path, "files.get", name="x").read() == data


def test_a_file_is_stored_deflated(grove: Grove, path: str):
    told = grove.call(path, "files.put", name="tree.txt", content=Content(SQUASHABLE))
    changed_at = told.pop("changed_at")

    assert told == {"name": "tree.txt", "size": 1_100_000, "stored": told["stored"], "type": "text/plain"}
    assert told["stored"] < 10_000
    assert grove.call(path, "files.info", name="tree.txt") == told | {"changed_at": changed_at}


def test_the_sqlite3_tool_unpacks_what_is_kept(grove: Grove, path: str, tmp_path: Path):
    files = {
        "a.txt": b"Hello",
        "deep/er/tree.txt": SQUASHABLE,
        "noise": NOISE,
        "empty": b"",
        "blåbär.txt": b"bl\xc3\xa5",
    }
    for name, data in files.items():
        grove.call(path, "files.put", name=name, content=Content(data))
    database = tmp_path / "object.sqlite"
    database.write_bytes(grove.call(path, "export").read())
    (tmp_path / "out").mkdir()

    subprocess.run(["sqlite3", database, "-Ax"], cwd=tmp_path / "out", check=True)

    unpacked = {
        str(file.relative_to(tmp_path / "out")): file.read_bytes()
        for file in (tmp_path / "out").rglob("*")
        if file.is_file()
    }
    assert unpacked == files


def test_files_that_the_sqlite3_tool_packed_are_read(grove: Grove, path: str, tmp_path: Path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "tree.txt").write_bytes(SQUASHABLE)
    (tmp_path / "in" / "link").symlink_to("deep/tree.txt")
    subprocess.run(["sqlite3", tmp_path / "a.sqlite", "-Ac", "deep", "link"], cwd=tmp_path / "in", check=True)
    grove.call(path, "import", content=Content((tmp_path / "a.sqlite").read_bytes()), **{"as": "in"})

    listed = grove.call(f"{path}/in", "files.list", deep=True)["files"]

    assert [(file["name"], file["size"], file["type"]) for file in listed] == [
        ("deep/", None, "folder"),
        ("deep/tree.txt", 1_100_000, "text/plain"),
        ("link", 0, "link"),
    ]
    assert names(grove, f"{path}/in") == ["deep/", "link"]
    assert grove.call(f"{path}/in", "files.get", name="deep/tree.txt").read() == SQUASHABLE
    with pytest.raises(Conflict):
        grove.call(f"{path}/in", "files.get", name="link")


def test_a_folder_is_listed_by_level_and_page_by_page(grove: Grove, path: str):
    for name in ("a.txt", "b/1", "b/2", "b/c/3", "b.txt", "b0", "d/e/f"):
        grove.call(path, "files.put", name=name, content="x")

    first = grove.call(path, "files.list", limit=3)
    rest = grove.call(path, "files.list", limit=3, after=first["next"])

    assert [file["name"] for file in first["files"]] == ["a.txt", "b.txt", "b/"]
    assert ([file["name"] for file in rest["files"]], rest["next"]) == (["b0", "d/"], None)
    assert names(grove, path, "b/") == ["b/1", "b/2", "b/c/"]
    assert names(grove, path, "b", deep=True) == ["b/1", "b/2", "b/c/3"]
    assert names(grove, path, deep=True, limit=1_000) == ["a.txt", "b.txt", "b/1", "b/2", "b/c/3", "b0", "d/e/f"]


def test_a_file_and_a_folder_never_have_one_name(grove: Grove, path: str):
    grove.call(path, "files.put", name="a/b", content="x")

    with pytest.raises(Conflict) as in_a_file:
        grove.call(path, "files.put", name="a/b/c", content="x")
    with pytest.raises(Conflict) as over_a_folder:
        grove.call(path, "files.put", name="a", content="x")

    assert in_a_file.value.detail == "a/b/c: 'a/b' is a file, so nothing can be in it. Choose another name."
    assert over_a_folder.value.detail == "a: this is a folder with files in it. Choose another name."


def test_folders_move_with_all_in_them(grove: Grove, path: str):
    for name in ("a/1", "a/b/2", "ab"):
        grove.call(path, "files.put", name=name, content=name)

    assert grove.call(path, "files.move", old="a/", new="z/y/") == 2

    assert names(grove, path, deep=True) == ["ab", "z/y/1", "z/y/b/2"]
    assert grove.call(path, "files.get", name="z/y/b/2").read() == b"a/b/2"


def test_a_move_onto_a_file_is_refused_unless_it_may_replace(grove: Grove, path: str):
    grove.call(path, "files.put", name="old", content="old")
    grove.call(path, "files.put", name="new", content="new")

    with pytest.raises(Conflict) as refused:
        grove.call(path, "files.move", old="old", new="new")

    assert refused.value.detail == "There is already 'new'. Say --replace to replace them."
    assert grove.call(path, "files.move", old="old", new="new", replace=True) == 1
    assert (names(grove, path), grove.call(path, "files.get", name="new").read()) == (["new"], b"old")


@pytest.mark.parametrize(("old", "new"), [("a/", "a/b/"), ("a/1", "a/1"), ("a/", "a/"), ("a/", "b"), ("a/1", "b/")])
def test_a_move_that_makes_no_sense_changes_nothing(grove: Grove, path: str, old: str, new: str):
    grove.call(path, "files.put", name="a/1", content="x")

    with pytest.raises((WrongArgument, Conflict)):
        grove.call(path, "files.move", old=old, new=new)

    assert names(grove, path, deep=True) == ["a/1"]


def test_deleting_is_all_or_nothing(grove: Grove, path: str):
    for name in ("a/1", "a/2", "b"):
        grove.call(path, "files.put", name=name, content="x")

    with pytest.raises(NoSuch) as refused:
        grove.call(path, "files.delete", names=["a/", "c"])

    assert refused.value.detail == "c: no such file. `files list` shows those that there are."
    assert grove.call(path, "files.delete", names=["a/", "a/1", "b"]) == 3
    assert names(grove, path, deep=True) == []


def test_a_new_file_is_put_once(grove: Grove, path: str):
    grove.call(path, "files.put", name="a", content="1", new=True)

    with pytest.raises(Conflict) as refused:
        grove.call(path, "files.put", name="a", content="2", new=True)

    assert refused.value.detail == "a: there is such a file already. Choose another name, or put it without --new."
    assert grove.call(path, "files.get", name="a").read() == b"1"


def test_a_file_as_large_as_may_be_is_kept_and_one_byte_more_is_not(grove: Grove, path: str):
    largest = 32 * 2**20
    grove.call(path, "tree.set", name="file.bytes", value=largest)
    for size in (largest, largest + 1):
        upload = Upload(limit_bytes=2**30)
        for _ in range(largest // len(NOISE[: 2**19])):
            upload.write(NOISE[: 2**19])
        upload.write(b"x" * (size - largest))
        if size == largest:
            grove.call(path, "files.put", name="big", content=upload)
        else:
            with pytest.raises(TooLarge) as refused:
                grove.call(path, "files.put", name="big", content=upload)

    assert refused.value.detail == (
        "content: big has 33,554,433 bytes; a file has at most 33,554,432 here (file.bytes)."
    )
    assert grove.call(path, "files.info", name="big")["size"] == largest


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "'' is empty."),
        ("../x", "'../x' has '.' or '..' as a part: say where the file is by names alone."),
        ("a/./b", "'a/./b' has '.' or '..' as a part: say where the file is by names alone."),
        (
            "/etc/passwd",
            "'/etc/passwd' is not relative: write photos/a.jpg, with no / before and no \\ or drive in it.",
        ),
        ("..\\x", "'..\\x' is not relative: write photos/a.jpg, with no / before and no \\ or drive in it."),
        ("C:/x", "'C:/x' is not relative: write photos/a.jpg, with no / before and no \\ or drive in it."),
        ("a//b", "'a//b' has an empty part: one / between two names, none at the end."),
        ("a/", "'a/' has an empty part: one / between two names, none at the end."),
        ("a\nb", "'a\nb' holds characters that cannot be printed."),
        ("é" * 513, "'" + "é" * 57 + "…' has 1,026 bytes; a name has at most 1,024."),
    ],
)
def test_a_name_that_no_disk_should_see_is_refused(grove: Grove, path: str, name: str, why: str):
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "files.put", name=name, content="x")

    assert (refused.value.field, refused.value.detail) == ("name", why)
    assert names(grove, path) == []


@settings(max_examples=300)
@given(
    st.text(max_size=40) | st.lists(st.sampled_from(["a", "..", ".", "", "é", "C:", "\\"]), max_size=5).map("/".join)
)
@example("a/b")
def test_a_name_that_passes_stays_in_its_folder(text: str):
    try:
        name = file_name(text)
    except WrongArgument:
        return

    assert Path("/top", name).resolve() == Path(f"/top/{name}")
    assert file_name(name) == name
