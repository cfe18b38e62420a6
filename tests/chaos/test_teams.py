"""Calls for 20 teams at once, from threads, async code and a worker's tasks: no row of one team is another's."""

import asyncio
import json
import threading

import httpx
from psycopg.sql import SQL, Identifier

from tests.chaos.conftest import Ground
from tests.chaos.load import Team

ROUNDS = 25  # of 4 calls for each of 20 teams: 2,000
TABLES = ("object", "journal", "answer", "page", "page_history")


def test_2000_interleaved_calls_for_20_teams_leave_each_row_with_its_team(ground: Ground):
    teams = ground.teams
    for team in teams:
        for maker in ("threads", "tasks", "async", "socket"):
            team.value(f"/mine/{maker}", "state.set", create="object", key="owner", value=team.slug)

    from_threads = [threading.Thread(target=calls_from_a_thread, args=(teams, part)) for part in range(4)]
    for thread in from_threads:
        thread.start()
    for number in range(ROUNDS):
        for team in teams:
            ground.celery.send_task("tests.chaos.tasks.call", write(team, "tasks", number))
    asyncio.run(calls_from_async_code(teams))
    for thread in from_threads:
        thread.join()
    ground.wait(lambda: all(len(entries(team, "tasks")) == ROUNDS for team in teams), 60)

    for team in teams:
        wanted = [f"{team.slug} {number}" for number in range(ROUNDS)]
        for maker in ("threads", "tasks", "async", "socket"):
            assert sorted(entries(team, maker)) == sorted(wanted)
        assert strangers(ground, team) == []


def write(team: Team, maker: str, number: int) -> list:
    text = f"{team.slug} {number}"
    return [team.schema, f"/mine/{maker}", "state.set", {"key": f"entry.{number}", "value": text}, f"{maker} {text}"]


def calls_from_a_thread(teams: list[Team], part: int) -> None:
    """Call from one of four threads, all teams in turn."""
    for number in range(part, ROUNDS, 4):
        for team in teams:
            _, path, command, arguments, _ = write(team, "threads", number)
            team.value(path, command, **arguments)


async def calls_from_async_code(teams: list[Team]) -> None:
    """Call by HTTP and by socket, all teams at once."""

    async def by_http(team: Team, client: httpx.AsyncClient) -> None:
        for number in range(ROUNDS):
            _, path, command, arguments, _ = write(team, "async", number)
            answer = await client.post(team.address(path, command), json=arguments, headers=team.bearer)
            assert answer.status_code == 200, answer.text

    async def by_socket(team: Team) -> None:
        async with team.socket("/mine/socket") as socket:
            for number in range(ROUNDS):
                _, _, command, arguments, key = write(team, "socket", number)
                request = {"jsonrpc": "2.0", "id": number, "method": command, "params": arguments, "key": key}
                await socket.send(json.dumps(request))
            answers = [json.loads(await socket.recv()) for _ in range(ROUNDS)]
        assert {answer["id"] for answer in answers if "result" in answer} == set(range(ROUNDS))

    async with httpx.AsyncClient(timeout=30) as client:
        await asyncio.gather(*[by_http(team, client) for team in teams], *[by_socket(team) for team in teams])


def entries(team: Team, maker: str) -> list[str]:
    """Give the texts that the makers left in a team's object."""
    found = team.value(f"/mine/{maker}", "state.list", prefix="entry.")
    return [entry["value"] for entry in found["entries"]]


def strangers(ground: Ground, team: Team) -> list[str]:
    """Look at every row of every table in a team's schema for the name of another team; give those that have one."""
    found = []
    others = [other.slug for other in ground.teams if other is not team]
    with ground.connect() as connection:
        for table in TABLES:
            rows = connection.execute(
                SQL("SELECT to_jsonb(t) - 'data' FROM {} AS t").format(Identifier(team.schema, table))
            ).fetchall()
            for (row,) in rows:
                text = str(row)
                found += [f"{table}: {text}" for other in others if f"{other} " in text or f"{other}@" in text]
        ids = SQL("SELECT count(*) FROM {} WHERE object_id NOT IN (SELECT id FROM {})")
        for table in TABLES[1:]:
            (lost,) = connection.execute(
                ids.format(Identifier(team.schema, table), Identifier(team.schema, "object"))
            ).fetchone() or (0,)
            found += [f"{table}: {lost} rows of objects that are not there"] * bool(lost)
    return found
