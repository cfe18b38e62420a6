"""A team's audit log: every change to its people and their rights, the latest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from teams.access import Role, decide
from teams.answering import answer
from teams.models import AuditLine
from teams.pages.places import Place, places
from teams.pages.requests import TeamRequest, asked, asked_number, member_page

LISTED: Final = 50
# Each action in words; what is not here is shown by its name.
WORDS: Final = {
    "create_team": "made the team",
    "rename_team": "renamed the team",
    "trash_team": "deleted the team",
    "restore_team": "brought the team back",
    "add_member": "added",
    "change_role": "changed the role of",
    "transfer_ownership": "handed the team over to",
    "remove_member": "removed",
    "invite": "invited",
    "resend_invitation": "invited again",
    "revoke_invitation": "revoked the invitation of",
    "accept_invitation": "accepted an invitation",
    "decline_invitation": "had an invitation declined by",
    "give_grant": "gave a grant to",
    "take_grant": "took a grant from",
    "create_token": "made a token",
    "revoke_token": "revoked a token",
    "begin_visit": "let an operator in to look as",
    "end_visit": "saw an operator leave who looked as",
    "give_plan": "gave the team other limits",
    "approve_script": "approved the script",
    "run_script": "ran the script",
}

NAMED: Final = ("create_token", "revoke_token", "approve_script", "run_script")  # what is no person's


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log: who did what to whom, and the rest in pairs."""

    line: AuditLine
    words: str
    whom: str
    rest: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """What templates/teams/audit.html shows."""

    places: tuple[Place, ...]
    lines: Sequence[Line]
    who: str
    what: str
    actions: Sequence[tuple[str, str]]
    next: str


@member_page
@require_safe
def audit(request: TeamRequest) -> HttpResponse:
    """Show the log to admins; by who did it or whom it was about, and by action. htmx gets the lines alone."""
    decide(request.caller, request.team.schema_name, "/", command="audit", verb="reads", needs=Role.ADMIN)
    who, what, before = asked(request, "who").lower(), asked(request, "what"), asked_number(request, "before")
    lines = request.team.audit.order_by("-id")
    if who:
        lines = lines.filter(
            Q(who__icontains=who) | Q(details__person__icontains=who) | Q(details__name__icontains=who)
        )
    if what in WORDS:
        lines = lines.filter(what=what)
    if before is not None:
        lines = lines.filter(id__lt=before)
    found = list(lines[: LISTED + 1])
    follows = ""
    if len(found) > LISTED:
        follows = "?" + urlencode({"who": who, "what": what, "before": found[LISTED - 1].pk})
    page = AuditPage(
        places(request, "audit"),
        [_line(each) for each in found[:LISTED]],
        who,
        what,
        [(name, name.replace("_", " ")) for name in WORDS],
        follows,
    )
    return answer(request, "teams/audit.html", page, fragment="teams/_audit_lines.html")


def _line(line: AuditLine) -> Line:
    details = dict(line.details)
    whom = details.pop("person", "") if line.what not in NAMED else details.pop("name", "")
    rest = tuple((name.replace("_", " "), _shown(value)) for name, value in details.items() if value not in ("", None))
    return Line(line, WORDS.get(line.what, line.what.replace("_", " ")), str(whom), rest)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
