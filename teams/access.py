"""Who may do what. `decide` is the only place that says so, the same for every surface.

All of it works in memory: a `Caller` carries its grants, so a decision costs about a microsecond and no query.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from django.conf import settings

from teams.problems import NoSuch, NotAllowed, Problem, WrongArgument

KNOWN_PATHS = 1_000  # of which a caller remembers its role
VERBS = ("reads", "changes", "dangerous", "task")


class Role(IntEnum):
    """What one may do at a path; each includes those below it. NONE as a grant denies."""

    NONE = 0
    VIEWER = 1
    EDITOR = 2
    ADMIN = 3
    OWNER = 4

    @property
    def word(self) -> str:
        """The name as people read and write it: "editor"."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str, field: str = "role") -> "Role":
        """Find the role by its word; raises WrongArgument for `field` where there is none."""
        try:
            return cls[word.upper()]
        except KeyError:
            raise WrongArgument(field, f"no role '{word}'. Roles: owner, admin, editor, viewer, none.") from None


def member_grants(role: Role, grants: Iterable[tuple[str, Role]]) -> tuple[tuple[str, Role], ...]:
    """Join a membership's role and its grants into a Caller's. No grant holds for owners: nobody locks them out."""
    if role is Role.OWNER:
        return (("/", role),)
    return (("/", role), *sorted(grants))


def is_within(path: str, top: str) -> bool:
    """Whether `path` is `top` or below it. "/ab" is not within "/a"."""
    return top in ("/", path) or path.startswith(top + "/")


@dataclass(frozen=True, slots=True)
class Scope:
    """The limits of a token: it never can more than its person, and less where this says so.

    paths: tops of the subtrees that exist for the token.
    verbs: of `VERBS`, or exact commands ("state.set").
    ceiling: the highest role that the token can have.
    rate: calls a second in one process; None: no limit. `teams.callers.spend` counts.
    """

    paths: tuple[str, ...] = ("/",)
    verbs: frozenset[str] = frozenset(VERBS)
    ceiling: Role = Role.OWNER
    rate: float | None = None

    def covers(self, path: str) -> bool:
        """Whether the path exists for the token."""
        return any(is_within(path, top) for top in self.paths)

    def permits(self, command: str, verb: str) -> bool:
        """Whether the token may run a command of this verb."""
        return verb in self.verbs or command in self.verbs


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, in one team: immutable, hashable, with all that is needed to decide.

    name: for the journal: "ann@example.com", "token ci of ann@example.com", "system".
    schema: the team's schema; "" is nobody.
    grants: (path, role); the membership's role is the grant on "/".
    scope: a token's limits.
    id: stable while name and grants change: "p12" a person, "t34" a token, "system". For idempotency and rates.
    is_operator: a person who operates this Grove. Never a token: what operators alone may do needs them themselves.
    """

    name: str
    schema: str
    grants: tuple[tuple[str, Role], ...]
    scope: Scope | None = None
    id: str = ""
    is_operator: bool = False
    _roles: dict[str, Role] = field(init=False, repr=False, compare=False)
    _known: dict[str, Role] = field(init=False, repr=False, compare=False)  # by path, as worked out before

    def __post_init__(self) -> None:
        object.__setattr__(self, "_roles", dict(self.grants))
        object.__setattr__(self, "_known", {})

    @classmethod
    def system(cls, schema: str) -> "Caller":
        """The platform itself, for maintenance: owner of everything in the team."""
        return cls(name="system", schema=schema, grants=(("/", Role.OWNER),), id="system")

    @classmethod
    def nobody(cls) -> "Caller":
        """Somebody who is not signed in: nothing exists for them."""
        return cls(name="nobody", schema="", grants=())

    def role_at(self, path: str) -> Role:
        """Give the role at a path in its canonical form: the nearest grant at or above it, within the scope."""
        known = self._known.get(path)
        if known is None:
            if len(self._known) >= KNOWN_PATHS:
                self._known.clear()
            known = self._known[path] = self._role_at(path)
        return known

    def _role_at(self, path: str) -> Role:
        scope = self.scope
        if scope is not None and not scope.covers(path):
            return Role.NONE
        top = self.deciding(path)
        role = self._roles[top] if top else Role.NONE
        return role if scope is None or role <= scope.ceiling else scope.ceiling

    def deciding(self, path: str) -> str:
        """Give the path of the nearest grant, which counts at a path in its canonical form; "" where there is none."""
        roles = self._roles
        while path not in roles:
            if path in ("/", ""):
                return ""
            path = path[: path.rfind("/")] or "/"
        return path

    def sees(self, path: str) -> bool:
        """Whether the path may be viewed; to a caller who does not see it, it does not exist."""
        return self.role_at(path) >= Role.VIEWER

    def seeing(self, paths: Iterable[str]) -> list[str]:
        """Keep those of the paths that may be viewed, in their order."""
        return [path for path in paths if self.sees(path)]


def exists_for(caller: Caller, schema: str, path: str) -> bool:
    """Whether the path may exist for the caller: it is of the caller's own team, and the caller may view it."""
    return bool(schema) and caller.schema == schema and caller.sees(path)


