"""What is exported opens elsewhere and comes back the same; what is damaged or hostile changes nothing."""

import io
import json
import sqlite3
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from objects.archive import form, outgoing
from objects.commands.types import Content, Download
from teams.access import Role
from teams.problems import Conflict, NoSuch, NotAllowed, Overloaded, Problem, TooLarge, WrongArgument
from tests.grove import Grove


@pytest.fixture
def path(grove: Grove) -> str:
    return grove.new()


@contextmanager
def opened(tmp_path: Path, file: Download) -> Iterator[sqlite3.Connection]:
    database = tmp_path / "opened.sqlite"
    database.write_bytes(file.read())
    connection = sqlite3.connect(database)
    yield connection
    connection.close()


def everything(grove: Grove, path: str) -> dict[str, Any]:
    """Give all that is to be the same after a round trip."""
    described = grove.call(path, "tree.describe")
    return {
        "kind": described["kind"],
        "tags": described["tags"],
        "settings": described["settings"],
        "state": grove.call(path, "state.list"),
        "schema": grove.call(path, "sql.schema"),
        "rows": [
            grove.call(path, "sql.query", query=f'select * from "{table["name"]}" order by 1')["rows"]
            for table in grove.call(path, "sql.tables")
        ],
        "files": [
            (file["name"], file["changed_at"], grove.call(path, "files.get", name=file["name"]).read())
            for file in grove.call(path, "files.list", deep=True)["files"]
        ],
    }


def fill(grove: Grove, path: str, number: int) -> None:
    grove.call(path, "state.set_many", values={"number": number, "é": [1.5, None]})
    grove.call(
        path, "sql", query="create table plant(id integer primary key, name unique, x); create view v as select 1"
    )
    grove.call(
        path, "sql", query="create virtual table words using fts5(body); insert into words values ('lemon tree')"
    )
    grove.call(path, "sql", query="insert into plant(name, x) values ('basil', ?), ('mint', 1e-300)", params=[number])
    grove.call(path, "files.put", name="a/b.txt", content=f"file {number}" * 100)


