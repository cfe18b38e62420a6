"""The tree beside every page of a team: the way down to what is shown, folders left open, what is pinned.

A flat list of rows, each with its depth: scripts and screen readers take it as a tree, and a folder that opens puts its
rows behind its own. Built when a whole page is rendered, never for a fragment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.functional import SimpleLazyObject

from objects.surfaces.pages import shelves
from objects.surfaces.pages.addresses import branch_address, read
from objects.surfaces.pages.asking import Question, answers, tops_of
from objects.surfaces.pages.shelves import Kept, OnShelf
from objects.tree.paths import ObjectPath
from teams.access import Caller, Role
from teams.problems import Problem
from teams.schemas import inside

LISTED: Final = 60  # objects of one folder, before "more"
OBJECT_PAGES: Final = ("object", "terminal")  # names of the addresses that end in an object's path


@dataclass(frozen=True, slots=True)
class Row:
    """An object in the tree, or "more" at the end of a folder: then `more_address` is set. depth: 0 is at the top."""

    path: str
    name: str
    kind: str
    children: int
    depth: int
    is_open: bool = False
    is_current: bool = False
    more_address: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """What templates/objects/_sidebar.html shows. at: the object that the page is about, or ""."""

    slug: str
    at: str
    rows: Sequence[Row]
    pinned: Sequence[Kept]
    recent: Sequence[Kept]
    is_pinned: bool
    may_create: bool


def side(request: HttpRequest) -> dict[str, Any]:
    """Give templates `side` on pages of a team, worked out when it is first asked for (a context processor)."""
    if not hasattr(request, "caller"):
        return {}
    return {"side": SimpleLazyObject(lambda: _side(request))}


def _side(request: Any) -> Side:
    caller, slug = request.caller, request.team.slug
    at = _shown(request)
    way = [] if at is None else [at, *at.ancestors()]
    with inside(request.team.schema_name):  # a page that is no more is rendered outside of it
        shelf = shelves.read(caller, way)
        here = None if at is None else shelf.here.get(at)
        # A visiting operator, whose caller has a scope, leaves no trace on the shelf.
        is_new = here is not None and here.path != "/" and (not shelf.recent or shelf.recent[0].id != here.id)
        if here is not None and is_new and caller.scope is None:
            shelves.saw(caller, here)
    if here is None:  # nothing on the page tells whether it is absent or hidden
        at, way = None, []
    opened = {str(each.path) for each in shelf.opened} | {str(path) for path in way[1:]}
    if not caller.sees("/"):
        opened |= set(tops_of(caller))
    return Side(
        slug=slug,
        at=str(at or ""),
        rows=tuple(_rows(caller, slug, opened, shelf, str(at or ""))),
        pinned=shelf.pinned,
        recent=[each for each in shelf.recent if each.path != at],
        is_pinned=here is not None and here in shelf.pinned,
        may_create=caller.role_at("/") >= Role.EDITOR or any(role >= Role.EDITOR for _, role in caller.grants),
    )


def _shown(request: HttpRequest) -> ObjectPath | None:
    """The path of the object that the page is about; for a fragment the page is the one that asks for it."""
    match = request.resolver_match
    asking = getattr(request, "htmx", None) and request.htmx.current_url_abs_path  # type: ignore[attr-defined]
    if asking:
        try:
            match = resolve(unquote(urlsplit(asking).path))
        except Resolver404:
            return None
    if match is None or match.url_name not in OBJECT_PAGES:
        return None
    try:
        return read(match.kwargs["address"])[0]
    except Problem:
        return None


def _rows(caller: Caller, slug: str, opened: set[str], shelf: OnShelf, at: str) -> Iterator[Row]:
    """Ask for all folders that are open at once, and put them together."""
    tops = tops_of(caller)
    folders = sorted({"/", *opened} if "/" in tops else opened)
    folders = [path for path in folders if caller.sees(path)]
    questions = [Question(path, "tree.list", {"limit": LISTED}) for path in folders]
    listings = {
        question.path: outcome.value
        for question, outcome in zip(questions, answers(caller, *questions), strict=True)
        if outcome.problem is None
    }
    if "/" in listings:
        yield from _folder(slug, "/", 0, listings, shelf.here, at)
        return
    for top in tops:  # a guest's places stand side by side
        is_open = top in listings and bool(listings[top]["objects"])
        entry = {"path": top, "name": top, "kind": "object", "children": 1}
        yield row(entry, 0, is_open=is_open, is_current=top == at)
        if is_open:
            yield from _folder(slug, top, 1, listings, shelf.here, at)


def _folder(
    slug: str, path: str, depth: int, listings: Mapping[str, Any], known: Mapping[str, Kept], at: str
) -> Iterator[Row]:
    listing = listings[path]
    entries = list(listing["objects"])
    # What is shown stands in the tree also where it is further down than the list goes.
    listed = {entry["path"] for entry in entries}
    entries += [
        {"path": str(each.path), "name": each.name, "kind": each.kind, "children": int(str(each.path) in listings)}
        for each in known.values()
        if each.path != "/" and each.path.parent == path and each.path not in listed
    ]
    for entry in entries:
        is_open = entry["path"] in listings and bool(entry["children"])
        yield row(entry, depth, is_open=is_open, is_current=entry["path"] == at)
        if is_open:
            yield from _folder(slug, entry["path"], depth + 1, listings, known, at)
    if listing["next"] is not None:
        yield more(slug, path, depth, listing["next"])


def row(entry: Mapping[str, Any], depth: int, *, is_open: bool = False, is_current: bool = False) -> Row:
    """Make a row of an entry of `tree.list`."""
    return Row(
        entry["path"],
        entry["name"],
        entry["kind"],
        entry["children"],
        depth,
        is_open=is_open,
        is_current=is_current,
    )


def more(slug: str, path: str, depth: int, after: str) -> Row:
    """Make the row that brings the rest of a folder."""
    return Row(path, "", "", 0, depth, more_address=branch_address(slug, path, depth, after))
