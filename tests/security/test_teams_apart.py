"""Nothing of a team is anything to another: rows, SQL, the engine, events, what is kept in memory."""

import asyncio
import json
from dataclasses import replace

import pytest
import websockets
from django.db import DatabaseError, connection

from objects.models import Object
from teams import callers
from teams.access import Caller, Role
from teams.problems import NoSuch
from teams.schemas import inside
from tests.contract.examples import every_command
from tests.contract.test_commands import asked
from tests.grove import Grove


@pytest.fixture
def other(new_team, caller, grove) -> Grove:
    """The same place in another team, with something in it."""
    made = Grove(grove.engine, caller(new_team()), grove.home)
    made.outcome(made.home, "state.set", {"key": "whose", "value": "theirs"}, create="object", check=True)
    grove.call(grove.home, "state.set", key="whose", value="ours")
    return made


def test_each_team_sees_its_own_object_at_the_same_path(grove, other):
    assert [each.call(each.home, "state.get", key="whose") for each in (grove, other)] == ["ours", "theirs"]


def test_without_a_team_there_is_no_table_to_ask():
    with inside("public"), pytest.raises(DatabaseError):
        Object.objects.count()


def test_the_orm_inside_of_a_team_finds_no_row_of_another(grove, other):
    with grove.tables():
        ours = set(Object.objects.filter(path=grove.home).values_list("created_at", flat=True))
    with other.tables():
        theirs = set(Object.objects.filter(path=grove.home).values_list("created_at", flat=True))

    assert len(ours) == len(theirs) == 1
    assert not ours & theirs


def test_raw_sql_of_one_team_names_its_schema_and_reaches_no_other(grove, other):
    with grove.tables(), connection.cursor() as cursor:
        cursor.execute("select current_schemas(false)")
        assert other.schema not in cursor.fetchone()[0]


@pytest.mark.parametrize(("kind", "spec"), list(every_command()), ids=lambda each: getattr(each, "name", each))
def test_a_caller_of_one_team_runs_no_command_in_another(grove, other, kind, spec):
    forged = [
        grove.caller,
        replace(grove.caller, grants=(("/", Role.OWNER),)),
        Caller.system(grove.schema),
        Caller.system(""),
        Caller.nobody(),
    ]
    for caller in forged:
        outcome = grove.engine.call(
            other.schema, other.home, spec.name, asked(kind, spec), caller, create=kind, confirmed=True, key="k"
        )
        assert type(outcome.problem) is NoSuch
        assert outcome.problem.detail == f"{other.home}: no such object."


@pytest.mark.parametrize(
    "schema", ["", "public", "pg_catalog", "information_schema", 'x"; drop schema public; --', "grove\0"]
)
def test_a_schema_that_is_no_teams_answers_nothing(grove, schema):
    outcome = grove.engine.call(schema, "/", "tree.list", {}, replace(grove.caller, schema=schema))

    assert outcome.problem is not None
    assert outcome.value is None


async def test_a_subscriber_of_another_team_hears_nothing_of_the_same_path(web, new_team, token):
    from tests.surfaces.conftest import Site

    ours, theirs = [await asyncio.to_thread(new_team) for _ in range(2)]
    sites = []
    for team in (ours, theirs):
        _, secret = await asyncio.to_thread(token, team)
        sites.append(Site(web, team.slug, secret))
        await asyncio.to_thread(sites[-1].new, "/same")
    async with sites[0].socket("/same") as mine, sites[1].socket("/same") as foreign:
        for line in (mine, foreign):
            await line.send('{"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {}}')
            await line.recv()

        await asyncio.to_thread(sites[0].post, "/same:state.set", json={"key": "n", "value": 42})
        heard = json.loads(await asyncio.wait_for(mine.recv(), 30))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(foreign.recv(), 0.5)

    assert heard["method"] == "event"
    assert isinstance(foreign, websockets.ClientConnection)


def test_what_is_kept_of_a_caller_is_of_one_team(new_team, token):
    ours, theirs = new_team(), new_team()
    _, secret = token(ours)
    assert callers.for_token(ours.slug, secret).schema == ours.schema_name

    with pytest.raises(NoSuch):
        callers.for_token(theirs.slug, secret)
    with pytest.raises(NoSuch):
        callers.for_person(ours.owner.pk, theirs.slug)
    assert callers.known(theirs.slug, secret=secret) is None
    assert callers.known(theirs.slug, person_id=ours.owner.pk) is None
