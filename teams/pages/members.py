"""Who is in a team, and who is invited."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from teams import actions
from teams.access import Role, decide
from teams.answering import answer
from teams.models import Invitation, Membership, Person
from teams.pages.forms import InviteForm, RoleForm, attempt, status_of
from teams.pages.places import Place, places
from teams.pages.requests import TeamRequest, asked, member_page
from teams.problems import Problem

LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A member. form: what changes the role, None where that is not the caller's to do."""

    membership: Membership
    role: str
    grants: int
    is_self: bool
    form: RoleForm | None


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who has a link and did not use it yet."""

    invitation: Invitation
    role: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """What templates/teams/people.html shows. next: the address of the page after this one, "" on the last."""

    places: tuple[Place, ...]
    rows: Sequence[Row]
    invited: Sequence[Invited]
    form: InviteForm | None
    problem: Problem | None
    find: str
    next: str


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: TeamRequest) -> HttpResponse:
    """Show who is in the team; a sent form invites somebody."""
    _decide(request, Role.VIEWER)
    own = request.caller.role_at("/")
    form = InviteForm(request.POST or None, up_to=own) if own >= Role.ADMIN else None
    if request.method == "POST":
        _decide(request, Role.ADMIN)
        assert form is not None
        invitation = attempt(
            form,
            lambda typed: actions.invite(
                team=request.team, by=request.person, email=typed["email"], role=typed["role"], site=site_of(request)
            ),
        )
        if invitation is not None:
            messages.success(request, f"An invitation is on its way to {invitation.email}.")
            return _back(request)
    return _show(request, form)


@member_page
@require_POST
def change_role(request: TeamRequest, number: int) -> HttpResponse:
    """Give a member another role."""
    _decide(request, Role.ADMIN)
    person = _member(request, number)
    form = RoleForm(request.POST, up_to=request.caller.role_at("/"))
    membership = attempt(
        form,
        lambda typed: actions.change_role(team=request.team, by=request.person, person=person, role=typed["role"]),
    )
    if membership is None:
        return _show(request, None, _said(form))
    messages.success(request, f"{person} is {Role(membership.role).word} now.")
    return _back(request)


@member_page
@require_POST
def remove(request: TeamRequest, number: int) -> HttpResponse:
    """Take a member out; who takes out themselves leaves."""
    person = _member(request, number)
    is_leaving = person.pk == request.person.pk
    if not is_leaving:
        _decide(request, Role.ADMIN)
    try:
        actions.remove_member(team=request.team, by=request.person, person=person)
    except Problem as problem:
        if is_leaving and request.caller.role_at("/") < Role.VIEWER:
            raise
        return _show(request, None, problem)
    if is_leaving:
        messages.success(request, f"You left {request.team.name}.")
        return HttpResponseRedirect("/", status=HTTPStatus.SEE_OTHER)
    messages.success(request, f"{person} is not in {request.team.name} any more.")
    return _back(request)


@member_page
@require_POST
def resend(request: TeamRequest, number: int) -> HttpResponse:
    """Send an invitation again."""
    _decide(request, Role.ADMIN)
    invitation = get_object_or_404(request.team.invitations, pk=number)
    try:
        actions.resend_invitation(team=request.team, by=request.person, invitation=invitation, site=site_of(request))
    except Problem as problem:
        return _show(request, None, problem)
    messages.success(request, f"A new link is on its way to {invitation.email}. The old one works no more.")
    return _back(request)


@member_page
@require_POST
def revoke(request: TeamRequest, number: int) -> HttpResponse:
    """End an invitation."""
    _decide(request, Role.ADMIN)
    invitation = get_object_or_404(request.team.invitations, pk=number)
    try:
        actions.revoke_invitation(team=request.team, by=request.person, invitation=invitation)
    except Problem as problem:
        return _show(request, None, problem)
    messages.success(request, f"The invitation of {invitation.email} works no more.")
    return _back(request)


def site_of(request: HttpRequest) -> str:
    """Where this site is, for links in letters."""
    return f"{request.scheme}://{request.get_host()}"


def _show(request: TeamRequest, form: InviteForm | None, problem: Problem | None = None) -> HttpResponse:
    own = request.caller.role_at("/")
    find, after = asked(request, "find").lower(), asked(request, "after")
    if own >= Role.ADMIN and form is None:
        form = InviteForm(up_to=own)
    members = (
        request.team.memberships.select_related("person")
        .annotate(grant_count=Count("person__grants", filter=Q(person__grants__team=request.team)))
        .order_by("person__email")
    )
    if find:
        members = members.filter(Q(person__email__icontains=find) | Q(person__name__icontains=find))
    if after:
        members = members.filter(person__email__gt=after)
    found = list(members[: LISTED + 1])
    rows = [_row(request, membership, own) for membership in found[:LISTED]]
    follows = f"?find={find}&after={found[LISTED - 1].person.email}" if len(found) > LISTED else ""
    page = PeoplePage(places(request, ""), rows, _invited(request, own), form, problem, find, follows)
    status = problem.status if problem is not None else status_of(form)
    return answer(request, "teams/people.html", page, status=status)


def _row(request: TeamRequest, membership: Membership, own: Role) -> Row:
    role = Role(membership.role)
    may = own >= Role.ADMIN and role <= own
    form = RoleForm(initial={"role": role.value}, up_to=own, auto_id=f"role-{membership.person_id}-%s") if may else None
    return Row(
        membership,
        role.word,
        membership.grant_count,  # type: ignore[attr-defined]
        membership.person_id == request.person.pk,
        form,
    )


def _invited(request: TeamRequest, own: Role) -> list[Invited]:
    if own < Role.ADMIN:
        return []
    waiting = request.team.invitations.filter(ended_at=None).select_related("invited_by").order_by("email")
    return [Invited(each, Role(each.role).word, each.is_late) for each in waiting]


def _decide(request: TeamRequest, needs: Role) -> None:
    verb = "reads" if needs is Role.VIEWER else "changes"
    decide(request.caller, request.team.schema_name, "/", command="people", verb=verb, needs=needs)


def _member(request: TeamRequest, number: int) -> Person:
    return get_object_or_404(Person, pk=number, memberships__team=request.team)


def _back(request: TeamRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("people", args=[request.team.slug]), status=HTTPStatus.SEE_OTHER)


def _said(form: RoleForm) -> Problem:
    """What the form was refused with."""
    problem: Problem | None = getattr(form, "problem", None)
    return problem or Problem("There is no such role.")
