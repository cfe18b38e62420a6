"""A file that a call gives is shown where it stands, by its type; and comes out whole for who downloads it."""

import base64

import pytest

from objects.commands.registry import Registry
from objects.commands.types import Download
from objects.sdk import Kind, command
from objects.surfaces.pages.results import File, result_of

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Camera(Kind[None]):
    """Takes pictures."""

    @command
    def take(self) -> Download:
        """Take a picture."""
        return Download("a.png", PNG)


@pytest.fixture(scope="module")
def shelf(make, call) -> str:
    path = make("/results/shelf")
    for name, content in {
        "a.png": PNG, "b.pdf": b"%PDF-1.4", "c.mp3": b"ID3", "d.webm": b"\x1a", "e.txt": b"a < b", "f.bin": b"\xff\0",
        "g.html": b"<script>alert(1)</script>",
    }.items():  # fmt: skip
        call(path, "files.put", name=name, content={"base64": base64.b64encode(content).decode()})
    return path


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.png", '<img src="{raw}"'), ("b.pdf", '<iframe class="preview pdf" src="{raw}"'),
        ("c.mp3", '<audio controls preload="metadata" src="{raw}"'),
        ("d.webm", '<video controls preload="metadata" src="{raw}"'), ("e.txt", "a &lt; b</pre>"),
        ("f.bin", "is not shown here"), ("g.html", "&lt;script&gt;alert(1)&lt;/script&gt;</pre>"),
    ],
)  # fmt: skip
def test_a_file_is_shown_by_its_type(owner, team, shelf, name, shown):
    address = f"/t/{team.slug}/o{shelf}:files.get"

    page = owner.post(address, {"name": name, "_show": "yes"}, headers={"HX-Request": "true"})

    raw = f"{address}?name={name}&amp;_run=yes&amp;_show=raw"
    assert page.status_code == 200
    assert shown.format(raw=raw) in page.content.decode()
    assert f'href="{address}?name={name}&amp;_run=yes" download="{name}"' in page.content.decode()


def test_its_bytes_come_to_be_shown_without_rights_and_to_be_kept_as_an_attachment(owner, team, shelf):
    address = f"/t/{team.slug}/o{shelf}:files.get?name=a.png&_run=yes"

    shown, kept = owner.get(f"{address}&_show=raw"), owner.get(address)

    assert (b"".join(shown), b"".join(kept)) == (PNG, PNG)
    assert (shown.headers["Content-Type"], kept.headers["Content-Type"]) == ("image/png", "application/octet-stream")
    assert shown.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert kept.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize("name", ["e.txt", "f.bin", "g.html"])
def test_what_is_no_picture_sound_film_or_pdf_is_never_handed_out_to_be_shown(owner, team, shelf, name):
    answer = owner.get(f"/t/{team.slug}/o{shelf}:files.get?name={name}&_run=yes&_show=raw")

    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_a_picture_within_a_result_stands_in_the_page():
    take = Registry.of(Camera).commands("camera")["take"]

    (block,) = result_of(take, Download("a.png", PNG).plain()).blocks

    encoded = base64.b64encode(PNG).decode()
    assert block == File(
        "a.png", "image/png", len(PNG), "image", f"data:image/png;base64,{encoded}",
        f"data:application/octet-stream;base64,{encoded}",
    )  # fmt: skip
