"""Roles on paths: who has one, and giving and taking them."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from teams import actions
from teams.access import Role
from teams.answering import answer
from teams.models import Grant, Person
from teams.pages.forms import GrantForm, attempt, choices_of, status_of
from teams.pages.places import Place, places
from teams.pages.requests import TeamRequest, as_number, asked, member_page
from teams.problems import Problem, WrongArgument

LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A grant. may: whether the caller can change and take it."""

    grant: Grant
    role: str
    may: bool


@dataclass(frozen=True, slots=True)
class GrantsPage:
    """What templates/teams/grants.html shows. form: None where the caller administers no path."""

    places: tuple[Place, ...]
    rows: Sequence[Row]
    form: GrantForm | None
    members: Sequence[str]
    problem: Problem | None
    next: str


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def grants(request: TeamRequest) -> HttpResponse:
    """Show the grants that concern the caller, or that he administers; a sent form gives one."""
    typed = {name: request.GET[name] for name in ("person", "path", "role") if name in request.GET}
    slug = request.team.slug
    form = GrantForm(request.POST or None, initial=typed, slug=slug) if tops(request) else None
    if request.method == "POST":
        form = form or GrantForm(request.POST, slug=slug)  # `give_grant` refuses, and says why
        given = attempt(
            form,
            lambda said: actions.give_grant(
                team=request.team,
                by=request.person,
                person=_person(request, said["person"]),
                path=said["path"],
                role=said["role"],
            ),
        )
        if given is not None:
            messages.success(request, f"{given.person} is {Role(given.role).word} on {given.path} now.")
            return _back(request)
    return _show(request, form)


@member_page
@require_POST
def take(request: TeamRequest, number: int) -> HttpResponse:
    """Take a grant away: what is inherited counts again."""
    grant = get_object_or_404(_seen(request).select_related("person"), pk=number)
    try:
        actions.take_grant(team=request.team, by=request.person, person=grant.person, path=grant.path)
    except Problem as problem:
        return _show(request, None, problem)
    messages.success(request, f"On {grant.path}, {grant.person} has what is inherited again.")
    return _back(request)


def tops(request: TeamRequest) -> list[str]:
    """The paths from which on the caller gives and takes grants; ["/"] for an admin of the team."""
    return [path for path, role in request.caller.grants if role >= Role.ADMIN]


def _seen(request: TeamRequest) -> QuerySet[Grant]:
    """One's own grants, and those on paths that one administers."""
    own = Q(person=request.person)
    for top in tops(request):
        if top == "/":
            return request.team.grants.all()
        own |= Q(path=top) | Q(path__startswith=top + "/")
    return request.team.grants.filter(own)


def _show(request: TeamRequest, form: GrantForm | None, problem: Problem | None = None) -> HttpResponse:
    administers = bool(tops(request))
    listed = _seen(request).select_related("person", "given_by").order_by("path", "id")
    path, _, text = asked(request, "after").rpartition("@")
    number = as_number(text)
    if path and number is not None:
        listed = listed.filter(Q(path__gt=path) | Q(path=path, id__gt=number))
    found = list(listed[: LISTED + 1])
    rows = [
        Row(grant, Role(grant.role).word, request.caller.role_at(grant.path) >= Role.ADMIN)
        for grant in found[:LISTED]
        if grant.person_id == request.person.pk or request.caller.role_at(grant.path) >= Role.ADMIN
    ]
    last = found[LISTED - 1] if len(found) > LISTED else None
    page = GrantsPage(
        places(request, "grants"),
        rows,
        form or (GrantForm(slug=request.team.slug) if administers else None),
        choices_of(request.team.people.values_list("email", flat=True)[:200]) if administers else (),
        problem,
        "?" + urlencode({"after": f"{last.path}@{last.pk}"}) if last else "",
    )
    return answer(request, "teams/grants.html", page, status=problem.status if problem else status_of(form))


def _person(request: TeamRequest, email: str) -> Person:
    email = email.strip().lower()
    person = Person.objects.filter(email=email, memberships__team=request.team).first()
    if person is None:
        raise WrongArgument("person", f"{email} is not in {request.team.name}. Invite them first.")
    return person


def _back(request: TeamRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("grants", args=[request.team.slug]), status=HTTPStatus.SEE_OTHER)
