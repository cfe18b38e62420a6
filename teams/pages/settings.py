"""The team itself: its name and address, leaving it, handing it over, deleting it."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django import forms
from django.conf import settings as installation
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from teams import actions, plans
from teams.access import Role, decide
from teams.actions.teams import gone_at
from teams.answering import answer
from teams.models import Person, Team
from teams.pages.forms import ConfirmForm, TeamForm, attempt, choices_of, status_of
from teams.pages.places import Place, places
from teams.pages.requests import TeamRequest, member_page
from teams.problems import WrongArgument


class HandOverForm(forms.Form):
    """Names who owns the team from now on."""

    person = forms.CharField(
        label="New owner",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "list": "members", "spellcheck": "false"}),
        help_text="the e-mail address of a member",
    )


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a limit is used, as people read it."""

    name: str
    used: str
    most: str


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """What templates/teams/settings.html shows; forms are None where they are not the caller's."""

    places: tuple[Place, ...]
    role: str
    rename: TeamForm | None
    hand_over: HandOverForm | None
    members: Sequence[str]
    uses: Sequence[Use]
    may_delete: bool


@dataclass(frozen=True, slots=True)
class DeletePage:
    """What templates/teams/delete.html shows."""

    places: tuple[Place, ...]
    form: ConfirmForm
    export: str
    keep_days: int


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: TeamRequest) -> HttpResponse:
    """Show what the team is; a sent form renames it."""
    team = request.team
    form = TeamForm(request.POST or None, initial={"name": team.name, "slug": team.slug})
    if request.method == "POST":
        _decide(request)
        old_slug = team.slug
        renamed = attempt(
            form,
            lambda typed: actions.rename_team(
                team=team, by=request.person, name=typed["name"], slug=typed["slug"] or old_slug
            ),
        )
        if renamed is not None:
            messages.success(request, "Saved." if renamed.slug == old_slug else "Saved. All addresses have changed.")
            return HttpResponseRedirect(reverse("team_settings", args=[renamed.slug]), status=HTTPStatus.SEE_OTHER)
        team.refresh_from_db(fields=["name", "slug"])
    return _show(request, form, HandOverForm())


@member_page
@require_POST
def hand_over(request: TeamRequest) -> HttpResponse:
    """Make somebody else the owner in one's own place."""
    _decide(request)
    form = HandOverForm(request.POST)
    done = attempt(form, lambda typed: _hand_over(request, typed["person"]))
    if done is None:
        return _show(request, TeamForm(initial={"name": request.team.name, "slug": request.team.slug}), form)
    messages.success(request, f"{done} owns {request.team.name} now; you are an admin.")
    return HttpResponseRedirect(reverse("team_settings", args=[request.team.slug]), status=HTTPStatus.SEE_OTHER)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: TeamRequest) -> HttpResponse:
    """Offer an export, ask for the team's address, and put it into the trash."""
    _decide(request)
    team = request.team
    form = ConfirmForm(request.POST if request.method == "POST" else None, name=team.slug)
    trashed = attempt(form, lambda _: actions.trash_team(team=team, by=request.person))
    if trashed is not None:
        messages.success(
            request, f"{team.name} is deleted. Until {gone_at(trashed):%Y-%m-%d} you can have it back here."
        )
        return HttpResponseRedirect(reverse("teams"), status=HTTPStatus.SEE_OTHER)
    page = DeletePage(
        places(request, "settings"),
        form,
        f"/t/{team.slug}/o/:export?subtree=yes",
        installation.GROVE.TEAM_TRASH_KEEP_S // 86_400,
    )
    return answer(request, "teams/delete.html", page, status=status_of(form))


def _decide(request: TeamRequest) -> None:
    decide(request.caller, request.team.schema_name, "/", command="team", verb="changes", needs=Role.OWNER)


def _hand_over(request: TeamRequest, email: str) -> Person:
    person = request.team.people.filter(email=email.strip().lower()).first()
    if person is None:
        raise WrongArgument("person", f"{email} is not in {request.team.name}. Invite them first.")
    actions.transfer_ownership(team=request.team, by=request.person, person=person)
    return person


def _uses(team: Team) -> list[Use]:
    with connection.cursor() as cursor:
        browsers = plans.browsing(cursor, team.schema_name)
    tokens = team.tokens.filter(revoked_at=None).count()
    return [
        Use("people", f"{team.memberships.count():,}", f"{plans.most_people(team):,}"),
        Use("tokens", f"{tokens:,}", f"{plans.most_tokens(team):,}"),
        Use("browsers awake now", f"{browsers.awake:,}", f"{browsers.awake_most:,} on a host"),
        Use("minutes of browsers today", f"{browsers.used_s / 60:,.0f}", f"{browsers.day_s / 60:,.0f}"),
        Use("memory of their pages", filesizeformat(browsers.used_bytes), filesizeformat(browsers.memory_bytes)),
        Use("their downloads today", filesizeformat(browsers.downloaded_bytes), filesizeformat(browsers.day_bytes)),
    ]


def _show(request: TeamRequest, rename: TeamForm, hand_over: HandOverForm) -> HttpResponse:
    team, own = request.team, request.caller.role_at("/")
    is_owner = own is Role.OWNER
    members = team.people.exclude(pk=request.person.pk).values_list("email", flat=True)[:200] if is_owner else ()
    uses = []
    if own >= Role.VIEWER:
        uses = _uses(team)
    page = SettingsPage(
        places(request, "settings"),
        own.word,
        rename if is_owner else None,
        hand_over if is_owner else None,
        choices_of(members),
        uses,
        is_owner,
    )
    wrong = next((form for form in (rename, hand_over) if form.is_bound and form.errors), None)
    return answer(request, "teams/settings.html", page, status=status_of(wrong))
