"""Everybody who could knock at a team's door, and a small model of what each may do.

The model is written from the promises (docs/architecture.md, `teams.access`), not from the code: a membership is a role
on "/", a grant replaces what is inherited from above, an owner is never locked out, and a token has no more than its
person, its paths, its verbs and its ceiling leave.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from teams import actions
from teams.access import Role
from teams.models import Person, Team, Token

OPEN, SHUT = "/open", "/shut"  # two subtrees of the team that is attacked; some have rights in one alone
PLACES = ("/", OPEN, f"{OPEN}/deep", SHUT, f"{SHUT}/deep")
ALL_VERBS = frozenset({"reads", "changes", "dangerous", "task"})
NONE, VIEWER, EDITOR, ADMIN, OWNER = Role.NONE, Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER


@dataclass(frozen=True)
class Actor:
    """Somebody with a token, or without one.

    door: None for who comes in; else the refusal that meets everything: (status, problem type).
    """

    name: str
    secret: str = ""
    role: Role = NONE
    grants: dict[str, Role] = field(default_factory=dict)
    paths: tuple[str, ...] = ("/",)
    verbs: frozenset[str] = ALL_VERBS
    ceiling: Role = OWNER
    door: tuple[int, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}

    def role_at(self, path: str) -> Role:
        """The role that the promises give at a path."""
        if not any(_holds(top, path) for top in self.paths):
            return NONE
        holding = [top for top in self.grants if _holds(top, path)]
        role = self.grants[max(holding, key=len)] if holding and self.role != OWNER else self.role
        return min(role, self.ceiling)

    def verdict(self, path: str, command: str, verb: str, needs: Role) -> tuple[int, str] | None:
        """What a call is refused with, None where it goes through."""
        if self.door is not None:
            return self.door
        role = self.role_at(path)
        if role == NONE:
            return 404, "no-such"
        if role < needs or not self.verbs & {verb, command}:
            return 403, "not-allowed"
        return None


def _holds(top: str, path: str) -> bool:
    return top in ("/", path) or path.startswith(f"{top}/")


def cast(
    team: Team, other: Team, member: Callable[..., Person], token: Callable[..., tuple[Token, str]]
) -> list[Actor]:
    """Everybody: each role, grants up and down a subtree, and each way in which a token is less than its person."""
    nobody, absent = (401, "not-signed-in"), (404, "no-such")

    def person(name: str, role: Role, grants: dict[str, Role] | None = None) -> Actor:
        _, secret = token(team, member(team, role, grants), verbs=sorted(ALL_VERBS))
        return Actor(name, secret, role, grants or {})

    def scoped(name: str, **limits: Any) -> Actor:
        verbs, paths = limits.pop("verbs", ALL_VERBS), limits.pop("paths", ["/"])
        _, secret = token(team, verbs=sorted(verbs), paths=paths, **limits)
        return replace(Actor(name, secret, OWNER), verbs=frozenset(verbs), paths=tuple(paths), **limits)

    def spoilt(name: str, spoil: Callable[[Token], None], of: Person | None = None) -> Actor:
        row, secret = token(team, of)
        spoil(row)
        return Actor(name, secret, door=nobody)

    def change(**fields: Any) -> Callable[[Token], None]:
        return lambda row: _update(row, **fields)

    def leave(row: Token) -> None:
        actions.remove_member(team=team, by=team.owner, person=row.person)

    def switch_off(row: Token) -> None:
        row.person.is_active = False
        row.person.save()

    _, stranger = token(other)
    _, own = token(team, verbs=sorted(ALL_VERBS))
    return [
        Actor("anonymous", door=nobody),
        Actor("a made-up token", "grove_aaaaaaaaaa_" + "b" * 43, door=nobody),
        Actor("a token's prefix with another secret", own[:-6] + "aaaaaa", door=nobody),
        Actor("the owner of another team", stranger, door=absent),
        spoilt("an expired token", change(expires_at=timezone.now() - timedelta(seconds=1))),
        spoilt("a revoked token", change(revoked_at=timezone.now())),
        spoilt("who left the team", leave, member(team, ADMIN)),
        spoilt("who was switched off", switch_off, member(team, ADMIN)),
        Actor("owner", own, OWNER),
        person("admin", ADMIN),
        person("editor", EDITOR),
        person("viewer", VIEWER),
        person("guest without a grant", NONE),
        person("guest who may view a subtree", NONE, {OPEN: VIEWER}),
        person("guest who may administer a subtree", NONE, {OPEN: ADMIN}),
        person("viewer who may edit a subtree", VIEWER, {OPEN: EDITOR}),
        person("editor who may only view a subtree", EDITOR, {SHUT: VIEWER}),
        person("editor who is denied a subtree", EDITOR, {SHUT: NONE}),
        person("admin with a way back into a denied subtree", ADMIN, {SHUT: NONE, f"{SHUT}/deep": EDITOR}),
        scoped("token of one subtree", paths=[OPEN]),
        scoped("token of two places", paths=[f"{OPEN}/deep", SHUT]),
        scoped("token that reads", verbs={"reads"}),
        scoped("token that changes and reads nothing", verbs={"changes"}),
        scoped("token that is dangerous only", verbs={"dangerous"}),
        scoped("token of one command", verbs={"state.set"}),
        scoped("token of one command that takes a file", verbs={"files.put"}),
        scoped("token of one command that events follow", verbs={"state.watch"}),
        scoped("token with a viewer's ceiling", ceiling=VIEWER),
        scoped("token of a viewer's ceiling in one subtree", ceiling=VIEWER, paths=[OPEN]),
    ]  # fmt: skip


def _update(row: Token, **fields: Any) -> None:
    Token.objects.filter(pk=row.pk).update(**fields)
