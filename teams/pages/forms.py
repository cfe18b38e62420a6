"""Forms of pages about people: they read what was typed; `teams.actions` says whether it will do."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from teams.access import VERBS, Role
from teams.problems import Conflict, NotAllowed, OverLimit, Problem, WrongArgument

Result = TypeVar("Result")
ROLE_WORDS = {
    Role.OWNER: "owner: everything, and the team itself",
    Role.ADMIN: "admin: people and rights, too",
    Role.EDITOR: "editor: changes objects",
    Role.VIEWER: "viewer: looks",
    Role.NONE: "none: sees nothing but what a grant opens",
}
DATA = {"class": "data", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}

SPARE: Final = 2  # empty inputs for more paths


class PathInput(forms.TextInput):
    """An input for a path. Once it knows the team (`offering`), it offers paths that fit what is typed."""

    def __init__(self) -> None:
        super().__init__(DATA | {"placeholder": "/project/42"})


class PathInputs(PathInput):
    """An input for each of several paths, and empty ones for more. Read as lines."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:  # noqa: ARG002 -- Django's signature
        """Put what was typed together."""
        return "\n".join(data.getlist(name))

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Write them; the first has the label."""
        given = [line for line in str(value or "").splitlines() if line.strip()]
        inputs = []
        for number, each in enumerate([*given, *[""] * SPARE], start=1):
            own = dict(attrs or {})
            if number > 1:
                own |= {"id": f"{own.get('id', name)}_{number}", "aria-label": f"Path {number}", "required": False}
            inputs.append((super().render(name, each, own, renderer),))
        return format_html_join("", "{}", inputs)


def offering(form: forms.Form, slug: str) -> None:
    """Let inputs for paths offer those of a team's objects as one types: templates/teams/_fields.html has the list."""
    for name, field in form.fields.items():
        if isinstance(field.widget, PathInput):
            field.widget.attrs |= {
                "list": f"id_{name}-offers",
                "hx-get": reverse("paths", args=[slug]),
                "hx-trigger": "input changed delay:120ms, focus once",
                "hx-target": "next datalist",
                "hx-swap": "innerHTML",
                "hx-sync": "this:replace",
                "hx-disabled-elt": "unset",
            }


def attempt(form: forms.Form, action: Callable[[dict[str, Any]], Result]) -> Result | None:
    """Run the action with what was typed, and give its result; None where the form says what is wrong with it.

    A refusal that the person can mend here becomes a message in the form, beside its field where it has one.
    """
    if not form.is_valid():
        return None
    try:
        return action(form.cleaned_data)
    except (WrongArgument, Conflict, OverLimit, NotAllowed) as problem:
        wrong: dict[str, str] = problem.extra.get("fields") or {problem.field or "": problem.detail}
        for field, message in wrong.items():
            form.add_error(field if field in form.fields else None, message)
        form.problem = problem  # type: ignore[attr-defined]
        return None


def status_of(form: forms.Form | None) -> int:
    """The status of a page with the form: that of the refusal, 422 for what cannot be read."""
    if form is None or not form.is_bound or not form.errors:
        return HTTPStatus.OK
    problem: Problem | None = getattr(form, "problem", None)
    return HTTPStatus.UNPROCESSABLE_ENTITY if problem is None else problem.status


def role_field(up_to: Role, *, with_none: bool = True, initial: Role | None = None) -> forms.TypedChoiceField:
    """A choice of roles: none above one's own."""
    least = Role.NONE if with_none else Role.VIEWER
    return forms.TypedChoiceField(
        label="Role",
        choices=[(role.value, words) for role, words in ROLE_WORDS.items() if least <= role <= up_to],
        coerce=lambda value: Role(int(value)),
        initial=initial,
    )


class TeamForm(forms.Form):
    """Names a team."""

    name = forms.CharField(label="Name", max_length=100, widget=forms.TextInput(attrs={"autocomplete": "organization"}))
    slug = forms.CharField(
        label="Address",
        max_length=50,
        required=False,
        widget=forms.TextInput(attrs=DATA),
        help_text="in every URL of the team: a–z, 0–9 and -. Made of the name when left out.",
    )


