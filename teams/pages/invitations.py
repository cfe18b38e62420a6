"""What the link of an invitation shows: to somebody new, to somebody who is signed in, to the wrong one."""

from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from teams import actions
from teams.access import Role
from teams.actions.invitations import find_invitation
from teams.answering import answer, refuse
from teams.models import Invitation, Person
from teams.problems import Problem
from teams.signin import come_by


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """What templates/teams/invitation.html shows."""

    invitation: Invitation
    role: str
    has_account: bool  # told only to whoever has the link, that is, reads that mailbox
    is_for_me: bool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, key: str) -> HttpResponse:
    """Show who invites whom; signed in, a click joins. Anybody with the link may decline."""
    try:
        found = find_invitation(key)
        if request.method == "POST":
            return _answer_to(request, key, found)
    except Problem as problem:
        return refuse(request, problem)
    if not request.user.is_authenticated:
        come_by(request, key, found)
    page = InvitationPage(
        found,
        Role(found.role).word,
        Person.objects.filter(email=found.email).exists(),
        request.user.is_authenticated and request.user.email == found.email,
    )
    return answer(request, "teams/invitation.html", page)


def _answer_to(request: HttpRequest, key: str, found: Invitation) -> HttpResponse:
    if request.POST.get("answer") == "decline":
        actions.decline_invitation(key=key)
        messages.success(request, f"You declined. {found.team.name} can see that in its audit log.")
        return HttpResponseRedirect("/", status=HTTPStatus.SEE_OTHER)
    if not isinstance(request.user, Person):
        return HttpResponseRedirect(request.path, status=HTTPStatus.SEE_OTHER)
    actions.accept_invitation(key=key, person=request.user)
    messages.success(request, f"You are in {found.team.name} now.")
    return HttpResponseRedirect(f"/t/{found.team.slug}/", status=HTTPStatus.SEE_OTHER)
