"""What scripts and buttons tell a person's shelf: a folder was opened or closed, an object is pinned or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from objects.surfaces.pages import shelves
from objects.surfaces.pages.addresses import object_address
from objects.surfaces.pages.answering import answer, wants_fragment
from objects.surfaces.pages.requests import members_only
from objects.surfaces.pages.shelves import Kept
from objects.tree.paths import ObjectPath
from teams.pages import TeamRequest


@dataclass(frozen=True, slots=True)
class PinPage:
    """The button that pins an object, and all that is pinned."""

    slug: str
    path: str
    is_pinned: bool
    pinned: Sequence[Kept]


@members_only
@require_POST
def opened(request: TeamRequest) -> HttpResponse:
    """Remember that a folder of the tree is open, or that it is not any more."""
    path = ObjectPath.parse(request.POST.get("path", ""))
    (shelves.leave_open if request.POST.get("open") == "yes" else shelves.close)(request.caller, path)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@members_only
@require_POST
def pin(request: TeamRequest) -> HttpResponse:
    """Pin an object, or take it off the pinned ones; htmx gets the button as it is then."""
    path = ObjectPath.parse(request.POST.get("path", ""))
    is_pinned = request.POST.get("pin") == "yes"
    (shelves.pin if is_pinned else shelves.unpin)(request.caller, path)
    if not wants_fragment(request):
        return HttpResponseRedirect(object_address(request.team.slug, path), status=HTTPStatus.SEE_OTHER)
    pinned = shelves.read(request.caller).pinned
    return answer(request, "objects/_pin_alone.html", PinPage(request.team.slug, str(path), is_pinned, pinned))