def refusal(
    caller: Caller, schema: str, path: str, *, command: str, verb: str, needs: Role, operators: str = ""
) -> Problem | None:
    """Say why the call is refused, or None where it may pass. `decide` and `explain` both ask here, and nowhere else.

    path: in its canonical form. verb: one of `VERBS`. needs: the lowest role that will do, VIEWER at least.
    operators: the name of the deployment's setting that lets operators, and nobody else, call it; "" is for everybody.
    """
    if not exists_for(caller, schema, path):
        return NoSuch(f"{path}: no such object.")
    role = caller.role_at(path)
    if role < needs:
        return NotAllowed(
            f"{command}: needs the role {needs.word} on {path}; yours there is {role.word}. "
            "An admin of it can give you a grant."
        )
    if caller.scope is not None and not caller.scope.permits(command, verb):
        return NotAllowed(
            f"{command}: the token's verbs ({', '.join(sorted(caller.scope.verbs))}) include neither '{verb}' "
            f"nor '{command}'. Make a token that does."
        )
    if operators and not may_operate(caller, operators):
        return NotAllowed(
            f"{command}: is for those who operate this Grove, signed in themselves and not by a token, and only where "
            f"the deployment has it on (GROVE_{operators}=1)."
        )
    return None


def may_operate(caller: Caller, setting: str) -> bool:
    """Whether the caller may what operators alone may, and only where a setting of the deployment has it on."""
    return caller.is_operator and caller.scope is None and bool(getattr(settings, setting))


def decide(
    caller: Caller, schema: str, path: str, *, command: str, verb: str, needs: Role, operators: str = ""
) -> None:
    """Let the call pass, or refuse it: see `refusal` for the arguments.

    Raises NoSuch when the caller may not view the path, or it is another team's: absent and hidden are the same.
    Raises NotAllowed when the role or the token's scope does not reach.
    """
    problem = refusal(caller, schema, path, command=command, verb=verb, needs=needs, operators=operators)
    if problem is not None:
        raise problem


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a caller may or may not do something at a path.

    deciding: the path of the grant that counts, "" where none does; granted: the role that it gives.
    role: what is left of that within the token's paths and ceiling.
    """

    problem: Problem | None
    deciding: str
    granted: Role
    role: Role
    is_covered: bool  # by the token's paths; always so for a person
    is_cut: bool  # by the token's ceiling

    @property
    def is_allowed(self) -> bool:
        return self.problem is None


def explain(caller: Caller, path: str, *, command: str, verb: str, needs: Role) -> Explanation:
    """Tell what `decide` would say of a caller in their own team, and what that rests on."""
    problem = refusal(caller, caller.schema, path, command=command, verb=verb, needs=needs)
    deciding, scope = caller.deciding(path), caller.scope
    granted = dict(caller.grants)[deciding] if deciding else Role.NONE
    return Explanation(
        problem,
        deciding,
        granted,
        caller.role_at(path),
        is_covered=scope is None or scope.covers(path),
        is_cut=scope is not None and granted > scope.ceiling,
    )
