"""`kill -9` of whatever wakes objects, under schedules and messages: nothing is lost, and nothing happens twice.

GROVE_CHAOS_TIME_KILLS sets how many kills; `-s` shows the figures.
"""

import os
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg.conninfo
from valkey import Valkey
from valkey.exceptions import ConnectionError as Away

from config.up.environment import ROOT
from config.up.grove import beat, dispatcher
from tests.chaos.conftest import Ground
from tests.chaos.load import CLIENT, NOT_NOW, Team

KILLS = int(os.environ.get("GROVE_CHAOS_TIME_KILLS", "10"))
VICTIMS = ("worker", "dispatcher", "all of Valkey's memory", "beat", "valkey", "worker", "postgres")
STEADY_S = 0.7
BELLS = 3
CATCH_UP_S = 120.0


def test_two_beats_and_two_dispatchers_fire_nothing_twice(ground: Ground):
    team, path, ear = ground.teams[6], "/twice/bell", "/twice/ear"
    for each in (path, ear):
        assert team.call(each, "state.list", create="bell").status_code == 200
    tick = {"name": "tick", "spec": "every 1s", "command": "ring", "missed": "all"}

    with twins(ground):
        assert CLIENT.post(team.address(path, "cron.add"), json=tick, headers=team.bearer).status_code == 200
        for number in range(1, 30):
            team.value(path, "ring_later", what=number, to=ear)
        ground.wait(lambda: len(team.value(path, "strokes")) >= 8, 60)
        ground.wait(lambda: team.value(path, "queue.depth")["waiting"] == 0, 60)
        team.value(path, "cron.pause", names=["tick"])

    runs = history(team, path)
    meant = [unix(run["meant"]) for run in runs]
    assert [round(moment - meant[0], 3) for moment in meant] == list(range(len(meant)))
    assert team.value(path, "strokes") == ["ding"] * len(runs)
    assert sorted(team.value(ear, "strokes")) == list(range(1, 30))


@contextmanager
def twins(ground: Ground) -> Iterator[None]:
    """Have a second beat and a second dispatcher at work, as where somebody starts Grove's programs twice."""
    environment = ground.state.environment
    port = psycopg.conninfo.conninfo_to_dict(environment["DATABASE_URL"])["port"]
    with ExitStack() as stack:
        for program in (dispatcher(environment), beat(environment)):
            told = os.environ | dict(program.environment)
            twin = stack.enter_context(subprocess.Popen(program.command, cwd=ROOT, env=told, start_new_session=True))
            stack.callback(twin.terminate)
            itself = psutil.Process(twin.pid)
            ground.wait(lambda itself=itself: any(  # type: ignore[misc]
                each.raddr and each.raddr.port == int(port) for each in itself.net_connections("tcp")
            ), 60)  # fmt: skip
        yield


def test_kills_of_all_that_wakes_lose_no_fire_and_no_message_and_repeat_none(ground: Ground, tmp_path: Path):
    team, over = ground.teams[5], threading.Event()
    bells = [f"/time/bell-{number}" for number in range(BELLS)]
    sender, target = "/time/sender", "/time/target"
    for path in (*bells, sender, target):
        assert team.call(path, "state.list", create="bell").status_code == 200
    for path in bells:
        tick = {"name": "tick", "spec": "every 1s", "command": "ring", "missed": "all"}
        assert CLIENT.post(team.address(path, "cron.add"), json=tick, headers=team.bearer).status_code == 200
    sent: list[int] = []
    sending = threading.Thread(target=send, args=(team, sender, target, sent, over))
    sending.start()
    started = time.monotonic()

    kills, victims = 0, cycle(VICTIMS)
    while kills < KILLS:
        time.sleep(STEADY_S)
        victim = next(victims)
        if victim.startswith("all"):
            kills += empty(ground)
        elif ground.pid(victim):  # who was killed often waits longer and longer before it is started again
            ground.kill(victim)
            kills += 1
    over.set()
    sending.join()
    took_s = time.monotonic() - started
    ground.wait_answers()
    ground.wait(lambda: all(is_caught_up(team, path) for path in bells), CATCH_UP_S)
    ground.wait(lambda: team.value(sender, "queue.depth")["waiting"] == 0, CATCH_UP_S)
    for path in bells:
        team.value(path, "cron.pause", names=["tick"])

    late_s = []
    for path in bells:
        runs = history(team, path)
        meant = [unix(run["meant"]) for run in runs]
        assert [run["outcome"] for run in runs] == ["ok"] * len(runs)
        assert [round(moment - meant[0], 3) for moment in meant] == list(range(len(meant)))  # each second, once
        assert team.value(path, "strokes") == ["ding"] * len(runs)
        late_s += [unix(run["began"]) - moment for run, moment in zip(runs, meant, strict=True)]
    rung = team.value(target, "strokes")
    late_s.sort()
    print(f"\n{KILLS} kills in {took_s:.0f} s: {len(late_s)} fires and {len(sent)} messages, each once")
    print(f"  a fire was late by {late_s[len(late_s) // 2]:.2f} s (median), {late_s[-1]:.1f} s at most")
    assert len(sent) > 0
    assert sorted(rung) == sent
    assert team.value(sender, "queue.depth")["dead"] == 0
    assert ground.damaged(team, tmp_path) == []
    assert ground.faults() == []


def send(team: Team, sender: str, target: str, sent: list[int], over: threading.Event) -> None:
    """Send messages, one after the other, each under a key until it is acknowledged."""
    number = 0
    while not over.wait(0.05):
        number += 1
        key = uuid.uuid4().hex
        while True:
            try:
                answer = CLIENT.post(
                    team.address(sender, "ring_later"),
                    json={"what": number, "to": target},
                    headers=team.bearer | {"Idempotency-Key": key},
                )
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                sent.append(number)
                break
            assert answer.status_code in NOT_NOW, answer.text
            time.sleep(0.05)


def empty(ground: Ground) -> bool:
    """Forget all that Valkey holds, ticks and hand-overs on their way among it; tells whether it was there to."""
    with Valkey.from_url(ground.state.environment["VALKEY_URL"]) as valkey, suppress(Away):
        return bool(valkey.flushall())
    return False


def is_caught_up(team: Team, path: str) -> bool:
    """Whether the next fire of a bell lies ahead."""
    answer = team.call(path, "cron.show", name="tick")
    return answer.status_code == 200 and unix(answer.json()["value"]["next"]) > time.time() - 1.5


def history(team: Team, path: str) -> list[dict[str, Any]]:
    """Give all runs, the first one first."""
    runs: list[dict[str, Any]] = []
    before = None
    while True:
        page = team.value(path, "cron.history", name="tick", limit=200, **({"before": before} if before else {}))
        runs += page["runs"]
        before = page["next"]
        if before is None:
            return list(reversed(runs))


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
