"""The way in: the list of one's teams, the first one, and the address that `up` prints."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from teams import actions, switches
from teams.access import Role
from teams.actions.teams import gone_at
from teams.answering import answer, refuse
from teams.models import Membership, Person, Team
from teams.pages.forms import TeamForm, attempt, status_of
from teams.pages.requests import asked, signed_in
from teams.problems import Problem
from teams.signals import team_begun

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True, slots=True)
class Seat:
    """A team as one of its members sees it in a list."""

    team: Team
    role: str
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """A deleted team that its owner can have back until `until`."""

    team: Team
    until: datetime


@dataclass(frozen=True, slots=True)
class TeamsPage:
    """What templates/teams/home.html shows."""

    seats: Sequence[Seat]
    gone: Sequence[Gone]
    form: forms.Form | None

    @property
    def is_first(self) -> bool:
        return not self.seats and not self.gone


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Go to one's only team, else list them; who is in none makes the first."""
    page = _teams(signed_in(request), here="")
    if len(page.seats) == 1:
        return HttpResponseRedirect(f"/t/{page.seats[0].team.slug}/")
    return answer(request, "teams/home.html", page)


@require_safe
@login_required
def teams(request: HttpRequest) -> HttpResponse:
    """List one's teams; htmx gets what drops down in the top bar."""
    page = _teams(signed_in(request), here=asked(request, "here"))
    return answer(request, "teams/home.html", page, fragment="teams/_switcher_menu.html")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_team(request: HttpRequest) -> HttpResponse:
    """Make a team and go to its first object."""
    person = signed_in(request)
    form = TeamForm(request.POST or None)
    if request.method == "POST":
        team = attempt(
            form,
            lambda typed: actions.create_team(
                name=typed["name"], slug=typed["slug"] or slugify(typed["name"])[:50].strip("-"), owner=person
            ),
        )
        if team is not None:
            team_begun.send(sender=Team, team=team, owner=person)
            return HttpResponseRedirect(f"/t/{team.slug}/o/welcome", status=HTTPStatus.SEE_OTHER)
    return answer(request, "teams/new.html", TeamsPage((), (), form), status=status_of(form))


@require_POST
@login_required
def restore(request: HttpRequest, number: int) -> HttpResponse:
    """Have a deleted team back."""
    person = signed_in(request)
    team = get_object_or_404(
        Team, pk=number, memberships__person=person, memberships__role=Role.OWNER, deleted_at__isnull=False
    )
    try:
        actions.restore_team(team=team, by=person)
    except Problem as problem:
        return refuse(request, problem)
    messages.success(request, f"{team.name} is back.")
    return HttpResponseRedirect(f"/t/{team.slug}/", status=HTTPStatus.SEE_OTHER)


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
    UserSession.objects.create_from_request(request)  # allauth lists only the sign-ins through its own pages
    return HttpResponseRedirect("/t/demo/")


def _teams(person: Person, *, here: str) -> TeamsPage:
    mine = list(Membership.objects.filter(person=person).select_related("team").order_by("team__name", "team_id"))
    seats = [
        Seat(each.team, Role(each.role).word, each.team.slug == here) for each in mine if each.team.deleted_at is None
    ]
    gone = [Gone(each.team, gone_at(each.team)) for each in mine if each.team.deleted_at and each.role == Role.OWNER]
    may_make = person.is_staff or switches.is_on("teams")
    return TeamsPage(seats, gone, TeamForm() if may_make else None)
