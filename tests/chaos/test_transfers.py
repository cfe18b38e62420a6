"""Two processes, 50 objects, transfers between random pairs: the sum never changes, and nothing hangs.

GROVE_CHAOS_SECONDS sets how long (20 for the figures in docs/reliability.md); `-s` shows the figures.
"""

import os
import random
import threading
import time
from collections import Counter

import httpx

from tests.chaos.conftest import Ground
from tests.chaos.load import Crowd, Team

SECONDS = float(os.environ.get("GROVE_CHAOS_SECONDS", "5"))
PURSES, EACH, CLIENTS = 50, 100, 16


def test_transfers_between_random_pairs_in_two_processes_never_change_the_sum(ground: Ground, tmp_path):
    team = ground.teams[1]
    paths = [f"/bank/purse-{number}" for number in range(PURSES)]
    for path in paths:
        team.value(path, "put_in", create="purse", amount=EACH)
    statuses: Counter[int] = Counter()
    refusals: list[str] = []
    sums: list[int] = []
    longest = [0.0]
    over = threading.Event()
    clients = [transfer(team, paths, seed, over, statuses, refusals, longest) for seed in range(CLIENTS)]
    deadlocks = deadlocks_so_far(ground)

    with Crowd(*clients, over=over):
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at:
            sums.append(team.value(paths[0], "total", others=paths[1:]))

    print(f"\n{sum(statuses.values())} transfers in {SECONDS:g} s, {statuses[409]} refused for want of money; "
          f"{len(sums)} sums read meanwhile; {deadlocks_so_far(ground) - deadlocks} deadlocks; "
          f"the longest transfer took {longest[0]:.2f} s")  # fmt: skip
    assert set(statuses) <= {200, 409}
    assert {refusal.split(" ", 1)[1] for refusal in refusals} <= {"is more than there is."}
    assert set(sums) == {PURSES * EACH}
    assert sum(team.value(path, "balance") for path in paths) == PURSES * EACH
    assert ground.damaged(team, tmp_path) == []
    assert ground.faults() == []


async def transfer(
    team: Team,
    paths: list[str],
    seed: int,
    over: threading.Event,
    statuses: Counter[int],
    refusals: list[str],
    longest: list[float],
) -> None:
    """Pay between random pairs, each call over a connection of its own, so that both processes get some of them."""
    chance = random.Random(seed)
    fresh = httpx.Limits(max_keepalive_connections=0)
    client = httpx.AsyncClient(headers=team.bearer, timeout=30, limits=fresh)
    while not over.is_set():
        source, target = chance.sample(paths, 2)
        amount = chance.randint(1, 40)
        started = time.monotonic()
        answer = await client.post(team.address(source, "pay"), json={"to": target, "amount": amount})
        longest[0] = max(longest[0], time.monotonic() - started)
        statuses[answer.status_code] += 1
        if answer.status_code != 200:
            refusals.append(answer.json()["detail"])
    await client.aclose()


def deadlocks_so_far(ground: Ground) -> int:
    return ground.count(ground.teams[1], "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
