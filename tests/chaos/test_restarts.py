"""Servers that are restarted, killed or emptied, and batches of which a part fails, as clients meet them."""

import asyncio
import json
import signal
import threading
import time

import httpx
import pytest
from valkey import Valkey

from tests.chaos.conftest import Ground
from tests.chaos.load import Crowd, Ledger, http_client, socket_client


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_restart_of_postgres_under_load_loses_and_repeats_nothing(ground: Ground, how, tmp_path):
    team, path, over = ground.teams[2], f"/restarts/{how.name}", threading.Event()
    team.value(path, "state.set", create="object", key="n", value=0)
    ledger = Ledger()
    clients = [client(team, path, ledger, over.is_set) for client in (http_client, http_client, socket_client)]

    with Crowd(*clients, over=over):
        time.sleep(0.5)
        pid, stopped_at = ground.kill("postgres", how), time.monotonic()
        ground.wait_back("postgres", pid)
        ground.wait(lambda: ledger.answered_since(stopped_at + 0.5))
        took_s = time.monotonic() - stopped_at
    print(f"\nPostgres stopped ({how.name}): calls were answered again after {took_s:.1f} s; {dict(ledger.retries)}")

    assert ledger.refusals == []
    assert sorted(ledger.answers[path].values()) == list(range(1, ledger.acknowledged + 1))
    assert team.value(path, "state.get", key="n") == ledger.acknowledged
    assert ground.damaged(team, tmp_path) == []
    assert ground.faults() == []


async def test_valkey_killed_and_emptied_holds_up_no_call_and_is_made_good_by_resync(ground: Ground):
    team, path = ground.teams[3], "/restarts/heard"
    team.value(path, "state.set", create="object", key="n", value=0)
    slowest_s = 0.0

    async with team.socket(path) as socket, httpx.AsyncClient(headers=team.bearer, timeout=20) as client:
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {}}))
        await socket.recv()
        Valkey.from_url(ground.state.environment["VALKEY_URL"]).flushall()
        pid, killed_at = ground.kill("valkey"), time.monotonic()
        for number in range(1, 31):
            started = time.monotonic()
            answer = await client.post(team.address(path, "state.incr"), json={"key": "n"})
            slowest_s = max(slowest_s, time.monotonic() - started)
            assert answer.json()["value"] == number
        ground.wait_back("valkey", pid)
        while True:
            news = json.loads(await asyncio.wait_for(socket.recv(), 20))
            if news["params"]["topic"] == "resync":
                break
        resync_s = time.monotonic() - killed_at
    key = f"after {pid}"
    await asyncio.to_thread(
        ground.celery.send_task, "tests.chaos.tasks.call", [team.schema, path, "state.incr", {"key": "n"}, key]
    )
    await asyncio.to_thread(ground.wait, lambda: team.value(path, "state.get", key="n") == 31)
    worker_s = time.monotonic() - killed_at
    print(
        f"\nValkey killed and emptied: the slowest of 30 calls took {slowest_s * 1000:.0f} ms, sockets were told to "
        f"look again after {resync_s:.1f} s, the worker took tasks again after {worker_s:.1f} s"
    )

    assert slowest_s < 2
    assert ground.faults() == []


async def test_a_socket_batch_in_which_a_third_fails_leaves_exactly_the_others(ground: Ground):
    team, path = ground.teams[4], "/batch/socket"
    team.value(path, "balance", create="purse")
    requests = [
        {"jsonrpc": "2.0", "id": n, "method": "take_out" if n % 3 == 0 else "put_in", "params": {"amount": amount(n)}}
        for n in range(60)
    ]

    async with team.socket(path) as socket:
        await socket.send(json.dumps(requests))
        answers = {each["id"]: each for each in json.loads(await socket.recv())}

    assert [answers[n]["error"]["code"] if n % 3 == 0 else None for n in range(60)] == [
        409 if n % 3 == 0 else None for n in range(60)
    ]
    assert [answers[n]["result"]["value"] for n in range(60) if n % 3] == list(range(1, 41))
    assert team.value(path, "balance") == 40


async def test_http_calls_at_once_of_which_a_third_fails_leave_exactly_the_others(ground: Ground):
    team, path = ground.teams[4], "/batch/http"
    team.value(path, "balance", create="purse")

    async with httpx.AsyncClient(headers=team.bearer, timeout=20) as client:
        answers = await asyncio.gather(*[
            client.post(team.address(path, "put_in" if n % 3 else "take_out"), json={"amount": amount(n)})
            for n in range(60)
        ])  # fmt: skip

    assert [answer.status_code for answer in answers] == [200 if n % 3 else 409 for n in range(60)]
    assert sorted(answer.json()["value"] for answer in answers if answer.status_code == 200) == list(range(1, 41))
    assert team.value(path, "balance") == 40


def amount(number: int) -> int:
    """1 where money comes in, more than there can ever be where it goes out."""
    return 1 if number % 3 else 1_000
