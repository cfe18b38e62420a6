"""`kill -9` of whoever runs tasks and steps, again and again: none is lost, and none takes effect twice.

GROVE_CHAOS_KILLS sets how many; `-s` shows the figures.
"""

import os
import random
import time
import uuid
from contextlib import suppress
from itertools import cycle, islice

import httpx
import psycopg

from tests.chaos.conftest import Ground
from tests.chaos.load import CLIENT, Team

KILLS = int(os.environ.get("GROVE_CHAOS_KILLS", "12"))
VICTIMS = ("tasks", "worker", "tasks", "dispatcher", "web", "tasks", "valkey", "postgres")
OBJECTS, VOYAGES = 4, 6
OVER_S = 180.0


def test_tasks_and_steps_survive_their_workers(ground: Ground):
    team, chance = ground.teams[5], random.Random(5)
    errands = [f"/work/errand-{number}" for number in range(OBJECTS)]
    voyages = [f"/work/voyage-{number}" for number in range(VOYAGES)]
    for path in errands:
        persistently(team, path, "state.set", create="errand", key="count", value=0)
    started = dict.fromkeys(errands, 0)
    turns = cycle(voyages)
    began = time.monotonic()

    for victim in islice(cycle(VICTIMS), KILLS):
        for path in errands:
            for _ in range(3):
                persistently(team, path, "remember", seconds=chance.choice([0, 0.5, 4]))
                started[path] += 1
        persistently(team, next(turns), "set_out", create="voyage", course="three")
        if victim == "tasks":  # with something in its hands
            ground.wait(lambda: count(ground, team, "state = 'running'") > 0, OVER_S)
        time.sleep(chance.uniform(0.2, 1.0))
        pid = ground.kill(victim)
        ground.wait_back(victim, pid)
    left = sum(started.values()) + 1
    while left:  # there are many: what must not be is that they get no fewer
        with suppress(AssertionError):
            ground.wait(lambda: count(ground, team, "ended_at IS NULL") == 0, OVER_S)
        was_left, left = left, count(ground, team, "ended_at IS NULL")
        assert 0 <= left < was_left
    ground.wait(lambda: all(is_over(team, path) for path in voyages[:KILLS]), OVER_S)
    took_s = time.monotonic() - began

    counted = {path: team.value(path, "state.get", key="count") for path in errands}
    states = [line["state"] for path in errands for line in team.value(path, "task.list", limit=1000)]
    repeated = count(ground, team, "tries > 1")
    print(f"\n{KILLS} kills in {took_s:.0f} s; {sum(started.values())} tasks, {repeated} begun more than once")
    assert repeated > 0
    assert counted == started
    assert set(states) == {"done"}
    for path in voyages[:KILLS]:
        lines = team.value(path, "steps.list")
        log = team.value(path, "state.get", key="log")
        assert sorted(log) == sorted(["rome", "oslo", "lima"] * len(lines))
    assert ground.faults() == []


def persistently(team: Team, path: str, command: str, *, create: str = "", **arguments: object) -> None:
    """Make a call until it is answered; a key sees to it that it takes place once."""
    headers = team.bearer | {"Idempotency-Key": uuid.uuid4().hex}
    address = team.address(path, command) + (f"?create={create}" if create else "")
    while True:
        try:
            answer = CLIENT.post(address, json=arguments, headers=headers)
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code in (200, 202):
            return
        assert answer.status_code in (503, 504), answer.text
        time.sleep(0.05)


def count(ground: Ground, team: Team, condition: str) -> int:
    """Count tasks; -1 while Postgres is not back yet."""
    try:
        return ground.count(team, f"SELECT count(*) FROM {{s}}.task WHERE {condition}")
    except psycopg.OperationalError:
        return -1


def is_over(team: Team, path: str) -> bool:
    return all(line["state"] in ("done", "failed") for line in team.value(path, "steps.list"))
