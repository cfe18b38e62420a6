"""API keys."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from teams import callers, plans, switches
from teams.access import VERBS, Role
from teams.actions.change import change, clean_name, membership_of
from teams.models import Person, Team, Token
from teams.paths import canonical
from teams.problems import Conflict, NoSuch, NotAllowed, OverLimit, WrongArgument

COMMAND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


def create_token(  # noqa: PLR0913 -- the limits of a token are many, and all have defaults
    *,
    team: Team,
    by: Person | None,
    name: str,
    person: Person | None = None,
    paths: Sequence[str] = ("/",),
    verbs: Sequence[str] = ("reads", "changes"),
    ceiling: Role = Role.OWNER,
    expires_at: datetime | None = None,
    rate: float | None = None,
) -> tuple[Token, str]:
    """Make a token that acts for `by`, within limits; the secret is given here, once, and kept nowhere.

    person: whom it acts for; only the platform may name somebody else.
    paths: tops of the subtrees that exist for it. verbs: reads, changes, dangerous, task, or exact commands.
    rate: calls a second in each process.
    """
    person = person or by
    if person is None:
        raise WrongArgument("person", "Whom does the token act for?")
    with change(team, by, "create_token", needs=Role.NONE) as details:
        if by is not None and by.pk != person.pk:
            raise NotAllowed(f"A token acts for its maker. Ask {person} to make it.")
        membership_of(team, person)
        if by is not None and not switches.is_on("tokens"):
            raise NotAllowed("The operators of this Grove have switched off the making of tokens. Ask them.")
        most = plans.most_tokens(team)
        if team.tokens.filter(revoked_at=None).count() >= most:
            raise OverLimit(f"{team} has {most} tokens (limit TEAM_TOKENS). Revoke some first.")
        tops = sorted({canonical(path, "paths") for path in paths})
        if not tops:
            raise WrongArgument("paths", "A token without a path opens nothing: name one, like '/project/42'.")
        for verb in verbs:
            if verb not in VERBS and not COMMAND.fullmatch(verb):
                raise WrongArgument(
                    "verbs", f"'{verb}' is neither of {', '.join(VERBS)} nor a command like 'state.set'."
                )
        if not verbs:
            raise WrongArgument("verbs", f"A token without a verb does nothing: name some of {', '.join(VERBS)}.")
        if expires_at is not None and expires_at <= timezone.now():
            raise WrongArgument("expires_at", f"{expires_at:%Y-%m-%d %H:%M} is over already.")
        if rate is not None and not 0 < rate < float("inf"):
            raise WrongArgument("rate", f"{rate:g} calls a second is no rate: write a number above 0.")
        prefix, secret, digest = callers.new_secret()
        token = Token.objects.create(
            team=team,
            person=person,
            name=clean_name(name),
            prefix=prefix,
            digest=digest,
            paths=tops,
            verbs=sorted(set(verbs)),
            ceiling=ceiling,
            rate=rate,
            expires_at=expires_at,
        )
        details |= {"person": person.email, "token": prefix, "name": token.name, "paths": tops, "verbs": token.verbs}
        return token, secret


def revoke_token(*, team: Team, by: Person | None, token: Token) -> Token:
    """End a token, for good. Its person, and admins."""
    is_own = by is not None and token.person_id == by.pk
    with change(team, by, "revoke_token", needs=Role.NONE if is_own else Role.ADMIN) as details:
        if token.team_id != team.pk:
            raise NoSuch(f"{token.prefix}: no such token.")
        if token.revoked_at is not None:
            raise Conflict(f"{token.prefix} was revoked already, at {token.revoked_at:%Y-%m-%d %H:%M}.")
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        details |= {"token": token.prefix, "name": token.name, "person": token.person.email}
        return token
