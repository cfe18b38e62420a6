"""What people do to teams, members, grants and tokens: who may, what is refused, and that all of it is written down."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone
from django_pgschemas.schema import get_current_schema

from objects.models import Object
from teams import actions
from teams.access import Role
from teams.models import AuditLine, Grant, Membership, Person, Team
from teams.paths import canonical
from teams.problems import Conflict, NoSuch, NotAllowed, OverLimit, Problem, WrongArgument
from teams.schemas import inside
from teams.signals import demo_seeding, team_created


def schema_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select exists(select from pg_namespace where nspname = %s)", [name])
        return bool(cursor.fetchone()[0])


def refused(action, **arguments) -> tuple[type[Problem], str]:
    with pytest.raises(Problem) as problem:
        action(**arguments)
    return type(problem.value), problem.value.detail


def audit(team: Team) -> list[tuple[str, str, dict]]:
    return list(AuditLine.objects.filter(team=team).order_by("id").values_list("who", "what", "details"))


# Teams.


def test_a_new_team_has_an_owner_a_schema_with_a_root_and_a_line_in_the_audit(person):
    ann = person()

    team = actions.create_team(name=" Acme Ltd ", slug="acme-1", owner=ann)

    assert (team.name, team.slug, schema_exists(team.schema_name)) == ("Acme Ltd", "acme-1", True)
    assert team.schema_name.startswith("team_acme_1_")
    assert list(team.memberships.values_list("person", "role")) == [(ann.pk, Role.OWNER)]
    assert audit(team) == [(ann.email, "create_team", {"name": "Acme Ltd"})]
    with inside(team.schema_name):
        assert list(Object.objects.values_list("path", "kind")) == [("/", "object")]
    assert get_current_schema().schema_name == "public"


def test_a_team_that_cannot_be_made_whole_is_not_made_at_all(person):
    ann = person()
    schemas = []

    def fail(team: Team, **_: object) -> None:
        schemas.append(team.schema_name)
        raise RuntimeError("the tree could not be made")

    team_created.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            actions.create_team(name="Half", slug="half", owner=ann)
    finally:
        team_created.disconnect(fail)

    assert (schema_exists(schemas[0]), Team.objects.filter(slug="half").exists()) == (False, False)
    assert not AuditLine.objects.filter(slug="half").exists()
    assert get_current_schema().schema_name == "public"


def test_a_slug_can_be_in_an_address_and_is_one_teams(person, team):
    ann = person()

    for slug in ("", "-a", "a-", "A", "a b", "a/b", "ä", "a" * 51, "a\n"):
        assert refused(actions.create_team, name="x", slug=slug, owner=ann)[0] is WrongArgument
    assert refused(actions.create_team, name="x", slug=team.slug, owner=ann) == (
        Conflict,
        f"The slug '{team.slug}' is taken. Choose another.",
    )


def test_two_who_want_the_same_slug_at_once_get_one_team_and_one_refusal(person):
    people = [person(), person()]
    outcomes = []
    ready = threading.Barrier(2)

    def make(owner: Person) -> None:
        ready.wait()
        try:
            actions.create_team(name="Race", slug="race", owner=owner)
            outcomes.append("made")
        except Conflict as problem:
            outcomes.append(problem.detail)
        finally:
            connection.close()

    threads = [threading.Thread(target=make, args=(owner,)) for owner in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["The slug 'race' is taken. Choose another.", "made"]


def test_a_person_owns_so_many_teams_and_no_more(person, settings):
    from dataclasses import replace

    settings.GROVE = replace(settings.GROVE, PERSON_TEAMS=1)
    ann = person()
    actions.create_team(name="One", slug="only-one", owner=ann)

    assert refused(actions.create_team, name="Two", slug="one-too-many", owner=ann) == (
        OverLimit,
        f"{ann} owns 1 teams (limit PERSON_TEAMS). Delete one first.",
    )


def test_renaming_changes_the_address_and_nothing_else(new_team):
    team = new_team()
    old_slug, schema_name = team.slug, team.schema_name

    actions.rename_team(team=team, by=team.owner, name="New name", slug="new-slug")

    team = Team.objects.get(pk=team.pk)
    assert (team.name, team.slug, team.schema_name) == ("New name", "new-slug", schema_name)
    assert audit(team)[-1] == (team.people.get().email, "rename_team", {"name": "New name", "old_slug": old_slug})


def test_deleting_a_team_leaves_nothing_of_it_but_the_audit(new_team, token):
    team = new_team()
    token(team)
    slug, schema_name, owner = team.slug, team.schema_name, team.owner

    actions.delete_team(team=team, by=owner)

    assert (schema_exists(schema_name), Team.objects.filter(slug=slug).exists()) == (False, False)
    assert list(AuditLine.objects.filter(slug=slug).order_by("id").values_list("team", "who", "what")) == [
        (None, owner.email, "create_team"),
        (None, owner.email, "create_token"),
        (None, owner.email, "delete_team"),
    ]
    assert Person.objects.filter(pk=owner.pk).exists()


def test_only_owners_rename_and_delete_a_team(team, member):
    admin = member(team, Role.ADMIN)

    assert refused(actions.rename_team, team=team, by=admin, name="x")[0] is NotAllowed
    assert refused(actions.delete_team, team=team, by=admin)[0] is NotAllowed


# Isolation.


def test_outside_of_a_team_the_tables_of_objects_do_not_exist(team):
    with pytest.raises(ProgrammingError, match='relation "object" does not exist'):
        Object.objects.count()


def test_inside_of_a_team_the_objects_of_another_do_not_exist(new_team):
    one, other = new_team(), new_team()
    with inside(one.schema_name):
        root = Object.objects.get(path="/")
        Object.objects.create(parent=root, name="a", path="/a", kind="object")
        ours = Object.objects.count()

    with inside(other.schema_name):
        theirs = list(Object.objects.values_list("path", flat=True))

    assert (ours, theirs) == (2, ["/"])


def test_an_exception_inside_of_a_team_leads_out_of_it(team):
    with pytest.raises(ZeroDivisionError), inside(team.schema_name):
        raise ZeroDivisionError

    assert get_current_schema().schema_name == "public"


def test_a_rolled_back_savepoint_does_not_change_the_team_one_is_in(new_team):
    one, other = new_team(), new_team()
    with inside(one.schema_name):
        Object.objects.filter(path="/").update(kind="one")
        with transaction.atomic():
            with suppress(ZeroDivisionError), transaction.atomic(), inside(other.schema_name):
                Object.objects.count()
                raise ZeroDivisionError
            kind = Object.objects.get(path="/").kind

    assert kind == "one"


def test_migrating_touches_only_teams_that_lack_a_migration(new_team):
    from teams.schemas import migrate_schema, schemas_behind

    up_to_date, behind = new_team(), new_team()
    with connection.cursor() as cursor:
        cursor.execute(f"drop schema {behind.schema_name} cascade")
        cursor.execute(f"create schema {behind.schema_name}")
        cursor.execute(
            f"create table {behind.schema_name}.django_migrations (like public.django_migrations including all)"
        )
    both = [up_to_date.schema_name, behind.schema_name]

    before = schemas_behind(both)
    migrate_schema(behind.schema_name)

    assert (before, schemas_behind(both)) == ([behind.schema_name], [])


# Members.


def test_the_last_owner_can_neither_leave_nor_step_down(new_team, person):
    team = new_team()
    ann, bob = team.owner, person()
    stays = (Conflict, f"{ann} is the last owner of {team}. Make somebody else an owner first.")

    assert refused(actions.remove_member, team=team, by=ann, person=ann) == stays
    assert refused(actions.change_role, team=team, by=ann, person=ann, role=Role.ADMIN) == stays
    assert refused(actions.change_role, team=team, by=None, person=ann, role=Role.ADMIN) == stays

    actions.add_member(team=team, by=ann, person=bob, role=Role.OWNER)
    actions.change_role(team=team, by=ann, person=ann, role=Role.ADMIN)
    assert dict(team.memberships.values_list("person", "role")) == {ann.pk: Role.ADMIN, bob.pk: Role.OWNER}


def test_two_owners_who_remove_each_other_at_once_leave_one(new_team, person):
    team = new_team()
    ann, bob = team.owner, person()
    actions.add_member(team=team, by=ann, person=bob, role=Role.OWNER)
    ready = threading.Barrier(2)

    def remove(by: Person, other: Person) -> None:
        ready.wait()
        try:
            actions.remove_member(team=team, by=by, person=other)
        except Problem:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((ann, bob), (bob, ann))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert team.memberships.filter(role=Role.OWNER).count() == 1


def test_an_owner_who_is_switched_off_does_not_count_as_one(new_team, person):
    team = new_team()
    gone = person()
    actions.add_member(team=team, by=team.owner, person=gone, role=Role.OWNER)
    Person.objects.filter(pk=gone.pk).update(is_active=False)

    assert refused(actions.remove_member, team=team, by=team.owner, person=team.owner)[0] is Conflict


def test_admins_deal_in_roles_up_to_their_own(team, member, person):
    admin, editor, owner = member(team, Role.ADMIN), member(team, Role.EDITOR), team.memberships.get(role=4).person
    above = (NotAllowed, "Your role on / is admin: owner is above it. Ask an owner.")

    assert refused(actions.add_member, team=team, by=admin, person=person(), role=Role.OWNER) == above
    assert refused(actions.change_role, team=team, by=admin, person=admin, role=Role.OWNER) == above
    assert refused(actions.change_role, team=team, by=admin, person=owner, role=Role.VIEWER) == above
    assert refused(actions.remove_member, team=team, by=admin, person=owner) == above
    actions.change_role(team=team, by=admin, person=editor, role=Role.ADMIN)
    assert Membership.objects.get(team=team, person=editor).role == Role.ADMIN


def test_editors_change_nobodys_rights_and_strangers_find_no_team(team, member, person):
    editor, viewer, stranger = member(team, Role.EDITOR), member(team, Role.VIEWER), person()
    changes = [
        (actions.add_member, {"person": person(), "role": Role.VIEWER}),
        (actions.change_role, {"person": viewer, "role": Role.EDITOR}),
        (actions.remove_member, {"person": viewer}),
        (actions.give_grant, {"person": viewer, "path": "/a", "role": Role.EDITOR}),
        (actions.take_grant, {"person": viewer, "path": "/a"}),
    ]
    before = len(audit(team))

    assert {refused(action, team=team, by=editor, **more)[0] for action, more in changes} == {NotAllowed}
    assert {refused(action, team=team, by=stranger, **more) for action, more in changes} == {
        (NoSuch, f"{team}: no such team.")
    }
    assert len(audit(team)) == before


def test_leaving_takes_grants_and_tokens_along(team, member, token):
    ann = member(team, Role.VIEWER, {"/a": Role.EDITOR})
    made, _ = token(team, ann)

    actions.remove_member(team=team, by=ann, person=ann)

    made.refresh_from_db()
    assert (team.grants.filter(person=ann).count(), made.revoked_at is not None) == (0, True)
    assert audit(team)[-1] == (ann.email, "remove_member", {"person": ann.email, "role": "viewer"})


def test_nobody_is_added_twice(team, member):
    ann = member(team)

    assert refused(actions.add_member, team=team, by=None, person=ann, role=Role.ADMIN) == (
        Conflict,
        f"{ann} is in {team} already. Change the role instead.",
    )


# Grants.


def test_a_grant_replaces_the_one_on_its_path_and_can_be_taken_away(team, member):
    ann, owner = member(team), team.memberships.get(role=Role.OWNER).person

    actions.give_grant(team=team, by=owner, person=ann, path="/a/", role=Role.EDITOR)
    actions.give_grant(team=team, by=owner, person=ann, path="/a", role=Role.NONE)
    given = list(Grant.objects.filter(person=ann).values_list("path", "role", "given_by"))
    actions.take_grant(team=team, by=owner, person=ann, path="/a")

    assert (given, Grant.objects.filter(person=ann).count()) == ([("/a", Role.NONE, owner.pk)], 0)
    assert audit(team)[-3:] == [
        (owner.email, "give_grant", {"person": ann.email, "path": "/a", "role": "editor"}),
        (owner.email, "give_grant", {"person": ann.email, "path": "/a", "role": "none"}),
        (owner.email, "take_grant", {"person": ann.email, "path": "/a", "old_role": "none"}),
    ]


def test_an_admin_of_a_path_gives_grants_there_and_nowhere_else(team, member):
    admin, ann = member(team, Role.VIEWER, {"/p": Role.ADMIN, "/p/private": Role.NONE}), member(team)
    give = {"team": team, "by": admin, "person": ann, "role": Role.EDITOR}

    actions.give_grant(path="/p/x", **give)

    assert refused(actions.give_grant, path="/q", **give)[0] is NotAllowed
    assert refused(actions.give_grant, path="/p/private/x", **give) == (NoSuch, "/p/private/x: no such object.")


def test_nobody_gives_more_than_they_have_or_takes_from_who_has_more(team, member):
    admin = member(team, Role.VIEWER, {"/g": Role.ADMIN})
    above = member(team, Role.VIEWER, {"/g": Role.OWNER})
    ann = member(team)

    refusal = (NotAllowed, "Your role on /g is admin: owner is above it. Ask an owner.")
    assert refused(actions.give_grant, team=team, by=admin, person=ann, path="/g", role=Role.OWNER) == refusal
    assert refused(actions.give_grant, team=team, by=admin, person=above, path="/g", role=Role.NONE) == refusal
    assert refused(actions.take_grant, team=team, by=admin, person=above, path="/g") == refusal


def test_owners_get_no_grants_and_lose_theirs_when_they_become_one(team, member):
    ann = member(team, Role.ADMIN, {"/o": Role.NONE})
    owner = team.memberships.filter(role=Role.OWNER).earliest("id").person

    actions.change_role(team=team, by=owner, person=ann, role=Role.OWNER)

    assert Grant.objects.filter(person=ann).count() == 0
    assert refused(actions.give_grant, team=team, by=owner, person=ann, path="/o", role=Role.NONE) == (
        Conflict,
        f"{ann} is an owner: no grant holds for owners. Change the role first.",
    )
    actions.change_role(team=team, by=owner, person=ann, role=Role.ADMIN)


def test_a_grant_is_on_a_path_below_the_root_in_its_canonical_form(team, member):
    ann = member(team)

    for path in ("/", "", "a", "//", "/a//b", "/a/../b", "/a/./b", "/a:b", "/a\nb", "/" + "x" * 17_000):
        assert (
            refused(actions.give_grant, team=team, by=None, person=ann, path=path, role=Role.EDITOR)[0] is WrongArgument
        )
    assert canonical("/a\u0308/b/") == "/\u00e4/b"


def test_grants_are_for_members(team, person):
    stranger = person()

    assert refused(actions.give_grant, team=team, by=None, person=stranger, path="/a", role=Role.VIEWER) == (
        NoSuch,
        f"{stranger} is not in {team}. Add them first.",
    )


# Tokens.


def test_a_token_says_what_it_may_and_is_written_down_without_its_secret(team, member):
    ann = member(team, Role.EDITOR)

    made, secret = actions.create_token(
        team=team, by=ann, name="ci", paths=["/b", "/a/", "/a"], verbs=["reads"], rate=2
    )

    assert (made.paths, made.verbs, made.rate, made.ceiling) == (["/a", "/b"], ["reads"], 2, Role.OWNER)
    assert secret.split("_")[:2] == ["grove", made.prefix]
    assert audit(team)[-1] == (
        ann.email,
        "create_token",
        {"person": ann.email, "token": made.prefix, "name": "ci", "paths": ["/a", "/b"], "verbs": ["reads"]},
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"paths": []}, "paths"),
        ({"paths": ["a"]}, "paths"),
        ({"verbs": []}, "verbs"),
        ({"verbs": ["Reads"]}, "verbs"),
        ({"verbs": ["state.set; drop"]}, "verbs"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "expires_at"),
        ({"rate": 0}, "rate"),
        ({"rate": float("nan")}, "rate"),
        ({"name": " "}, "name"),
    ],
)
def test_a_token_that_could_do_nothing_or_never_is_refused(team, wrong, field):
    owner = team.memberships.filter(role=Role.OWNER).earliest("id").person
    before = team.tokens.count()

    with pytest.raises(WrongArgument) as problem:
        actions.create_token(**({"team": team, "by": owner, "name": "x"} | wrong))

    assert (problem.value.field, team.tokens.count()) == (field, before)


def test_nobody_makes_a_token_that_acts_for_another(team, member):
    admin, ann = member(team, Role.ADMIN), member(team)

    assert refused(actions.create_token, team=team, by=admin, name="x", person=ann) == (
        NotAllowed,
        f"A token acts for its maker. Ask {ann} to make it.",
    )


def test_a_team_has_so_many_tokens_and_no_more(new_team, token, settings):
    from dataclasses import replace

    settings.GROVE = replace(settings.GROVE, TEAM_TOKENS=1)
    team = new_team()
    first, _ = token(team)

    assert refused(actions.create_token, team=team, by=team.owner, name="x")[0] is OverLimit
    actions.revoke_token(team=team, by=team.owner, token=first)
    token(team)


def test_a_token_is_revoked_by_its_person_or_an_admin_once(team, new_team, member, token):
    ann, bob = member(team), member(team)
    made, _ = token(team, ann)
    other, _ = token(new_team())

    assert refused(actions.revoke_token, team=team, by=bob, token=made)[0] is NotAllowed
    actions.revoke_token(team=team, by=ann, token=made)
    assert refused(actions.revoke_token, team=team, by=ann, token=made)[0] is Conflict
    assert refused(actions.revoke_token, team=team, by=None, token=other)[0] is NoSuch


# The demo.


def test_seeding_the_demo_twice_makes_it_once_and_lets_the_tree_look_each_time(settings):
    settings.DEMO_OWNER = "demo-owner@example.com"
    for earlier in Team.objects.filter(slug="demo"):
        actions.delete_team(team=earlier, by=None)
    seen = []

    def receive(team: Team, owner: Person, **_: object) -> None:
        seen.append((team.slug, owner.email))

    demo_seeding.connect(receive)
    try:
        first, second = actions.seed_demo(), actions.seed_demo()
    finally:
        demo_seeding.disconnect(receive)

    settings.DEMO_OWNER = "next-owner@example.com"
    third = actions.seed_demo()

    owner = Person.objects.get(email="demo-owner@example.com")
    assert set(third.memberships.values_list("person__email", "role")) == {
        ("demo-owner@example.com", Role.OWNER),
        ("next-owner@example.com", Role.OWNER),
    }
    assert (first, seen) == (second, [("demo", owner.email)] * 2)
    assert (owner.has_usable_password(), first.memberships.get(person=owner).role) == (False, Role.OWNER)
