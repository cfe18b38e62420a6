"""As seen by …: what is explained is what is decided, because one function says both."""

import itertools

import pytest

from teams.access import Caller, Role, Scope, decide, explain
from teams.problems import Problem

GRANTS = [(("/", role),) for role in Role] + [
    (("/", Role.VIEWER), ("/a", Role.EDITOR)),
    (("/", Role.EDITOR), ("/a", Role.NONE)),
    (("/", Role.ADMIN), ("/a", Role.NONE), ("/a/b", Role.VIEWER)),
    (("/a/b", Role.ADMIN),),
    (),
]
SCOPES = [
    None,
    Scope(paths=("/a",)),
    Scope(paths=("/a/b", "/c")),
    Scope(verbs=frozenset({"reads"})),
    Scope(ceiling=Role.VIEWER),
]
ASKED = list(itertools.product(["/", "/a", "/a/b", "/a/bc", "/c"], ["reads", "changes", "dangerous"], list(Role)[1:]))


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("grants", GRANTS)
def test_what_is_explained_is_what_is_decided(grants, scope):
    caller = Caller("ann", "team_x", grants, scope)
    for path, verb, needs in ASKED:
        explained = explain(caller, path, command=verb, verb=verb, needs=needs)

        try:
            decide(caller, "team_x", path, command=verb, verb=verb, needs=needs)
            refused = None
        except Problem as problem:
            refused = problem

        assert explained.is_allowed == (refused is None)
        assert (type(explained.problem), str(explained.problem)) == (type(refused), str(refused))
        assert explained.role == caller.role_at(path)


def test_the_nearest_grant_decides():
    caller = Caller("ann", "team_x", (("/", Role.VIEWER), ("/a", Role.EDITOR), ("/a/b", Role.NONE)))

    def deciding(path: str) -> tuple[str, Role, Role]:
        explained = explain(caller, path, command="reads", verb="reads", needs=Role.VIEWER)
        return explained.deciding, explained.granted, explained.role

    assert deciding("/a/c") == ("/a", Role.EDITOR, Role.EDITOR)
    assert deciding("/a/b/c") == ("/a/b", Role.NONE, Role.NONE)
    assert deciding("/ab") == ("/", Role.VIEWER, Role.VIEWER)


def test_a_tokens_paths_and_ceiling_show_in_the_explanation():
    caller = Caller("ci", "team_x", (("/", Role.OWNER),), Scope(paths=("/a",), ceiling=Role.EDITOR))

    inside = explain(caller, "/a/b", command="reads", verb="reads", needs=Role.VIEWER)
    outside = explain(caller, "/b", command="reads", verb="reads", needs=Role.VIEWER)

    assert (inside.granted, inside.role, inside.is_covered, inside.is_cut) == (Role.OWNER, Role.EDITOR, True, True)
    assert (outside.granted, outside.role, outside.is_covered) == (Role.OWNER, Role.NONE, False)
