"""What people do to teams, members, grants and tokens: one transaction and one audit line each.

by: who does it, and whose rights are checked; None is the platform itself (management commands, seeding): it may all.
Raises NotAllowed or NoSuch when `by` may not, Conflict when the state does not allow it, WrongArgument for a bad value.
What this process keeps about callers is forgotten at once, other processes follow within `GROVE.CALLER_KEEP_S`.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from teams import callers
from teams.access import VERBS, Caller, Role, decide, member_grants
from teams.keys import PublicKey
from teams.models import SLUG, AuditLine, Grant, Membership, Person, SshKey, Team, Token
from teams.paths import canonical
from teams.problems import Conflict, NoSuch, NotAllowed, OverLimit, WrongArgument
from teams.schemas import create_schema, drop_schema, inside
from teams.signals import demo_seeding, team_created, team_deleting

COMMAND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
NAME_LETTERS = 100


def create_team(*, name: str, slug: str, owner: Person) -> Team:
    """Make a team with its schema, its root object and its owner: all of it, or nothing. Takes about 0.05 s."""
    name = _name(name)
    if not re.fullmatch(SLUG, slug):
        raise WrongArgument(
            "slug", f"'{slug}' cannot be in an address: write 1–50 of a–z, 0–9 and -, none at the ends."
        )
    if owner.memberships.filter(role=Role.OWNER).count() >= settings.GROVE.PERSON_TEAMS:
        raise OverLimit(f"{owner} owns {settings.GROVE.PERSON_TEAMS} teams (limit PERSON_TEAMS). Delete one first.")
    if Team.objects.filter(slug=slug).exists():
        raise _taken(slug)
    # The random part keeps a new team apart from a deleted or renamed one of the same slug.
    schema_name = f"team_{slug.replace('-', '_')[:40]}_{secrets.token_hex(4)}"
    try:
        with _change(what="create_team", by=owner) as details, inside("public"):
            team = Team.objects.create(name=name, slug=slug, schema_name=schema_name)
            Membership.objects.create(team=team, person=owner, role=Role.OWNER)
            create_schema(schema_name)
            with inside(schema_name):
                team_created.send(sender=Team, team=team)
            details |= {"team": team, "name": name}
    except IntegrityError as error:
        if Team.objects.filter(slug=slug).exists():  # somebody else was first, after the look above
            raise _taken(slug) from error
        raise
    return team


def seed_demo() -> Team:
    """Find or make the demo team of DEMO_OWNER, who has no password: `/enter/<key>/` is the way in."""
    owner = Person.objects.filter(email=settings.DEMO_OWNER).first()
    if owner is None:
        owner = Person.objects.create_user(settings.DEMO_OWNER, name="Ann")
    team = Team.objects.filter(slug="demo").first()
    if team is None:
        team = create_team(name="Demo", slug="demo", owner=owner)
    elif not team.memberships.filter(person=owner).exists():  # DEMO_OWNER was changed since
        add_member(team=team, by=None, person=owner, role=Role.OWNER)
    demo_seeding.send(sender=Team, team=team, owner=owner)
    return team


def rename_team(*, team: Team, by: Person | None, name: str | None = None, slug: str | None = None) -> Team:
    """Give a team another name, or another slug: its addresses change, its schema and tokens do not. Owners only."""
    with _change(team, by, "rename_team", needs=Role.OWNER) as details:
        if name is not None:
            team.name = _name(name)
        if slug is not None and slug != team.slug:
            if not re.fullmatch(SLUG, slug):
                raise WrongArgument("slug", f"'{slug}' cannot be in an address: write 1–50 of a–z, 0–9 and -.")
            if Team.objects.filter(slug=slug).exists():
                raise _taken(slug)
            details["old_slug"], team.slug = team.slug, slug
        team.save(update_fields=["name", "slug"])
        details["name"] = team.name
    return team


def delete_team(*, team: Team, by: Person | None) -> None:
    """Delete a team with all of its objects, for good; audit lines stay. Owners only."""
    with _change(team, by, "delete_team", needs=Role.OWNER) as details, inside("public"):
        details["name"], details["team"] = team.name, None
        details["schema"] = team.schema_name
        team_deleting.send(sender=Team, team=team)
        drop_schema(team.schema_name)
        team.delete()


def add_member(*, team: Team, by: Person | None, person: Person, role: Role) -> Membership:
    """Let a person into a team. Admins; an owner can only be made by an owner."""
    with _change(team, by, "add_member", needs=Role.ADMIN) as details:
        _reach(team, by, role)
        if team.memberships.filter(person=person).exists():
            raise Conflict(f"{person} is in {team} already. Change the role instead.")
        details |= {"person": person.email, "role": role.word}
        return Membership.objects.create(team=team, person=person, role=role)


def change_role(*, team: Team, by: Person | None, person: Person, role: Role) -> Membership:
    """Give a member another role on "/". Admins; owners are made and unmade by owners; the last one stays."""
    with _change(team, by, "change_role", needs=Role.ADMIN) as details:
        membership = _membership(team, person)
        _reach(team, by, role)
        _reach(team, by, Role(membership.role))
        if role is not Role.OWNER:
            _keep_an_owner(team, membership)
        details |= {"person": person.email, "role": role.word, "old_role": Role(membership.role).word}
        membership.role = role
        membership.save(update_fields=["role"])
        if role is Role.OWNER:
            team.grants.filter(person=person).delete()  # they would hold for nobody
        return membership


def remove_member(*, team: Team, by: Person | None, person: Person) -> None:
    """Take a member out, with grants and tokens. Admins, and everybody for themselves; the last owner stays."""
    is_leaving = by is not None and by.pk == person.pk
    with _change(team, by, "remove_member", needs=Role.NONE if is_leaving else Role.ADMIN) as details:
        membership = _membership(team, person)
        if not is_leaving:
            _reach(team, by, Role(membership.role))
        _keep_an_owner(team, membership)
        details |= {"person": person.email, "role": Role(membership.role).word}
        team.grants.filter(person=person).delete()
        team.tokens.filter(person=person, revoked_at=None).update(revoked_at=timezone.now())
        membership.delete()


def give_grant(*, team: Team, by: Person | None, person: Person, path: str, role: Role) -> Grant:
    """Give a member a role on a path and below, instead of the one inherited; NONE denies. Admins of the path.

    Nobody gives more than they have there, or takes from somebody who has more.
    """
    path = canonical(path)
    if path == "/":
        raise WrongArgument("path", "The role on '/' is the membership's: change that.")
    with _change(team, by, "give_grant", needs=Role.ADMIN, path=path) as details:
        _reach_grant(team, by, person, path, role)
        details |= {"person": person.email, "path": path, "role": role.word}
        grant, _ = Grant.objects.update_or_create(
            team=team,
            person=person,
            path=path,
            defaults={"role": role, "given_by": by, "given_at": timezone.now()},
        )
        return grant


def take_grant(*, team: Team, by: Person | None, person: Person, path: str) -> None:
    """Take the grant on exactly this path away: what is inherited counts again. Admins of the path."""
    path = canonical(path)
    with _change(team, by, "take_grant", needs=Role.ADMIN, path=path) as details:
        _reach_grant(team, by, person, path, Role.NONE)
        grant = team.grants.filter(person=person, path=path).first()
        if grant is None:
            raise NoSuch(f"{person} has no grant on {path} itself.")
        details |= {"person": person.email, "path": path, "old_role": Role(grant.role).word}
        grant.delete()


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
    with _change(team, by, "create_token", needs=Role.NONE) as details:
        if by is not None and by.pk != person.pk:
            raise NotAllowed(f"A token acts for its maker. Ask {person} to make it.")
        _membership(team, person)
        if team.tokens.filter(revoked_at=None).count() >= settings.GROVE.TEAM_TOKENS:
            raise OverLimit(f"{team} has {settings.GROVE.TEAM_TOKENS} tokens (limit TEAM_TOKENS). Revoke some first.")
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
            name=_name(name),
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
    with _change(team, by, "revoke_token", needs=Role.NONE if is_own else Role.ADMIN) as details:
        if token.team_id != team.pk:
            raise NoSuch(f"{token.prefix}: no such token.")
        if token.revoked_at is not None:
            raise Conflict(f"{token.prefix} was revoked already, at {token.revoked_at:%Y-%m-%d %H:%M}.")
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        details |= {"token": token.prefix, "name": token.name, "person": token.person.email}
        return token


def add_ssh_key(*, person: Person, key: str, name: str = "") -> SshKey:
    """Let a person open terminals with a key.

    key: as `~/.ssh/id_ed25519.pub` holds it. name: which key it is; its own comment where it is left out.
    Raises WrongArgument for what is no public key, Conflict for one that is registered already.
    """
    public = PublicKey.parse(key)
    with transaction.atomic():
        Person.objects.select_for_update().get(pk=person.pk)
        limit = settings.GROVE.PERSON_SSH_KEYS
        if person.ssh_keys.count() >= limit:
            raise OverLimit(f"{person} has {limit} SSH keys (limit PERSON_SSH_KEYS). Remove one first.")
        if SshKey.objects.filter(fingerprint=public.fingerprint).exists():
            raise Conflict(f"The key {public.fingerprint} is registered already. Use it, or make another one.")
        return SshKey.objects.create(
            person=person,
            name=_name((name or public.comment or public.algorithm)[:NAME_LETTERS]),
            key=public.line,
            fingerprint=public.fingerprint,
        )


def remove_ssh_key(*, person: Person, fingerprint: str) -> None:
    """End a key of a person: terminals that were opened with it end within two seconds."""
    removed, _ = person.ssh_keys.filter(fingerprint=fingerprint).delete()
    if not removed:
        raise NoSuch(f"{fingerprint}: {person} has no such SSH key.")


@contextmanager
def _change(
    team: Team | None = None, by: Person | None = None, what: str = "", *, needs: Role = Role.OWNER, path: str = "/"
) -> Iterator[dict[str, Any]]:
    """Check rights and write the audit line, in one transaction; what is put into the dict becomes its details."""
    details: dict[str, Any] = {"team": team}
    with transaction.atomic():
        if team is not None:
            # One change of a team's rights at a time: else two owners could each remove the other.
            Team.objects.select_for_update().get(pk=team.pk)
            if by is not None and needs > Role.NONE:
                decide(_acting(team, by), team.schema_name, path, command=what, verb="changes", needs=needs)
        slug = team.slug if team is not None else ""
        yield details
        about = details.pop("team")
        AuditLine.objects.create(
            team=about,
            slug=slug or about.slug,
            who=by.email if by is not None else "system",
            what=what,
            details=details,
        )
        transaction.on_commit(callers.forget_all)


def _acting(team: Team, person: Person) -> Caller:
    """Give the person's rights as they are in this transaction."""
    membership = team.memberships.filter(person=person).first()
    if membership is None or not person.is_active:
        raise NoSuch(f"{team}: no such team.")
    grants = [(grant.path, Role(grant.role)) for grant in team.grants.filter(person=person)]
    return Caller(
        name=person.email,
        schema=team.schema_name,
        grants=member_grants(Role(membership.role), grants),
        id=f"p{person.pk}",
    )


