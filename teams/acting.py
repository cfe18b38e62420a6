"""From rows to a `Caller`: what somebody may do now, as this transaction sees it.

Pages and calls ask `teams.callers`, which keeps what it found; here nothing is kept, and rows that are locked count.
"""

from teams.access import Caller, Role, Scope, member_grants
from teams.models import Person, Team, Token
from teams.problems import NoSuch


def caller_of(team: Team, person: Person) -> Caller:
    """Give a member's rights. Raises NoSuch for who is not in the team, or switched off."""
    membership = team.memberships.filter(person=person).first()
    if membership is None or not person.is_active:
        raise NoSuch(f"{team}: no such team.")
    grants = [(grant.path, Role(grant.role)) for grant in team.grants.filter(person=person)]
    return Caller(
        name=person.email,
        schema=team.schema_name,
        grants=member_grants(Role(membership.role), grants),
        id=f"p{person.pk}",
        is_operator=person.is_staff,
    )


def caller_of_token(token: Token) -> Caller:
    """Give the rights of who holds the token, whether it still works or not."""
    of_person = caller_of(token.team, token.person)
    return Caller(
        name=f"token {token.name} of {token.person.email}",
        schema=of_person.schema,
        grants=of_person.grants,
        scope=Scope(
            paths=tuple(token.paths), verbs=frozenset(token.verbs), ceiling=Role(token.ceiling), rate=token.rate
        ),
        id=f"t{token.pk}",
    )