def test_an_exported_object_opens_in_other_tools(grove: Grove, path: str, tmp_path: Path):
    fill(grove, path, 7)

    file = grove.call(path, "export")

    assert file.name == path.rpartition("/")[2] + ".sqlite"
    with opened(tmp_path, file) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert database.execute("select name, x from plant").fetchall() == [("basil", 7), ("mint", 1e-300)]
        assert database.execute("select value from _state where key = 'number'").fetchall() == [("7",)]
    checked = subprocess.run(
        ["sqlite3", tmp_path / "opened.sqlite", "pragma integrity_check; select count(*) from plant"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert checked.stdout == "ok\n2\n"


def test_an_untouched_object_is_exported_as_an_empty_database(grove: Grove, path: str, tmp_path: Path):
    file = grove.call(path, "export")

    assert file.size == 4096
    with opened(tmp_path, file) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert database.execute("select * from sqlite_schema").fetchall() == []


def test_an_exported_file_becomes_the_same_object_elsewhere(grove: Grove, path: str):
    fill(grove, path, 7)
    elsewhere = grove.new()
    file = grove.call(path, "export").read()

    made = grove.call(elsewhere, "import", content=Content(file, name="copy.sqlite"))

    assert made == {"name": "copy", "objects": 1, "size": len(file)}
    assert everything(grove, f"{elsewhere}/copy") == everything(grove, path)


def test_an_imported_object_lives_on(grove: Grove, path: str, fresh_engine):
    fill(grove, path, 1)
    grove.call(path, "import", content=Content(grove.call(path, "export").read()), **{"as": "copy"})

    assert grove.call(f"{path}/copy", "state.incr", key="number") == 2
    assert grove.through(fresh_engine).call(f"{path}/copy", "state.incr", key="number") == 3
    assert grove.call(f"{path}/copy", "state.get", key="number") == 3


def test_a_subtree_comes_back_the_same_elsewhere(grove: Grove, path: str):
    grove.call(path, "tree.create", name="é b")
    grove.call(f"{path}/é b", "tree.create", name="c")
    grove.call(path, "tree.create", name="untouched")
    fill(grove, path, 1)
    fill(grove, f"{path}/é b/c", 2)
    grove.call(path, "tree.tag", tags=["garden", "home"])
    grove.call(f"{path}/é b", "tree.set", name="sql.rows", value=5)
    elsewhere = grove.new()

    archive = grove.call(path, "export", subtree=True)
    data = archive.read()
    made = grove.call(elsewhere, "import", content=Content(data))

    top = f"{elsewhere}/{path.rpartition('/')[2]}"
    assert len(data) == archive.size
    assert made == {"name": path.rpartition("/")[2], "objects": 4, "size": made["size"]}
    for below in ("", "/é b", "/é b/c", "/untouched"):
        assert everything(grove, top + below) == everything(grove, path + below)


def test_an_archive_unpacks_with_tar(grove: Grove, path: str, tmp_path: Path):
    grove.call(path, "tree.create", name="leaf")
    fill(grove, f"{path}/leaf", 3)

    with tarfile.open(fileobj=io.BytesIO(grove.call(path, "export", subtree=True).read())) as archive:
        archive.extractall(tmp_path, filter="data")

    about = [json.loads((tmp_path / f"objects/0000000{number}/about.json").read_text()) for number in (1, 2)]
    assert [(each["path"], each["kind"], each["tags"], each["settings"]) for each in about] == [
        ("", "object", [], {}),
        ("leaf", "object", [], {}),
    ]
    assert json.loads((tmp_path / "grove.json").read_text()) == {"format": "grove-archive", "version": 1, "path": path}
    assert not (tmp_path / "objects/00000001/data.sqlite").exists()
    database = sqlite3.connect(tmp_path / "objects/00000002/data.sqlite")
    assert database.execute("select name from plant").fetchall() == [("basil",), ("mint",)]
    database.close()


def test_what_is_hidden_is_left_out_and_what_is_not_comes_along(grove: Grove, path: str, team, member, caller):
    for name in ("open", "hidden"):
        grove.call(path, "tree.create", name=name)
    for name in ("secret", "shown"):
        grove.call(f"{path}/hidden", "tree.create", name=name)
    grants = {f"{path}/hidden": Role.NONE, f"{path}/hidden/shown": Role.VIEWER}
    viewer = grove.acting_as(caller(team, member(team, Role.VIEWER, grants)))

    data = viewer.call(path, "export", subtree=True).read()

    reader = form.Reader(io.BytesIO(data), field="content", object_bytes=2**30, objects=100)
    assert [about.path for about in reader.objects()] == ["", "hidden/shown", "open"]
    grove.call(path, "import", content=Content(data), **{"as": "again"})
    assert grove.call(f"{path}/again/hidden", "tree.describe")["kind"] == "object"


def test_who_may_not_change_a_place_cannot_import_there(grove: Grove, path: str, team, member, caller):
    data = grove.call(path, "export", subtree=True).read()
    viewer = grove.acting_as(caller(team, member(team, Role.VIEWER)))
    fenced = grove.acting_as(caller(team, member(team, Role.EDITOR, {f"{path}/private": Role.NONE})))

    with pytest.raises(NotAllowed):
        viewer.call(path, "import", content=Content(data), **{"as": "x"})
    with pytest.raises(NoSuch):
        fenced.call(path, "import", content=Content(data), **{"as": "private"})


def test_what_is_there_already_is_replaced_only_when_told(grove: Grove, path: str):
    grove.call(path, "tree.create", name="old")
    grove.call(f"{path}/old", "tree.create", name="below")
    grove.call(f"{path}/old", "state.set", key="was", value="here")
    data = grove.call(grove.new(), "export", subtree=True).read()

    with pytest.raises(Conflict) as refused:
        grove.call(path, "import", content=Content(data), **{"as": "old"})

    assert refused.value.extra == {"paths": [f"{path}/old"]}
    assert grove.call(f"{path}/old", "state.get", key="was") == "here"
    grove.call(path, "import", content=Content(data), replace=True, **{"as": "old"})
    assert grove.call(f"{path}/old", "state.list") == {"entries": [], "next": None}
    with pytest.raises(NoSuch):
        grove.call(f"{path}/old/below", "tree.describe")


def made(*objects: tuple[str, bytes], **about: Any) -> bytes:
    """Make an archive of objects (path, SQLite file)."""
    told: dict[str, Any] = {
        "kind": "object",
        "tags": [],
        "settings": {},
        "version": 1,
        "created_at": 0.0,
        "changed_at": 0.0,
    } | about
    return b"".join(
        form.write("/x", ((form.About(path=path, bytes=len(file), **told), [file]) for path, file in objects))
    )


def tar_of(*members: tarfile.TarInfo) -> bytes:
    return b"".join(member.tobuf(tarfile.USTAR_FORMAT) + bytes(-member.size % 512 + member.size) for member in members)


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


HEAD = made(("", b""))[:1024]
SOUND = made(("", b""), ("a", b""))
CANNOT = "This archive cannot be imported: "
UNCHANGED = ". Nothing was changed."


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\3\4 a zip", "This is neither an SQLite file nor an archive of Grove; `export` makes both."),
        (SOUND[:-1500], CANNOT + "it ends too early: it was cut off" + UNCHANGED),
        (SOUND.replace(b'"kind":"object"', b'"kind":"OBJECT"', 1),
         "no kind 'OBJECT'."),
        (SOUND.replace(b'"version":1,"created', b'"version":2,"created', 1),
         CANNOT + "its content is not what was exported: the digest at its end differs" + UNCHANGED),
        (SOUND + b"more", CANNOT + "something follows its end" + UNCHANGED),
        (HEAD + tar_of(member("objects/00000001/about.json", kind=tarfile.SYMTYPE, link="/etc/passwd")),
         CANNOT + "'objects/00000001/about.json' is not a plain file" + UNCHANGED),
        (HEAD + tar_of(member("../../etc/passwd")),
         CANNOT + "'../../etc/passwd' is where 'objects/00000001/about.json' should be" + UNCHANGED),
        (HEAD + tar_of(member("x", kind=tarfile.XHDTYPE, size=99)), CANNOT + "'x' is not a plain file" + UNCHANGED),
        (HEAD + b"\xff" * 512, CANNOT + "a header in it is damaged" + UNCHANGED),
        (HEAD.replace(b"grove-archive", b"grave-archive"),
         CANNOT + "its format is 'grave-archive', not 'grove-archive'" + UNCHANGED),
        (HEAD.replace(b'"version":1', b'"version":9'),
         CANNOT + "its format version is 9; this Grove reads version 1" + UNCHANGED),
        (made(("", b""), ("../up", b"")), "A path in this archive: '..' is not a name"),
        (made(("", b""), ("a", b""), ("a", b"")), "exists already"),
        (made(("below", b"")), "This archive does not begin with its top. Nothing was changed."),
        (made(), "This archive holds no object. Nothing was changed."),
        (made(("", b""), settings={"sql.rows": "many"}), "sql.rows"),
        (made(("", b""), tags=["NOT A TAG"]), "the tag"),
        (made(("", b"not a database at all")), "this is no SQLite database"),
        (made(("", b"SQLite format 3\0" + b"\xff" * 8176)), "the file is damaged"),
        (b"SQLite format 3\0" + b"\xff" * 8176, "the file is damaged"),
    ],
)  # fmt: skip
def test_what_is_damaged_or_hostile_changes_nothing(grove: Grove, path: str, data: bytes, why: str):
    with pytest.raises(Problem) as refused:
        grove.call(path, "import", content=Content(data), **{"as": "x"})

    told = refused.value.detail
    assert why in told
    assert told.endswith(("Nothing was changed.", "Choose another name."))
    assert refused.value.status in (409, 422)
    with pytest.raises(NoSuch):
        grove.call(f"{path}/x", "tree.describe")


