"""One's own account, where django-allauth has no page for it: name, sessions, SSH keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from allauth.account.decorators import reauthentication_required
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from teams import actions
from teams.answering import answer, refuse
from teams.models import SshKey
from teams.pages.forms import DATA, attempt, status_of
from teams.pages.requests import signed_in
from teams.problems import Problem


class ProfileForm(forms.Form):
    """What others see of oneself."""

    name = forms.CharField(
        label="Name",
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="beside your e-mail address, in your teams",
    )


class KeyForm(forms.Form):
    """Registers an SSH key."""

    key = forms.CharField(
        label="Public key",
        max_length=20_000,
        widget=forms.Textarea(attrs=DATA | {"rows": 3, "placeholder": "ssh-ed25519 AAAA… laptop"}),
        help_text="what ~/.ssh/id_ed25519.pub holds",
    )
    name = forms.CharField(
        label="Name",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="which key it is; its own comment when left out",
    )


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """What templates/account/profile.html shows."""

    form: ProfileForm
    has_password: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which one is signed in."""

    session: UserSession
    browser: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class SessionsPage:
    """What templates/usersessions/usersession_list.html shows, the latest first."""

    sessions: Sequence[Session]


@dataclass(frozen=True, slots=True)
class KeysPage:
    """What templates/account/keys.html shows."""

    keys: Sequence[SshKey]
    form: KeyForm


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Show the account; a sent form changes the name."""
    person = signed_in(request)
    form = ProfileForm(request.POST if request.method == "POST" else None, initial={"name": person.name})
    if request.method == "POST" and form.is_valid():
        person.name = form.cleaned_data["name"].strip()
        person.save(update_fields=["name"])
        messages.success(request, "Saved.")
        return HttpResponseRedirect(request.path, status=HTTPStatus.SEE_OTHER)
    return answer(
        request, "account/profile.html", ProfilePage(form, person.has_usable_password()), status=status_of(form)
    )


@require_safe
@login_required
def sessions(request: HttpRequest) -> HttpResponse:
    """List the browsers in which one is signed in."""
    current = request.session.session_key
    mine = UserSession.objects.purge_and_list(signed_in(request))
    mine.sort(key=lambda each: (each.session_key != current, -each.created_at.timestamp()))
    listed = [Session(each, browser_of(each.user_agent), each.session_key == current) for each in mine]
    return answer(request, "usersessions/usersession_list.html", SessionsPage(listed))


@require_POST
@login_required
def end_session(request: HttpRequest, number: int) -> HttpResponse:
    """Sign a browser out from afar: its pages, and within a second its sockets."""
    session = get_object_or_404(UserSession, pk=number, user=signed_in(request))
    session.end()
    messages.success(request, f"{browser_of(session.user_agent)} is signed out.")
    return _to_sessions()


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    for session in UserSession.objects.filter(user=signed_in(request)).exclude(session_key=request.session.session_key):
        session.end()
    messages.success(request, "You are signed out everywhere else.")
    return _to_sessions()


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required  # type: ignore[untyped-decorator]
def keys(request: HttpRequest) -> HttpResponse:
    """List one's SSH keys; a sent form adds one."""
    person = signed_in(request)
    form = KeyForm(request.POST if request.method == "POST" else None)
    added = attempt(form, lambda typed: actions.add_ssh_key(person=person, key=typed["key"], name=typed["name"]))
    if added is not None:
        messages.success(request, f"{added.name} can open terminals now.")
        return HttpResponseRedirect(request.path, status=HTTPStatus.SEE_OTHER)
    page = KeysPage(list(person.ssh_keys.order_by("-added_at")), form)
    return answer(request, "account/keys.html", page, status=status_of(form))


@require_POST
@login_required
def remove_key(request: HttpRequest, number: int) -> HttpResponse:
    """Remove an SSH key."""
    person = signed_in(request)
    key = get_object_or_404(person.ssh_keys, pk=number)
    try:
        actions.remove_ssh_key(person=person, fingerprint=key.fingerprint)
    except Problem as problem:
        return refuse(request, problem)
    messages.success(request, f"{key.name} opens nothing any more.")
    return HttpResponseRedirect("/account/keys/", status=HTTPStatus.SEE_OTHER)


BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser_of(user_agent: str) -> str:
    """Which browser it is, in two words: "Firefox on Linux". What it says itself, so a hint, no proof."""
    browser = next((name for mark, name in BROWSERS if f"{mark}/" in user_agent), "A browser")
    system = next((f" on {name}" for mark, name in SYSTEMS if mark in user_agent), "")
    return browser + system


def _to_sessions() -> HttpResponse:
    return HttpResponseRedirect("/account/sessions/", status=HTTPStatus.SEE_OTHER)
