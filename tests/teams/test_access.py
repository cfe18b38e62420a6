"""Who may do what: grants on paths, a token's scope, and the one place that decides."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teams import access
from teams.access import Caller, Role, Scope, decide, is_within, member_grants
from teams.problems import NoSuch, NotAllowed, WrongArgument

SCHEMA = "team_x"
names = st.sampled_from(["a", "b", "ab", "ä"])
paths = st.lists(names, max_size=5).map(lambda parts: "/" + "/".join(parts))
roles = st.sampled_from(Role)
grants = st.dictionaries(paths, roles, max_size=8)


def caller_with(role: Role, scope: Scope | None = None, **grants_on: Role) -> Caller:
    """A caller with a membership's role and grants: `caller_with(Role.VIEWER, a_b=Role.EDITOR)` is on /a/b."""
    on_paths = [("/" + name.replace("_", "/"), granted) for name, granted in grants_on.items()]
    return Caller(name="ann", schema=SCHEMA, grants=member_grants(role, on_paths), scope=scope, id="p1")


def naive_role(granted: dict[str, Role], path: str) -> Role:
    """The role of the longest granted path that is the path itself or above it, the slow and plain way."""
    parts = path.split("/") if path != "/" else [""]
    for length in range(len(parts), 0, -1):
        above = "/".join(parts[:length]) or "/"
        if above in granted:
            return granted[above]
    return Role.NONE


@given(grants, paths)
def test_the_nearest_grant_at_or_above_a_path_wins(granted, path):
    caller = Caller(name="ann", schema=SCHEMA, grants=tuple(granted.items()))

    assert caller.role_at(path) == naive_role(granted, path)


@given(grants, paths, st.lists(paths, min_size=1, max_size=3), roles)
def test_a_token_has_its_persons_role_within_its_paths_and_up_to_its_ceiling(granted, path, tops, ceiling):
    scope = Scope(paths=tuple(tops), ceiling=ceiling)
    caller = Caller(name="token", schema=SCHEMA, grants=tuple(granted.items()), scope=scope)

    is_covered = any((path + "/").startswith(top.rstrip("/") + "/") for top in tops)

    assert caller.role_at(path) == (min(naive_role(granted, path), ceiling) if is_covered else Role.NONE)


@given(paths, paths)
def test_a_path_is_within_itself_and_its_parents_and_not_within_names_that_begin_alike(path, top):
    wanted = [] if top == "/" else top.split("/")[1:]

    assert is_within(path, top) == (path.split("/")[1:][: len(wanted)] == wanted)


def test_a_lower_grant_widens_or_denies_below_itself_and_nowhere_else():
    caller = caller_with(Role.VIEWER, a=Role.NONE, a_b=Role.EDITOR, c=Role.ADMIN)

    assert {path: caller.role_at(path) for path in ("/", "/a", "/a/x", "/a/b", "/a/b/y", "/c/d", "/cc", "/x")} == {
        "/": Role.VIEWER,
        "/a": Role.NONE,
        "/a/x": Role.NONE,
        "/a/b": Role.EDITOR,
        "/a/b/y": Role.EDITOR,
        "/c/d": Role.ADMIN,
        "/cc": Role.VIEWER,
        "/x": Role.VIEWER,
    }


def test_no_grant_holds_for_an_owner():
    assert caller_with(Role.OWNER, a=Role.NONE).role_at("/a/b") == Role.OWNER


def test_the_platform_is_owner_in_its_team_and_nobody_is_nothing_anywhere():
    assert Caller.system(SCHEMA).role_at("/a/b") == Role.OWNER
    assert Caller.nobody().role_at("/") == Role.NONE


def test_callers_are_equal_and_hash_alike_when_they_may_the_same():
    assert {caller_with(Role.VIEWER, a=Role.NONE), caller_with(Role.VIEWER, a=Role.NONE)} == {
        caller_with(Role.VIEWER, a=Role.NONE)
    }


def refusal(caller: Caller, path: str, *, schema: str = SCHEMA, command="state.set", verb="changes", needs=Role.EDITOR):
    """What `decide` says: None, or the problem's class and text."""
    try:
        decide(caller, schema, path, command=command, verb=verb, needs=needs)
    except (NoSuch, NotAllowed) as problem:
        return type(problem), problem.detail
    return None


def test_an_editor_may_change_and_a_viewer_is_told_which_role_it_takes():
    assert refusal(caller_with(Role.EDITOR), "/a") is None
    assert refusal(caller_with(Role.VIEWER), "/a") == (
        NotAllowed,
        "state.set: needs the role editor on /a; yours there is viewer. An admin of it can give you a grant.",
    )


def test_what_one_may_not_view_does_not_exist_and_neither_does_another_team():
    hidden = (NoSuch, "/a: no such object.")

    assert refusal(caller_with(Role.NONE), "/a") == hidden
    assert refusal(caller_with(Role.OWNER), "/a", schema="team_y") == hidden
    assert refusal(Caller.nobody(), "/a", schema="") == hidden
    assert refusal(caller_with(Role.OWNER, Scope(paths=("/b",))), "/a") == hidden


def test_a_need_of_no_role_still_asks_that_the_path_may_be_viewed():
    assert refusal(caller_with(Role.NONE), "/a", needs=Role.NONE) == (NoSuch, "/a: no such object.")


def test_a_token_runs_the_verbs_and_the_exact_commands_in_its_scope():
    reader = caller_with(Role.OWNER, Scope(verbs=frozenset({"reads", "state.set"})))

    assert refusal(reader, "/a", command="state.get", verb="reads") is None
    assert refusal(reader, "/a", command="state.set") is None
    refused = refusal(reader, "/a", command="state.delete")
    verbs = "the token's verbs (reads, state.set) include neither 'changes' nor 'state.delete'"
    assert refused == (NotAllowed, f"state.delete: {verbs}. Make a token that does.")


def test_a_role_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(WrongArgument) as refused:
        Role.from_word("edtor")

    assert refused.value.detail == "no role 'edtor'. Roles: owner, admin, editor, viewer, none."


def test_what_is_for_operators_needs_one_in_person_with_the_role_and_the_setting_on(settings):
    editor = caller_with(Role.EDITOR)
    operator = replace(editor, is_operator=True)
    others = (editor, replace(operator, scope=Scope()), replace(caller_with(Role.VIEWER), is_operator=True))

    def may(caller: Caller) -> bool:
        wants = {"command": "browser.run", "verb": "task", "needs": Role.EDITOR, "operators": "BROWSER_SCRIPTS"}
        return access.refusal(caller, SCHEMA, "/a", **wants) is None

    settings.BROWSER_SCRIPTS = True
    assert [may(each) for each in (operator, *others)] == [True, False, False, False]
    settings.BROWSER_SCRIPTS = False
    assert not may(operator)
