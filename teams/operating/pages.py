"""Pages with which operators turn features, give plans, and visit a team."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from teams import actions, switches, visits
from teams.answering import answer, refuse
from teams.models import Membership, Plan, Team, Visit
from teams.operating.site import operators_page
from teams.pages.forms import attempt, status_of
from teams.pages.requests import signed_in
from teams.problems import Problem


class VisitForm(forms.Form):
    """Asks as whom, and why."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="The team reads it, above each of its pages and in its audit log.",
    )

    def __init__(self, *args: object, team: Team, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["person"] = forms.ModelChoiceField(
            Membership.objects.filter(team=team, person__is_active=True).select_related("person"),
            label="As whom",
            empty_label=None,
        )
        self.fields["person"].label_from_instance = lambda each: each.person.email  # type: ignore[attr-defined]
        self.order_fields(["person", "reason"])


class PlanForm(forms.Form):
    """Asks which plan."""

    plan = forms.ModelChoiceField(
        Plan.objects.order_by("name"), label="Plan", required=False, empty_label="none: the installation's limits"
    )


@dataclass(frozen=True, slots=True)
class SwitchesPage:
    """What templates/admin/switches.html shows."""

    switches: Sequence[tuple[switches.Feature, bool]]


@dataclass(frozen=True, slots=True)
class TeamFormPage:
    """What templates/admin/team_form.html shows: something done to a team."""

    team: Team
    title: str
    words: str
    button: str
    form: forms.Form


@operators_page("switches/", "switches", "Switches", "features turned on and off for everybody")
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """Show what is on; a sent form turns one."""
    if request.method == "POST":
        feature, is_on = request.POST.get("feature", ""), request.POST.get("turn") == "on"
        try:
            actions.turn(operator=signed_in(request), feature=feature, is_on=is_on)
        except Problem as problem:
            return refuse(request, problem)
        messages.success(request, f"{feature} is {'on' if is_on else 'off'}.")
        return HttpResponseRedirect(request.path, status=HTTPStatus.SEE_OTHER)
    return answer(request, "admin/switches.html", SwitchesPage(switches.all_switches()))


@operators_page("teams/<int:number>/plan/", "give_plan")
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: HttpRequest, number: int) -> HttpResponse:
    """Give a team other limits."""
    team = get_object_or_404(Team.objects.select_related("plan"), pk=number, deleted_at=None)
    form = PlanForm(request.POST if request.method == "POST" else None, initial={"plan": team.plan})

    def give(typed: dict[str, Plan | None]) -> bool:
        actions.give_plan(operator=signed_in(request), team=team, plan=typed["plan"])
        return True

    if attempt(form, give):
        messages.success(request, f"{team.name} has {'the plan ' + team.plan.name if team.plan else 'no plan'} now.")
        return HttpResponseRedirect(reverse("admin:teams_team_change", args=[team.pk]), status=HTTPStatus.SEE_OTHER)
    words = "Limits that the plan leaves open are those of this installation. The team's audit log tells."
    page = TeamFormPage(team, f"Plan of {team.name}", words, "Give the plan", form)
    return answer(request, "admin/team_form.html", page, status=status_of(form))


@operators_page("teams/<int:number>/visit/", "begin_visit")
@require_http_methods(["GET", "HEAD", "POST"])
def begin_visit(request: HttpRequest, number: int) -> HttpResponse:
    """Look at a team as one of its people."""
    team = get_object_or_404(Team, pk=number, deleted_at=None)
    form = VisitForm(request.POST if request.method == "POST" else None, team=team)
    visit = attempt(
        form,
        lambda typed: actions.begin_visit(
            operator=signed_in(request), team=team, person=typed["person"].person, reason=typed["reason"]
        ),
    )
    if visit is not None:
        request.session[visits.KEY] = visit.pk
        return HttpResponseRedirect(f"/t/{team.slug}/", status=HTTPStatus.SEE_OTHER)
    words = "You see the team's pages as this person does, for half an hour, and can change nothing. The team is told."
    page = TeamFormPage(team, f"Visit {team.name}", words, "Begin the visit", form)
    return answer(request, "admin/team_form.html", page, status=status_of(form))


@operators_page("visits/end/", "end_visit")
@require_POST
def end_visit(request: HttpRequest) -> HttpResponse:
    """Stop looking."""
    operator = signed_in(request)
    visit = (
        Visit.objects.select_related("team", "person")
        .filter(pk=request.session.pop(visits.KEY, None), operator=operator, ends_at__gt=timezone.now())
        .first()
    )
    if visit is not None:
        actions.end_visit(operator=operator, visit=visit)
        messages.success(request, f"Your visit of {visit.team.name} is over.")
    return HttpResponseRedirect(reverse("admin:index"), status=HTTPStatus.SEE_OTHER)
