"""Rights follow an object that moves."""

import psycopg
import pytest
from django.db import connection as django_connection

from objects.tree import changes
from teams.access import Role
from teams.following import follow
from teams.models import Grant


@pytest.fixture
def connection(database):
    params = django_connection.get_connection_params()
    params = {name: value for name, value in params.items() if name not in ("cursor_factory", "context")}
    with psycopg.connect(**params, autocommit=True) as connection:
        yield connection


def grants_of(person) -> dict[str, int]:
    return dict(Grant.objects.filter(person=person).values_list("path", "role"))


def test_grants_and_tokens_move_with_the_subtree_and_leave_names_that_begin_alike(team, member, token, connection):
    ann = member(team, Role.EDITOR, {"/m": Role.NONE, "/m/x": Role.VIEWER, "/mm": Role.ADMIN})
    made, _ = token(team, ann, paths=["/m/x", "/mm", "/other"])

    follow(connection, team.schema_name, "/m", "/new/ä")

    made.refresh_from_db()
    assert grants_of(ann) == {"/new/ä": Role.NONE, "/new/ä/x": Role.VIEWER, "/mm": Role.ADMIN}
    assert made.paths == ["/new/ä/x", "/mm", "/other"]


def test_what_is_denied_stays_denied_when_the_tree_moves_it(team, member, caller, connection):
    connection.autocommit = False
    changes.create(connection, team.schema_name, "/secret", "object")
    changes.create(connection, team.schema_name, "/open", "object")
    ann = member(team, Role.EDITOR, {"/secret": Role.NONE})

    changes.move(connection, team.schema_name, "/secret", "/open/secret")
    connection.commit()

    assert [caller(team, ann).role_at(path) for path in ("/open", "/open/secret")] == [Role.EDITOR, Role.NONE]


def test_where_two_grants_meet_the_lower_role_stays(team, member, connection):
    ann = member(
        team, Role.EDITOR, {"/from": Role.NONE, "/from/x": Role.ADMIN, "/to": Role.ADMIN, "/to/x": Role.VIEWER}
    )

    follow(connection, team.schema_name, "/from", "/to")

    assert grants_of(ann) == {"/to": Role.NONE, "/to/x": Role.VIEWER}


def test_rights_in_other_teams_stay_where_they_are(team, new_team, member, token, connection):
    other = new_team()
    ann = member(other, Role.EDITOR, {"/m": Role.NONE})
    made, _ = token(other, ann, paths=["/m"])

    follow(connection, team.schema_name, "/m", "/new")

    made.refresh_from_db()
    assert (grants_of(ann), made.paths) == ({"/m": Role.NONE}, ["/m"])
