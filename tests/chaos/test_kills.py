"""`kill -9` of whatever runs, again and again under load: what was acknowledged is there, and nothing happened twice.

GROVE_CHAOS_KILLS sets how many; `-s` shows the figures.
"""

import os
import threading
import time
from itertools import cycle, islice
from pathlib import Path

from tests.chaos.conftest import Ground
from tests.chaos.load import Crowd, Ledger, http_client, socket_client

KILLS = int(os.environ.get("GROVE_CHAOS_KILLS", "20"))
VICTIMS = ("web", "postgres", "web-2", "worker")
WEB = ("web", "web-2")
HTTP_CLIENTS, SOCKET_CLIENTS = 6, 3
STEADY_S = 0.4  # of load between a recovery and the next kill

LINES = """
SELECT count(*) FROM {s}.journal WHERE command = 'state.incr' AND outcome = 'ok'
AND object_id IN (SELECT id FROM {s}.object WHERE path LIKE '/kills/%%')
"""


def test_twenty_kills_under_load_lose_no_acknowledged_call_and_repeat_none(ground: Ground, tmp_path: Path):
    team = ground.teams[0]
    counters = [f"/kills/counter-{number}" for number in range(3)]
    for path in (*counters, "/kills/by-worker"):
        team.value(path, "state.set", create="object", key="n", value=0)
    ledger, over = Ledger(), threading.Event()
    keys: list[str] = []
    by_worker = [team.schema, "/kills/by-worker", "state.incr", {"key": "n"}]
    clients = [http_client(team, counters[n % 3], ledger, over.is_set) for n in range(HTTP_CLIENTS)]
    clients += [socket_client(team, counters[n % 3], ledger, over.is_set) for n in range(SOCKET_CLIENTS)]
    started = time.monotonic()

    with Crowd(*clients, over=over):
        sending = ground.sends(keys, by_worker, over)
        recoveries = [(victim, kill(ground, victim, ledger)) for victim in islice(cycle(VICTIMS), KILLS)]
    sending.join()
    took_s = time.monotonic() - started
    for _ in range(20):
        time.sleep(2)
        if not ground.send_again(team, keys, by_worker):
            break
    report(took_s, ledger, len(keys), recoveries)

    assert ledger.refusals == []
    assert [team.value(path, "state.get", key="n") for path in counters] == [
        len(ledger.answers[path]) for path in counters
    ]
    for path in counters:  # each sum was told to one call: none took effect twice
        assert sorted(ledger.answers[path].values()) == list(range(1, len(ledger.answers[path]) + 1))
    assert team.value("/kills/by-worker", "state.get", key="n") == len(keys)
    assert ground.count(team, LINES) == ledger.acknowledged + len(keys)
    assert ground.damaged(team, tmp_path) == []
    assert ground.faults() == []


def kill(ground: Ground, victim: str, ledger: Ledger) -> float:
    """Kill a program and give the seconds until a call that was sent after that has its answer."""
    time.sleep(STEADY_S)
    if victim in WEB:
        ground.wait_serves(WEB[1 - WEB.index(victim)])
    pid, killed_at = ground.kill(victim), time.monotonic()
    ground.wait(lambda: ledger.answered_since(killed_at) or ledger.refusals)
    answered_s = time.monotonic() - killed_at
    if victim != "worker":  # its restarts are delayed longer and longer; the broker keeps its tasks meanwhile
        ground.wait_back(victim, pid)
    return answered_s


def report(took_s: float, ledger: Ledger, tasks: int, recoveries: list[tuple[str, float]]) -> None:
    """Print the figures of docs/reliability.md."""
    calls = ledger.acknowledged
    print(f"\n{len(recoveries)} kills in {took_s:.0f} s; {calls} calls acknowledged ({calls / took_s:.0f}/s)")
    print(f"{tasks} calls by the worker; sent again by clients: {dict(ledger.retries)}")
    for name in VICTIMS:
        waits = sorted(wait for victim, wait in recoveries if victim == name)
        if waits:
            median_s = waits[len(waits) // 2]
            print(f"  {name} killed: the next call was answered after {median_s:.2f} s, at most {waits[-1]:.2f} s")
    took = sorted(answered - began for began, answered in ledger.spans)
    print(f"  a client waited {took[len(took) // 2] * 1000:.0f} ms (median), at most {took[-1]:.1f} s")