def _membership(team: Team, person: Person) -> Membership:
    membership = team.memberships.filter(person=person).first()
    if membership is None:
        raise NoSuch(f"{person} is not in {team}. Add them first.")
    return membership


def _reach(team: Team, by: Person | None, role: Role, path: str = "/") -> None:
    """Refuse to deal in a role above one's own."""
    if by is None:
        return
    own = _acting(team, by).role_at(path)
    if role > own:
        raise NotAllowed(f"Your role on {path} is {own.word}: {role.word} is above it. Ask an owner.")


def _reach_grant(team: Team, by: Person | None, person: Person, path: str, role: Role) -> None:
    """Refuse a grant to an owner, or one that gives or takes more than one has."""
    if _membership(team, person).role == Role.OWNER:
        raise Conflict(f"{person} is an owner: no grant holds for owners. Change the role first.")
    _reach(team, by, role, path)
    _reach(team, by, _acting(team, person).role_at(path) if person.is_active else Role.NONE, path)


def _keep_an_owner(team: Team, membership: Membership) -> None:
    """Refuse when the membership is the last owner's: a team without one could never be changed again."""
    others = team.memberships.filter(role=Role.OWNER, person__is_active=True).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise Conflict(f"{membership.person} is the last owner of {team}. Make somebody else an owner first.")


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LETTERS or not name.isprintable():
        raise WrongArgument("name", f"Write 1–{NAME_LETTERS} letters.")
    return name


def _taken(slug: str) -> Conflict:
    return Conflict(f"The slug '{slug}' is taken. Choose another.", field="slug")
