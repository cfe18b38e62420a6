"""As seen by …: whether somebody, or a token, may do something at a path, and which grant decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from teams.access import Caller, Explanation, Role, decide, explain
from teams.acting import caller_of, caller_of_token
from teams.answering import answer
from teams.models import Grant, Token
from teams.pages.forms import AskForm, attempt, choices_of, status_of
from teams.pages.places import Place, places
from teams.pages.requests import TeamRequest, member_page
from teams.paths import canonical
from teams.problems import NoSuch, WrongArgument

# What can be asked for: in words, the verb, and the role that most commands of it need.
DEEDS: Final = (
    ("look at it", "reads", Role.VIEWER),
    ("change it", "changes", Role.EDITOR),
    ("delete and overwrite in it", "dangerous", Role.EDITOR),
    ("run tasks in it", "task", Role.EDITOR),
    ("give grants on it", "changes", Role.ADMIN),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A role on the way down to the path. grant: None for the membership's."""

    path: str
    role: str
    grant: Grant | None
    decides: bool


@dataclass(frozen=True, slots=True)
class Deed:
    """Something to do, and the verdict."""

    words: str
    why: Explanation


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer: what somebody may at a path."""

    name: str
    path: str
    steps: Sequence[Step]
    deeds: Sequence[Deed]
    token: Token | None
    is_owner: bool

    @property
    def why(self) -> Explanation:
        return self.deeds[0].why

    @property
    def role(self) -> str:
        return self.why.role.word

    @property
    def ceiling(self) -> str:
        return Role(self.token.ceiling).word if self.token is not None else ""


@dataclass(frozen=True, slots=True)
class AccessPage:
    """What templates/teams/access.html shows."""

    places: tuple[Place, ...]
    form: AskForm
    seen: Seen | None
    who: Sequence[str]


@member_page
@require_safe
def access(request: TeamRequest) -> HttpResponse:
    """Answer what somebody may at a path. For oneself anybody may ask, for others an admin of the path."""
    asked = "who" in request.GET
    first = {"who": request.person.email, "path": request.GET.get("path", "/")}
    slug = request.team.slug
    form = AskForm(request.GET, slug=slug) if asked else AskForm(initial=first, slug=slug)
    seen = attempt(form, lambda typed: _seen(request, typed["who"].strip(), typed["path"])) if asked else None
    people: Sequence[str] = ()
    if request.caller.role_at("/") >= Role.ADMIN:
        people = choices_of(request.team.people.values_list("email", flat=True)[:200])
    page = AccessPage(places(request, "access"), form, seen, people)
    return answer(request, "teams/access.html", page, status=status_of(form))


def _seen(request: TeamRequest, who: str, path: str) -> Seen:
    path = canonical(path)
    caller, token, email = _whom(request, who, path)
    deeds = [Deed(words, explain(caller, path, command=verb, verb=verb, needs=needs)) for words, verb, needs in DEEDS]
    return Seen(
        caller.name,
        path,
        _steps(request, caller, path, email, deeds[0].why.deciding),
        deeds,
        token,
        is_owner=dict(caller.grants).get("/") is Role.OWNER,
    )


def _whom(request: TeamRequest, who: str, path: str) -> tuple[Caller, Token | None, str]:
    """Find who is meant. Whom one may not ask about is as absent as who is not there."""
    absent = WrongArgument("who", f"'{who}' is nobody here whom you may ask about. Write an e-mail address or a token.")
    if "@" in who:
        person = request.team.people.filter(email=who.lower()).first()
        token = None
    else:
        prefix = who.removeprefix("grove_").partition("_")[0]
        token = request.team.tokens.select_related("person", "team").filter(prefix=prefix, revoked_at=None).first()
        person = token.person if token is not None else None
    if person is None:
        raise absent
    try:
        if person.pk != request.person.pk:
            decide(request.caller, request.team.schema_name, path, command="as seen by", verb="reads", needs=Role.ADMIN)
        caller = caller_of_token(token) if token is not None else caller_of(request.team, person)
    except NoSuch as problem:
        raise absent from problem
    return caller, token, person.email


def _steps(request: TeamRequest, caller: Caller, path: str, email: str, deciding: str) -> list[Step]:
    """The roles at and above the path, from the top down."""
    grants = {grant.path: grant for grant in request.team.grants.filter(person__email=email).select_related("given_by")}
    above = ["/", *("/".join(names) for names in _prefixes(path))] if path != "/" else ["/"]
    roles = dict(caller.grants)
    return [Step(each, roles[each].word, grants.get(each), each == deciding) for each in above if each in roles]


def _prefixes(path: str) -> list[list[str]]:
    names = path.split("/")
    return [names[: length + 1] for length in range(1, len(names))]