class InviteForm(forms.Form):
    """Invites somebody."""

    email = forms.CharField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, *args: Any, up_to: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"] = role_field(up_to, initial=Role.EDITOR)


class RoleForm(forms.Form):
    """Gives a member another role."""

    def __init__(self, *args: Any, up_to: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"] = role_field(up_to)


class GrantForm(forms.Form):
    """Gives a role on a path."""

    person = forms.CharField(
        label="Person",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "list": "members", "spellcheck": "false"}),
        help_text="the e-mail address of a member",
    )
    path = forms.CharField(label="Path", widget=PathInput(), help_text="holds for everything beneath it, too")

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offering(self, slug)
        self.fields["role"] = role_field(Role.ADMIN, initial=Role.EDITOR)
        self.fields["role"].help_text = "in place of the inherited one; none denies"


class TokenForm(forms.Form):
    """Makes a token."""

    EXPIRIES = (("7", "in 7 days"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never"))
    VERB_WORDS = (
        ("reads", "read"),
        ("changes", "change"),
        ("dangerous", "delete and overwrite"),
        ("task", "run tasks"),
    )

    name = forms.CharField(
        label="Name", max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}), help_text="what it is for"
    )
    paths = forms.CharField(
        label="Paths",
        initial="/",
        widget=PathInputs(),
        help_text="nothing outside of them exists for the token",
    )
    verbs = forms.MultipleChoiceField(
        label="It may",
        choices=VERB_WORDS,
        initial=["reads", "changes"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    commands = forms.CharField(
        label="Single commands",
        required=False,
        widget=forms.TextInput(attrs=DATA | {"placeholder": "state.set files.put"}),
        help_text="besides: allowed whatever is ticked above",
    )
    expires = forms.ChoiceField(label="Expires", choices=EXPIRIES, initial="90", required=False)
    rate = forms.FloatField(
        label="Calls a second",
        required=False,
        widget=forms.NumberInput(attrs={"step": "any", "min": "0"}),
        help_text="at most, in each process; no limit when left out",
    )

    def __init__(self, *args: Any, up_to: Role, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offering(self, slug)
        self.fields["ceiling"] = role_field(up_to, with_none=False, initial=up_to)
        self.fields["ceiling"].label = "At most as"

    def limits(self) -> dict[str, Any]:
        """What was typed, as `actions.create_token` takes it."""
        typed = self.cleaned_data
        expires_at: datetime | None = None
        if typed["expires"]:
            expires_at = timezone.now() + timedelta(days=int(typed["expires"]))
        return {
            "name": typed["name"],
            "paths": [line.strip() for line in typed["paths"].splitlines() if line.strip()],
            "verbs": [*typed["verbs"], *typed["commands"].replace(",", " ").split()],
            "ceiling": typed["ceiling"],
            "expires_at": expires_at,
            "rate": typed["rate"],
        }


class ConfirmForm(forms.Form):
    """Asks for a name to be typed before something is gone."""

    typed = forms.CharField(label="Name", max_length=100, widget=forms.TextInput(attrs=DATA))

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.fields["typed"].label = f"Type {name} to go on"

    def clean_typed(self) -> str:
        """Want it letter by letter."""
        if self.cleaned_data["typed"].strip() != self.name:
            raise forms.ValidationError(f"That is not {self.name}. Nothing was deleted.")
        return self.name


class AskForm(forms.Form):
    """Asks whether somebody, or a token, may do something at a path."""

    who = forms.CharField(
        label="Person or token",
        max_length=254,
        widget=forms.TextInput(attrs=DATA | {"list": "who"}),
        help_text="an e-mail address, or the first letters of a token",
    )
    path = forms.CharField(label="Path", initial="/", widget=PathInput())

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offering(self, slug)


def choices_of(emails: Iterable[str]) -> list[str]:
    """What a field suggests: enough for most teams, not a page of them."""
    return sorted(emails)[:200]


assert {verb for verb, _ in TokenForm.VERB_WORDS} == set(VERBS)
