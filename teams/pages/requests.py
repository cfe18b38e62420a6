"""How a page of a team begins: who asks, in which team, and what becomes of a Problem."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect

from teams import answering, callers, visits
from teams.access import Caller
from teams.models import Person, Team
from teams.problems import NoSuch, NotAllowed, Problem
from teams.schemas import inside

More = ParamSpec("More")
TeamView = Callable[Concatenate["TeamRequest", More], HttpResponse]
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class TeamRequest(HttpRequest):
    """A request of a member, inside of the team's schema.

    person: as whom; that is `user`, but for an operator's visit.
    """

    user: Person
    person: Person
    team: Team
    caller: Caller


def team_page(page: TeamView[More]) -> Callable[Concatenate[HttpRequest, str, More], HttpResponse]:
    """Make a page of a team out of a view: `/t/{slug}/…` with `request.team`, `request.caller` and the schema active.

    Who is not signed in is sent to do so; for who is no member there is no such page. Whether the caller may see an
    object is not decided here. A streaming answer is produced after the view: it must not use the ORM.
    """

    @wraps(page)
    def checked(request: HttpRequest, slug: str, *args: More.args, **kwargs: More.kwargs) -> HttpResponse:
        person, visit = signed_in(request), visits.of(request, slug)
        try:
            caller = callers.for_person((visit.person if visit else person).pk, slug)
            team = visits.with_visitor(Team.objects.select_related("plan")).get(slug=slug, schema_name=caller.schema)
        except (NoSuch, Team.DoesNotExist) as problem:
            raise Http404("There is no such page.") from problem
        if visit is not None:
            person, caller = visit.person, replace(caller, **visits.limits(visit))
        request.team, request.caller, request.person = team, caller, person  # type: ignore[attr-defined]
        if visit is not None and request.method not in SAFE_METHODS:
            return answering.refuse(request, NotAllowed("You are visiting: you see what is here, and change nothing."))
        with inside(team.schema_name):
            return page(request, *args, **kwargs)  # type: ignore[arg-type]

    return login_required(checked)  # type: ignore[return-value]


def member_page(view: TeamView[More]) -> Callable[Concatenate[HttpRequest, str, More], HttpResponse]:
    """Make a `team_page` of a view that raises Problems: they become pages, or fragments where htmx asks."""

    @wraps(view)
    def answered(request: TeamRequest, /, *args: More.args, **kwargs: More.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Problem as problem:
            return answering.refuse(request, problem)

    page = team_page(answered)

    @wraps(view)
    def to_sign_in(request: HttpRequest, slug: str, *args: More.args, **kwargs: More.kwargs) -> HttpResponse:
        # A sign-in page must not be swapped into a corner of the page whose session ended.
        if answering.wants_fragment(request) and not request.user.is_authenticated:
            here = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(redirect_to_login(here or "/").url)
        return page(request, slug, *args, **kwargs)

    return to_sign_in  # type: ignore[return-value]  # a Concatenate is by position; Django passes the slug by name


def asked(request: HttpRequest, name: str) -> str:
    """Give what the address asks, "" where it does not. A NUL, which Postgres refuses, stands in no name."""
    return request.GET.get(name, "").strip().replace("\0", "")


def asked_number(request: HttpRequest, name: str) -> int | None:
    """Give a row's number that the address asks for; None for what cannot be one."""
    return as_number(asked(request, name))


def as_number(text: str) -> int | None:
    """Read a row's number; None for what cannot be one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def signed_in(request: HttpRequest) -> Person:
    """Give the person of a request that `login_required` let through."""
    assert isinstance(request.user, Person)
    return request.user
