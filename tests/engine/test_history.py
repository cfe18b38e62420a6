"""Any moment can be rebuilt, also from commits that knew that they had nothing to put into the history."""

import random
import time

import psycopg
import pytest

from objects.storage import pages
from objects.storage.image import Image


@pytest.fixture
def clock(monkeypatch):
    """Time as the engine tells it, in steps of time buckets."""

    class Clock:
        now = 1_000_000_000.0

        def next_bucket(self, grove) -> int:
            self.now += grove.engine.limits.HISTORY_BUCKET_S
            return self.bucket(grove)

        def bucket(self, grove) -> int:
            return int(self.now // grove.engine.limits.HISTORY_BUCKET_S)

    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now)
    return clock


def balance_at(grove, path: str, bucket: int) -> int:
    """Tell what a purse held when the bucket ended."""
    with psycopg.connect(grove.engine.conninfo) as connection:
        count, past = pages.at(connection, grove.schema, grove.id(path), bucket)
        image = Image(grove.id(path), 0, count)
        image.begin(past)
        try:
            ((value,),) = image.database.run("SELECT value FROM _state WHERE key = 'balance'")
        finally:
            image.close()
    return int(value)


def in_one_batch(grove, paths: list[str]) -> int:
    """Put money into several purses, which no thread may have before all calls wait; give what the first then holds."""
    mailbox = grove.engine.mailbox
    for path in paths:
        while not mailbox.claim(grove.schema, path):
            time.sleep(0.001)
    futures = [grove.submit(path, "put_in", amount=1) for path in paths]
    mailbox.release(grove.schema, paths)
    first, *others = [future.result(30) for future in futures]
    assert [outcome.problem for outcome in others] == [None] * len(others)
    return first.value


@pytest.mark.parametrize("others", [0, 3], ids=["alone", "with others in the batch"])
def test_every_bucket_ends_as_it_did_however_often_a_page_was_written_in_it(grove, purse, clock, others):
    path, neighbours = purse(), [purse() for _ in range(others)]
    chance = random.Random(1)
    ended = {}

    for _ in range(8):
        bucket = clock.next_bucket(grove) if chance.random() < 0.8 else clock.bucket(grove)
        for _ in range(chance.randint(1, 4)):
            ended[bucket] = in_one_batch(grove, [path, *neighbours])

    assert {bucket: balance_at(grove, path, bucket) for bucket in ended} == ended


def test_what_another_process_wrote_meanwhile_is_in_the_history_too(grove, purse, clock, fresh_engine):
    path = purse(1)
    first = clock.next_bucket(grove)
    grove.call(path, "put_in", amount=1)

    second = clock.next_bucket(grove)
    grove.through(fresh_engine).call(path, "put_in", amount=1)
    grove.call(path, "put_in", amount=1)

    assert [balance_at(grove, path, bucket) for bucket in (first, second)] == [2, 4]
