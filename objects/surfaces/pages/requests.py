"""What every page about objects does with requests: members only, and problems shown in Grove's look."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect

from objects.surfaces.pages import answering
from objects.surfaces.pages.addresses import object_address, read
from objects.tree.paths import ObjectPath
from teams.pages import TeamRequest, team_page
from teams.problems import Moved, Problem

P = ParamSpec("P")
TeamView = Callable[Concatenate[TeamRequest, P], HttpResponse]
ObjectView = Callable[[TeamRequest, ObjectPath], HttpResponse]
CommandView = Callable[[TeamRequest, ObjectPath, str], HttpResponse]


def members_only(view: TeamView[P]) -> Callable[Concatenate[HttpRequest, str, P], HttpResponse]:
    """Make a page of a team out of a view (`teams.pages.team_page`); a Problem that it raises becomes a page."""

    @wraps(view)
    def answered(request: TeamRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Moved as moved:
            return _follow(request, moved)
        except Problem as problem:
            return answering.refuse(request, problem)

    page = team_page(answered)

    @wraps(view)
    def signed_in(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        # A sign-in page must not be swapped into a corner of the page whose session ended.
        if answering.wants_fragment(request) and not request.user.is_authenticated:
            here = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(redirect_to_login(here or "/").url)
        return page(request, slug, *args, **kwargs)

    return signed_in  # type: ignore[return-value]  # a Concatenate is by position; Django passes the slug by name


def _follow(request: TeamRequest, moved: Moved) -> HttpResponse:
    """Go where the object went. Not for ever, since it may come back; and 307 takes a sent form along."""
    _, _, address = request.path_info.partition("/o/")
    _, command = read(address)
    query = request.META.get("QUERY_STRING", "")
    location = object_address(request.team.slug, moved.extra["to"], command) + (f"?{query}" if query else "")
    return HttpResponse(status=307, headers={"Location": location})
