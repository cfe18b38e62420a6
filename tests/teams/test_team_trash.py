"""A deleted team is there for nobody, can come back whole, and is gone when its time is over."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from teams import actions, callers
from teams.access import Role
from teams.models import AuditLine, Team
from teams.problems import NoSuch, NotAllowed, NotSignedIn, Problem
from teams.tasks import forget_deleted_teams

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def refused(action, *values, **arguments) -> type[Problem]:
    with pytest.raises(Problem) as problem:
        action(*values, **arguments)
    return type(problem.value)


def test_a_deleted_team_is_there_for_nobody(new_team, token):
    team = new_team()
    _, secret = token(team)
    browser = Client()
    browser.force_login(team.owner, backend=BACKEND)
    before = callers.for_token(team.slug, secret).schema

    actions.trash_team(team=team, by=team.owner)

    assert before == team.schema_name
    assert refused(callers.for_person, team.owner.pk, team.slug) is NoSuch
    assert refused(callers.for_token, team.slug, secret) is NotSignedIn
    assert browser.get(f"/t/{team.slug}/").status_code == 404
    assert refused(actions.rename_team, team=team, by=team.owner, name="Other") is NoSuch


def test_its_owner_brings_it_back_with_all_that_was_in_it(new_team, token, member):
    team = new_team(name="Phoenix")
    _, secret = token(team)
    admin = member(team, Role.ADMIN)
    actions.trash_team(team=team, by=team.owner)
    owner, other = Client(), Client()
    owner.force_login(team.owner, backend=BACKEND)
    other.force_login(admin, backend=BACKEND)

    listed = owner.get("/teams/").content.decode()
    not_his = other.post(f"/teams/{team.pk}/restore/")
    restored = owner.post(f"/teams/{team.pk}/restore/")

    assert ("Phoenix" in listed, "Bring back" in listed) == (True, True)
    assert (not_his.status_code, restored.status_code, restored.headers["Location"]) == (404, 303, f"/t/{team.slug}/")
    assert callers.for_token(team.slug, secret).schema == team.schema_name
    assert [line.what for line in AuditLine.objects.filter(team=team).order_by("id")][-2:] == [
        "trash_team",
        "restore_team",
    ]


def test_only_owners_delete_and_restore(new_team, member):
    team = new_team()
    admin = member(team, Role.ADMIN)

    assert refused(actions.trash_team, team=team, by=admin) is NotAllowed
    actions.trash_team(team=team, by=team.owner)
    assert refused(actions.restore_team, team=team, by=admin) is NotAllowed
    actions.restore_team(team=team, by=team.owner)
    assert refused(actions.restore_team, team=team, by=team.owner) is NoSuch


def test_when_its_time_is_over_it_is_gone_and_others_are_not(new_team, settings):
    old, young, alive = new_team(), new_team(), new_team()
    for team in (old, young):
        actions.trash_team(team=team, by=team.owner)
    Team.objects.filter(pk=old.pk).update(
        deleted_at=timezone.now() - timedelta(seconds=settings.GROVE.TEAM_TRASH_KEEP_S + 1)
    )

    forget_deleted_teams()

    assert set(Team.objects.filter(pk__in=[old.pk, young.pk, alive.pk])) == {young, alive}
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_namespace where nspname = %s", [old.schema_name])
        assert cursor.fetchone() == (0,)


def test_the_page_asks_for_the_address_and_offers_an_export_first(new_team):
    team, browser = new_team(), Client()
    browser.force_login(team.owner, backend=BACKEND)
    address = f"/t/{team.slug}/team/settings/delete/"

    shown = browser.get(address).content.decode()
    wrong = browser.post(address, {"typed": "something else"})
    still_there = Team.objects.get(pk=team.pk).deleted_at is None
    export = browser.get(f"/t/{team.slug}/o/:export?subtree=yes")
    right = browser.post(address, {"typed": team.slug})

    assert f'href="/t/{team.slug}/o/:export?subtree=yes"' in shown
    assert (wrong.status_code, still_there, "Nothing was deleted" in wrong.content.decode()) == (422, True, True)
    assert (export.status_code, "checked" in export.content.decode()) == (200, True)
    assert (right.status_code, right.headers["Location"]) == (303, "/teams/")
    assert Team.objects.get(pk=team.pk).deleted_at is not None