def test_a_file_that_is_larger_than_an_object_may_be_is_refused(grove: Grove, path: str):
    grove.call(path, "tree.set", name="quota.bytes", value=65_536)

    with pytest.raises(TooLarge) as refused:
        grove.call(path, "import", content=Content(made(("", b"SQLite format 3\0" * 5_000))), **{"as": "x"})

    assert refused.value.detail == (
        "the top: its file has 80,000 bytes; an object has at most 65,536 here (quota.bytes)."
    )


def test_names_of_the_platform_are_refused_in_a_file(grove: Grove, path: str, tmp_path: Path):
    database = sqlite3.connect(tmp_path / "x.sqlite")
    database.execute("create table _secret(x)")
    database.commit()
    database.close()

    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "import", content=Content((tmp_path / "x.sqlite").read_bytes()), **{"as": "x"})

    assert refused.value.detail == (
        f"{path}/x: table _secret: names that start with _ and sqlar are kept for the platform. Rename it."
        " Nothing was changed."
    )


@pytest.mark.parametrize("name", ["", "a/b", "..", "a:b"])
def test_a_new_object_needs_a_name(grove: Grove, path: str, name: str):
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "import", content=Content(b""), **{"as": name})

    assert refused.value.field == "as"


def test_an_export_is_of_the_moment_of_its_call(grove: Grove, path: str, tmp_path: Path):
    fill(grove, path, 1)

    file = grove.call(path, "export")
    grove.call(path, "sql", query="delete from plant")

    with opened(tmp_path, file) as database:
        assert database.execute("select count(*) from plant").fetchall() == [(2,)]


def test_who_may_not_change_all_beneath_cannot_replace_it(grove: Grove, path: str, team, member, caller):
    grove.call(path, "tree.create", name="old")
    grove.call(f"{path}/old", "tree.create", name="private")
    fenced = grove.acting_as(caller(team, member(team, Role.EDITOR, {f"{path}/old/private": Role.NONE})))

    with pytest.raises(NotAllowed) as refused:
        fenced.call(path, "import", content=Content(b""), replace=True, **{"as": "old"})

    assert refused.value.detail == (
        f"import: replacing {path}/old needs the role editor on all beneath it; yours is less in places."
    )


def test_exports_that_nobody_reads_give_their_place_back(grove: Grove, path: str):
    held = [grove.call(path, "export", subtree=True) for _ in range(outgoing.AT_ONCE)]
    with pytest.raises(Overloaded) as refused:
        grove.call(path, "export")

    held.clear()

    assert refused.value.retry_after_s == 5
    assert patiently(lambda: grove.call(path, "export").size) == 4096


def patiently(export: Callable[[], int]) -> int:
    """Try until there is room: an engine's thread may still hold what it answered last."""
    until = time.monotonic() + 10
    while True:
        try:
            return export()
        except Overloaded:
            assert time.monotonic() < until
            time.sleep(0.1)
