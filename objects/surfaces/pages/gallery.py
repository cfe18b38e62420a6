"""The gallery: what can be made, each with a picture and one click that makes a living example."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from objects import starts
from objects.starts import Start
from objects.surfaces.pages.addresses import object_address
from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.requests import members_only
from objects.tree.paths import ObjectPath
from teams.access import Caller, Role
from teams.pages import TeamRequest
from teams.problems import NotAllowed


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """What templates/objects/gallery.html shows. folder: where examples come to be, "" where nobody may make one."""

    slug: str
    starts: Sequence[Start]
    folder: str


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def gallery(request: TeamRequest) -> HttpResponse:
    """Show what there is; make one, and go to it."""
    slug, folder = request.team.slug, folder_of(request.caller)
    if request.method == "POST":
        if not folder:
            raise NotAllowed("To make an object needs the role editor somewhere. An admin can give you a grant.")
        path = starts.begin(request.caller, starts.find(request.POST.get("start", "")), folder)
        return HttpResponseRedirect(object_address(slug, path), status=HTTPStatus.SEE_OTHER)
    return answer(request, "objects/gallery.html", GalleryPage(slug, tuple(starts.starts()), folder))


def folder_of(caller: Caller) -> ObjectPath | str:
    """Where the caller may make objects: at the top, or at the highest place where that is allowed; "" for nowhere."""
    places = sorted((path for path, _ in caller.grants), key=len)
    return next((ObjectPath(path) for path in places if caller.role_at(path) >= Role.EDITOR), "")
