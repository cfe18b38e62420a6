"""Paths that fit what is typed into a form's input: what lies in a folder, or objects by a part of their name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from objects.surfaces.pages import shelves
from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.asking import ask, tops_of
from objects.surfaces.pages.requests import members_only
from objects.tree.paths import ObjectPath
from teams.pages import TeamRequest
from teams.pages.requests import asked
from teams.problems import Problem

OFFERED: Final = 12


@dataclass(frozen=True, slots=True)
class Offer:
    """A path to choose, and the kind of what is there."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class PathOffers:
    """What templates/objects/_path_offers.html shows."""

    offers: Sequence[Offer]


@members_only
@require_safe
def path_offers(request: TeamRequest) -> HttpResponse:
    """Give paths that fit what is typed, whatever the input is called. Only of what the caller sees."""
    typed = asked(request, next(iter(request.GET), ""))
    found = {each.path: each for each in _fitting(request, typed)}
    return answer(request, "objects/_path_offers.html", PathOffers(list(found.values())[:OFFERED]))


def _fitting(request: TeamRequest, typed: str) -> Iterator[Offer]:
    caller = request.caller
    if not typed:
        shelf = shelves.read(caller)
        yield from (Offer(str(each.path), each.kind) for each in [*shelf.pinned, *shelf.recent])
        return
    tops = tops_of(caller)
    yield from (Offer(top, "") for top in tops if top.startswith(typed))
    folder, slash, name = typed.rpartition("/")
    if slash:  # "/shop/or": what is in /shop and begins with "or"
        yield from _found(request, folder or "/", f"/{name}" if name else "", near=True)
    for top in tops:
        yield from _found(request, top, typed, near=False)


def _found(request: TeamRequest, under: str, part: str, *, near: bool) -> Iterator[Offer]:
    try:
        place = ObjectPath.parse(under)
        wanted: dict[str, Any] = {"part": part} if part else {}
        listing = ask(request.caller, place, "tree.find", **wanted, near=near, limit=OFFERED)
    except Problem:  # what is half typed means nothing yet, or nothing that the caller sees
        return
    yield from (Offer(entry["path"], entry["kind"]) for entry in listing["objects"])
