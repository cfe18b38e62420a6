"""What every page about objects does with requests: members only, and what moved is followed."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse

from objects.surfaces.pages.addresses import object_address, read
from objects.tree.paths import ObjectPath
from teams.pages import TeamRequest, member_page
from teams.problems import Moved

P = ParamSpec("P")
TeamView = Callable[Concatenate[TeamRequest, P], HttpResponse]
ObjectView = Callable[[TeamRequest, ObjectPath], HttpResponse]
CommandView = Callable[[TeamRequest, ObjectPath, str], HttpResponse]


def members_only(view: TeamView[P]) -> Callable[Concatenate[HttpRequest, str, P], HttpResponse]:
    """Make a page of a team out of a view (`teams.pages.member_page`) that leads on to where an object moved."""

    @wraps(view)
    def following(request: TeamRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Moved as moved:
            return _follow(request, moved)

    return member_page(following)


def _follow(request: TeamRequest, moved: Moved) -> HttpResponse:
    """Go where the object went. Not for ever, since it may come back; and 307 takes a sent form along."""
    _, _, address = request.path_info.partition("/o/")
    _, command = read(address)
    query = request.META.get("QUERY_STRING", "")
    location = object_address(request.team.slug, moved.extra["to"], command) + (f"?{query}" if query else "")
    return HttpResponse(status=307, headers={"Location": location})
