"""Pages that are about people rather than objects: the way in, the list of one's teams, and what machines ask.

`team_page` is how every page of a team begins, in whatever room it is.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import redis
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from teams import callers
from teams.access import Caller
from teams.models import Person, Team
from teams.problems import NoSuch
from teams.schemas import inside

More = ParamSpec("More")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class TeamRequest(HttpRequest):
    """A request of a member, inside of the team's schema."""

    user: Person
    team: Team
    caller: Caller


def team_page(
    page: Callable[Concatenate[TeamRequest, More], HttpResponse],
) -> Callable[Concatenate[HttpRequest, str, More], HttpResponse]:
    """Make a page of a team out of a view: `/t/{slug}/…` with `request.team`, `request.caller` and the schema active.

    Who is not signed in is sent to do so; for who is no member there is no such page. Whether the caller may see an
    object is not decided here. A streaming answer is produced after the view: it must not use the ORM.
    """

    @wraps(page)
    def checked(request: HttpRequest, slug: str, *args: More.args, **kwargs: More.kwargs) -> HttpResponse:
        try:
            caller = callers.for_person(signed_in(request).pk, slug)
            team = Team.objects.get(slug=slug, schema_name=caller.schema)
        except (NoSuch, Team.DoesNotExist) as problem:
            raise Http404("There is no such page.") from problem
        request.team, request.caller = team, caller  # type: ignore[attr-defined]
        with inside(team.schema_name):
            return page(request, *args, **kwargs)  # type: ignore[arg-type]

    return login_required(checked)  # type: ignore[return-value]


def signed_in(request: HttpRequest) -> Person:
    """Give the person of a request that `login_required` let through."""
    assert isinstance(request.user, Person)
    return request.user


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """List the teams of the person; with one alone, go there."""
    teams = list(Team.objects.filter(memberships__person=signed_in(request)).order_by("name", "id"))
    if len(teams) == 1:
        return HttpResponseRedirect(f"/t/{teams[0].slug}/")
    return render(request, "teams/home.html", {"teams": teams})


@require_safe
@never_cache
def enter(request: HttpRequest, key: str) -> HttpResponse:
    """Sign in as the owner of the demo team, with the key that `up` prints; without the right key there is no page."""
    wanted = settings.ENTER_KEY
    if not wanted or not hmac.compare_digest(key.encode(), wanted.encode()):
        raise Http404("There is no such page.")
    owner = Person.objects.filter(email=settings.DEMO_OWNER, is_active=True).first()
    if owner is None:
        raise Http404("There is no such page.")
    login(request, owner, backend=BACKEND)
    return HttpResponseRedirect("/t/demo/")


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Tell a load balancer whether this process reaches Postgres and Valkey: 200, or 503 and which it does not."""
    parts = {"postgres": "ok", "valkey": "ok"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        parts["postgres"] = "unreachable"
    try:
        cache.get("healthz")
    except redis.RedisError:
        parts["valkey"] = "unreachable"
    return JsonResponse(parts, status=200 if set(parts.values()) == {"ok"} else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Give this process's metrics to staff, and to a Prometheus that sends GROVE_METRICS_TOKEN."""
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    sent = request.headers.get("Authorization", "")
    has_token = bool(settings.METRICS_TOKEN) and hmac.compare_digest(sent.encode(), wanted.encode())
    if not has_token and not (request.user.is_authenticated and request.user.is_staff):
        raise Http404("There is no such page.")
    response: HttpResponse = ExportToDjangoView(request)
    return response
