"""Files: folders and files, each looked at where browsers can show it safely, and edited where it is text."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse

from objects.surfaces.pages.media import SHOWN, inline, sort_of
from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.recordings import SUFFIX as TIMELINE
from teams.problems import NoSuch, TooLarge

LISTED: Final = 200
TEXT_BYTES: Final = 1 << 19  # of a file that is opened in the editor
EDITORS: Final = {
    "json": "json", "jsonl": "json", "css": "css", "html": "html", "htm": "html", "js": "js", "mjs": "js", "ts": "js",
    "md": "md", "py": "py", "sql": "sql",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A folder on the way to what is shown."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in a list."""

    name: str
    full_name: str
    address: str
    is_folder: bool
    about: Any
    sort: str  # folder, image, audio, video, pdf, text, other


def show(tab: TabRequest) -> HttpResponse:
    """Show a folder (`:/files/photos/`), a file (`:/files/photos/a.jpg`), or its bytes alone (`?raw`)."""
    if tab.rest and not tab.rest.endswith("/"):
        return raw(tab, tab.rest) if "raw" in tab.query else _file(tab, tab.rest)
    folder = tab.rest.rstrip("/")
    listing = tab.ask("files.list", folder=folder, after=tab.query.get("after", ""), limit=LISTED)
    if folder and not listing["files"] and not tab.query.get("after"):
        raise NoSuch(f"{folder}/: no such folder. It may be empty now: a folder is there as long as a file is in it.")
    entries = [
        Entry(
            name=each["name"].rstrip("/").rpartition("/")[2],
            full_name=each["name"],
            address=tab.at(each["name"]),
            is_folder=each["type"] == "folder",
            about=each,
            sort=_sort(each["type"]),
        )
        for each in listing["files"]
    ]
    folder_name = f"{folder}/" if folder else ""
    return tab.show(entries=entries, folder=folder_name, steps=_steps(tab, folder), next=listing["next"])


def _file(tab: TabRequest, name: str) -> HttpResponse:
    about = tab.ask("files.info", name=name)
    sort = _sort(about["type"])
    text = _text(tab, name, about["size"]) if sort in ("text", "other") else None
    if sort == "other" and text is not None:
        sort = "text"
    return tab.show(
        "tabs/files_file.html",
        file=about,
        name=name,
        short_name=name.rpartition("/")[2],
        sort=sort,
        text=text,
        editor=EDITORS.get(name.rpartition(".")[2].lower(), "text"),
        raw=f"{tab.at(name)}?raw",
        recording=name.removesuffix(TIMELINE) if name.endswith(TIMELINE) else "",
        steps=_steps(tab, name.rpartition("/")[0]),
        folder=tab.at(name.rpartition("/")[0] + "/") if "/" in name else tab.at(),
    )


def raw(tab: TabRequest, name: str) -> HttpResponse:
    """Give the bytes of a file of a type that browsers show without running anything."""
    about = tab.ask("files.info", name=name)
    kind = about["type"]
    if kind not in SHOWN:
        raise NoSuch(f"{name}: a file of the type {kind} is not shown here. Download it.")
    return inline(tab.request, tab.ask("files.get", name=name), kind)


def _text(tab: TabRequest, name: str, size_bytes: int) -> str | None:
    """Give what a file says, None where it is no text or too long for an editor."""
    if size_bytes > TEXT_BYTES:
        return None
    try:
        download = tab.ask("files.get", name=name)
        text = b"".join(download.chunks()).decode()
    except (UnicodeDecodeError, TooLarge):
        return None
    return None if "\0" in text else text


def _sort(kind: str) -> str:
    return "folder" if kind == "folder" else sort_of(kind)


def _steps(tab: TabRequest, folder: str) -> list[Step]:
    parts = folder.split("/") if folder else []
    return [Step(part, tab.at("/".join(parts[: number + 1]) + "/")) for number, part in enumerate(parts)]
