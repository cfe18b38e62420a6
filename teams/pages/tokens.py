"""API keys of a team: made here and shown once, listed with when they were used last, revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from teams import actions
from teams.access import Role
from teams.answering import answer
from teams.models import Token
from teams.pages.forms import TokenForm, attempt, status_of
from teams.pages.members import site_of
from teams.pages.places import Place, places
from teams.pages.requests import TeamRequest, asked_number, member_page
from teams.problems import Problem

LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A token. state: "works", "expired" or "revoked"."""

    token: Token
    ceiling: str
    state: str


@dataclass(frozen=True, slots=True)
class TokensPage:
    """What templates/teams/tokens.html shows. secret: of the token just made; it is nowhere else."""

    places: tuple[Place, ...]
    rows: Sequence[Row]
    form: TokenForm
    made: Token | None
    secret: str
    api: str
    sees_all: bool
    shows_ended: bool
    problem: Problem | None
    next: str


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: TeamRequest) -> HttpResponse:
    """Show one's tokens, all of them to an admin; a sent form makes one."""
    own = max((role for _, role in request.caller.grants), default=Role.VIEWER)
    slug = request.team.slug
    form = TokenForm(request.POST or None, up_to=max(own, Role.VIEWER), slug=slug)
    made: tuple[Token, str] | None = None
    if request.method == "POST":
        made = attempt(form, lambda _: actions.create_token(team=request.team, by=request.person, **form.limits()))
    if made is not None:
        form = TokenForm(up_to=max(own, Role.VIEWER), slug=slug)
    return _show(request, form, made)


@member_page
@require_POST
def revoke(request: TeamRequest, number: int) -> HttpResponse:
    """End a token."""
    token = get_object_or_404(_seen(request).select_related("person"), pk=number)
    try:
        actions.revoke_token(team=request.team, by=request.person, token=token)
    except Problem as problem:
        own = max(request.caller.role_at("/"), Role.VIEWER)
        return _show(request, TokenForm(up_to=own, slug=request.team.slug), None, problem)
    messages.success(request, f"{token.name} ({token.prefix}) works no more.")
    return HttpResponseRedirect(reverse("tokens", args=[request.team.slug]), status=HTTPStatus.SEE_OTHER)


def _seen(request: TeamRequest) -> QuerySet[Token]:
    if request.caller.role_at("/") >= Role.ADMIN:
        return request.team.tokens.all()
    return request.team.tokens.filter(person=request.person)


def _show(
    request: TeamRequest, form: TokenForm, made: tuple[Token, str] | None, problem: Problem | None = None
) -> HttpResponse:
    now = timezone.now()
    shows_ended = request.GET.get("ended") == "yes"
    listed = _seen(request).select_related("person").order_by("-id")
    if not shows_ended:
        listed = listed.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    after = asked_number(request, "after")
    if after is not None:
        listed = listed.filter(id__lt=after)
    found = list(listed[: LISTED + 1])
    token, secret = made if made is not None else (None, "")
    page = TokensPage(
        places(request, "tokens"),
        [Row(each, Role(each.ceiling).word, _state(each, now)) for each in found[:LISTED]],
        form,
        token,
        secret,
        f"{site_of(request)}/api/v1/{request.team.slug}/",
        request.caller.role_at("/") >= Role.ADMIN,
        shows_ended,
        problem,
        f"?ended={'yes' if shows_ended else ''}&after={found[LISTED - 1].pk}" if len(found) > LISTED else "",
    )
    return answer(request, "teams/tokens.html", page, status=problem.status if problem else status_of(form))


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "works"
