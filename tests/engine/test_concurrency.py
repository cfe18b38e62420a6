"""Many at once: nothing is lost, nothing counted twice, nothing hangs, whoever meets whom."""

import random
import threading
import time
from contextlib import contextmanager

import psycopg
import pytest

from teams.problems import Overloaded


def test_increments_from_many_threads_and_two_engines_all_count(grove, purse, fresh_engine):
    path = purse()
    sides = [grove, grove.through(fresh_engine)]

    def put_in(side) -> None:
        for _ in range(50):
            side.call(path, "put_in", amount=1)

    in_threads([lambda side=sides[n % 2]: put_in(side) for n in range(8)])

    assert grove.call(path, "balance") == 400


def test_transfers_in_all_directions_between_two_engines_keep_the_sum_and_never_hang(grove, purse, fresh_engine):
    paths = [purse(100) for _ in range(6)]
    sides = [grove, grove.through(fresh_engine)]

    def transfer(side, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(25):
            source, target = chance.sample(paths, 2)
            side.outcome(source, "pay", {"to": target, "amount": chance.randint(1, 5)})

    in_threads([lambda n=n: transfer(sides[n % 2], n) for n in range(8)])

    assert sum(grove.call(path, "balance") for path in paths) == 600


def test_nobody_waits_behind_a_strangers_long_call(grove, purse):
    sleeper, other = purse(), purse()
    dreaming = threading.Thread(target=lambda: grove.call(sleeper, "dream", seconds=1.5))
    dreaming.start()
    while sleeper not in grove.engine.mailbox._teams[grove.schema].busy:
        time.sleep(0.001)

    grove.call(other, "put_in", amount=1)
    was_dreaming = dreaming.is_alive()
    dreaming.join()

    assert was_dreaming


def test_a_large_call_may_take_longer_than_a_call_however_it_began(grove, purse, engine_with):
    rich, poor = purse(10), purse()
    hasty = grove.through(engine_with(CALL_SECONDS=1.0))

    from_postgres = hasty.call(rich, "pay_after_long_thought", to=poor, amount=1, seconds=1.6)
    from_memory = hasty.call(rich, "pay_after_long_thought", to=poor, amount=1, seconds=1.6)

    assert (from_postgres, from_memory, hasty.call(poor, "balance")) == (9, 8, 2)


def test_a_call_whose_turn_does_not_come_in_time_is_told_so_and_changes_nothing(grove, purse, engine_with):
    path = purse()
    hasty = grove.through(engine_with(CALL_SECONDS=0.2))

    with kept_busy(hasty, path):
        waiting = hasty.submit(path, "put_in", amount=1)
        time.sleep(0.25)

    assert waiting.result(30).problem.members() == {
        "type": "out-of-time",
        "title": "Out of time",
        "status": 504,
        "detail": "put_in: waited 0.2 s for its turn. Nothing was changed. Try again later.",
        "retry_after": 1,
    }
    assert grove.call(path, "balance") == 0


def test_a_full_mailbox_is_told_at_once(grove, purse, engine_with):
    path = purse()
    small = grove.through(engine_with(MAILBOX_CALLS=2, ENGINE_THREADS=1))

    with kept_busy(small, path):
        waiting = [small.submit(path, "put_in", amount=1) for _ in range(2)]
        with pytest.raises(Overloaded) as refusal:
            small.call(path, "put_in", amount=1)

    assert refusal.value.detail == "2 calls wait here already. Try again later."
    assert [each.result().value for each in waiting] == [1, 2]


def test_calls_go_on_after_the_database_cut_every_connection(grove, purse):
    path = purse()
    stop = threading.Event()
    counted = []

    def count() -> None:
        while not stop.is_set():
            counted.append(grove.outcome(path, "put_in", {"amount": 1}, check=True).value)

    counting = threading.Thread(target=count)
    counting.start()
    for _ in range(5):
        time.sleep(0.15)
        with psycopg.connect(grove.engine.conninfo, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'grove engine' AND datname = current_database() AND pid <> pg_backend_pid()"
            )
    stop.set()
    counting.join()

    assert counted == list(range(1, len(counted) + 1))
    assert grove.call(path, "balance") == len(counted)


@contextmanager
def kept_busy(grove, path):
    """Serve an object, as a thread does whose call takes long."""
    assert grove.engine.mailbox.claim(grove.schema, path)
    yield
    grove.engine.mailbox.release(grove.schema, [path])


def in_threads(tasks) -> None:
    """Run all at once; a failure of any is a failure."""
    failures: list[Exception] = []

    def guarded(task) -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test fails with it
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert not any(thread.is_alive() for thread in threads)
