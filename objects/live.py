"""The bus: what happened in an object reaches everybody who listens to it, in this process and in the others.

`publish` is called from any thread after a commit and never waits. Listeners of this process hear of a batch with one
wake-up of their event loop, and each event is encoded once for all of them. Other processes hear through Valkey: one
channel an object, and a process listens only to those that somebody in it listens to. An event that Valkey lost is
made good by a `resync`: the listener cannot know what it missed and has to look at the object anew.
"""

import asyncio
import logging
import os
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import valkey
import valkey.asyncio
from django.conf import settings

if TYPE_CHECKING:
    from objects.engine.calls import Event

log = logging.getLogger("grove.live")

RESYNC = "resync"  # topic of "you may have missed something: look again"
CHANGED = "changed"  # topic of every commit
POST_EVENTS = 20_000  # events that wait for Valkey; beyond, everybody elsewhere is told to resync instead
POST_AT_ONCE = 512  # events handed to Valkey in one go
POST_PAUSE_S = 0.005  # from one handing over to the next: what comes meanwhile goes together
RETRY_S = (0.2, 5.0)  # first and longest pause before Valkey is tried again
TIMEOUT_S = 5.0
QUIET_S = 5.0  # of silence, after which Valkey is asked whether it is there

Address = tuple[str, str]  # schema, path
Hear = Callable[[Sequence["News"]], None]


class News:
    """An event as listeners get it, encoded at most once however many they are."""

    __slots__ = ("_frame", "_params", "at", "data", "path", "schema", "topic", "version")

    def __init__(self, schema: str, path: str, topic: str, data: Any, version: int, at: float) -> None:
        self.schema = schema
        self.path = path
        self.topic = topic
        self.data = data
        self.version = version
        self.at = at
        self._params: bytes | None = None
        self._frame: bytes | None = None

    @property
    def params(self) -> bytes:
        """The event as a JSON object: path, topic, data, version, at (Unix seconds)."""
        if self._params is None:
            self._params = orjson.dumps({
                "path": self.path, "topic": self.topic, "data": self.data, "version": self.version, "at": self.at,
            })  # fmt: skip
        return self._params

    def frame(self, encode: Callable[[bytes], bytes]) -> bytes:
        """The event as a frame of a socket: what `encode` makes of `params`, made once."""
        if self._frame is None:
            self._frame = encode(self.params)
        return self._frame


class Subscription:
    """Somebody listens to an object until `cancel()`."""

    __slots__ = ("_ears", "address", "hear")

    def __init__(self, ears: "Ears", address: Address, hear: Hear) -> None:
        self._ears = ears
        self.address = address
        self.hear = hear

    def cancel(self) -> None:
        """Listen no more. May be called twice."""
        self._ears.drop(self)


class Ears:
    """All that one event loop listens to."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.listeners: dict[Address, dict[Subscription, None]] = {}  # a dict for its order: first come, first told
        self._heard: deque[News] = deque()
        self._woken = False
        self._lock = threading.Lock()
        self._remote = _Remote(self)

    def subscribe(self, schema: str, path: str, hear: Hear) -> Subscription:
        """Have `hear` called on this loop with news of an object, in order, one call a batch. It must not wait."""
        subscription = Subscription(self, (schema, path), hear)
        listeners = self.listeners.get(subscription.address)
        if listeners is None:
            listeners = self.listeners[subscription.address] = {}
            self._remote.wants(subscription.address)
        listeners[subscription] = None
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Tell this one nothing more."""
        listeners = self.listeners.get(subscription.address)
        if listeners is not None and listeners.pop(subscription, subscription) is None and not listeners:
            del self.listeners[subscription.address]
            self._remote.wants(subscription.address)

    def put(self, news: Iterable[News]) -> None:
        """Let the loop tell its listeners; from any thread."""
        with self._lock:
            self._heard.extend(news)
            if self._woken or not self._heard:
                return
            self._woken = True
        with suppress(RuntimeError):  # the loop is closed: nobody listens
            self.loop.call_soon_threadsafe(self._tell)

    def resync(self, addresses: Iterable[Address] | None = None) -> None:
        """Tell the listeners of these objects, or of all, that they may have missed something."""
        self.put([
            News(schema, path, RESYNC, None, 0, 0.0) for schema, path in (addresses or list(self.listeners))
        ])  # fmt: skip

    def _tell(self) -> None:
        with self._lock:
            heard, self._heard = self._heard, deque()
            self._woken = False
        batches: dict[Address, list[News]] = {}
        for news in heard:
            batches.setdefault((news.schema, news.path), []).append(news)
        for address, batch in batches.items():
            for subscription in list(self.listeners.get(address, ())):
                try:
                    subscription.hear(batch)
                except Exception:
                    log.exception("a listener failed and hears no more")
                    self.drop(subscription)


class TooSlow(Exception):  # noqa: N818 -- what happened
    """More events waited for a listener than its queue holds."""


class Listener:
    """News of one object as an async iterator, for those who can wait: `async for news in listener`.

    Holds at most SUBSCRIBER_QUEUE events and raises TooSlow once there were more. Close it with `close()`.
    """

    def __init__(self, schema: str, path: str) -> None:
        self._queue: deque[News] = deque()
        self._more = asyncio.Event()
        self._limit = settings.GROVE.SUBSCRIBER_QUEUE
        self._too_slow = False
        self._subscription = ears().subscribe(schema, path, self._hear)

    def _hear(self, batch: Sequence[News]) -> None:
        self._queue.extend(islice(batch, self._limit + 1))
        if len(self._queue) > self._limit:
            self._too_slow = True
            self.close()
        self._more.set()

    async def next(self, timeout_s: float | None = None) -> list[News]:
        """Wait for news and give all there are; none when the time is up. Raises TooSlow."""
        if not self._queue:
            self._more.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), timeout_s)
        if self._too_slow:
            raise TooSlow
        news = list(self._queue)
        self._queue.clear()
        return news

    async def __aiter__(self) -> AsyncIterator[News]:
        while True:
            for news in await self.next():
                yield news

    def close(self) -> None:
        """Listen no more."""
        self._subscription.cancel()


class _Remote:
    """One connection to Valkey on which a loop hears what other processes published."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._touched: set[Address] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wants(self, address: Address) -> None:
        """Listen to an object's channel from now on, or no more; `Ears.listeners` says which."""
        self._touched.add(address)
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = self._ears.loop.create_task(self._run())

    async def _run(self) -> None:
        pause = RETRY_S[0]
        lost = False
        while not _told_to_end():
            client = valkey.asyncio.Valkey.from_url(settings.VALKEY_URL, socket_connect_timeout=TIMEOUT_S)
            try:
                async with client.pubsub() as hearing:
                    self._touched.clear()
                    known = list(self._ears.listeners)
                    await hearing.subscribe(EVERYBODY, *map(channel, known))
                    if lost:
                        log.info("valkey is back: listeners look again")
                        self._ears.resync()
                    lost, pause = False, RETRY_S[0]
                    follow = asyncio.ensure_future(self._follow(hearing))
                    try:
                        await self._hear(hearing)
                    finally:
                        follow.cancel()
            except (valkey.ValkeyError, OSError) as error:
                if not lost:
                    log.warning("valkey is away: events of other processes are missed until it is back: %s", error)
                lost = True
            finally:
                with suppress(Exception):
                    await client.aclose()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_S[1])

    async def _hear(self, hearing: Any) -> None:
        """Take what comes. Raises ValkeyError when Valkey does not even answer a ping."""
        asked = False
        while not _told_to_end():
            # Silence is no fault: the client's own time limit (valkey 6.2: 5 s) would take an idle bus for a lost one.
            message = await hearing.get_message(timeout=QUIET_S)
            if message is None:
                if asked:
                    raise valkey.TimeoutError(f"no answer to a ping in {QUIET_S:g} s")
                await hearing.ping()
            elif message["type"] == "message":
                self._take(message["channel"], message["data"])
            asked = message is None

    async def _follow(self, hearing: Any) -> None:
        """Keep the channels in step with what is listened to."""
        while not _told_to_end():
            await self._changed.wait()
            self._changed.clear()
            touched = list(self._touched)
            self._touched.clear()
            wanted = [channel(address) for address in touched if address in self._ears.listeners]
            unwanted = [channel(address) for address in touched if address not in self._ears.listeners]
            if wanted:
                await hearing.subscribe(*wanted)
            if unwanted:
                await hearing.unsubscribe(*unwanted)

    def _take(self, name: bytes, message: bytes) -> None:
        origin, _, body = message.partition(b" ")
        if origin == ORIGIN:
            return
        if name == EVERYBODY:
            self._ears.resync()
            return
        try:
            self._ears.put([News(*event) for event in orjson.loads(body)])
        except (orjson.JSONDecodeError, TypeError):
            log.warning("a message of the bus cannot be read", exc_info=True)


def _told_to_end() -> bool:
    """Whether the running task was cancelled. valkey 6.2 can lose that on its way (seen while it connected), and who
    waits for the task's end would wait for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Post:
    """A thread that hands events to Valkey, so that no engine thread ever waits for it."""

    def __init__(self) -> None:
        self._waiting: deque[Event] = deque()
        self._more = threading.Event()
        self._missed = False  # events were dropped: everybody elsewhere must look again
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def put(self, events: Sequence["Event"]) -> None:
        """Take events to be handed over; never waits, drops them when too many wait already."""
        if len(self._waiting) + len(events) > POST_EVENTS:
            self._missed = True
        else:
            self._waiting.extend(events)
        if not self._more.is_set():
            self._more.set()
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="live-post", daemon=True)
                self._thread.start()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is handed over, as a process does before it ends; False when it took too long."""
        pause = threading.Event()
        steps = int(timeout_s / 0.01)
        while (self._waiting or self._more.is_set()) and steps:
            pause.wait(0.01)
            steps -= 1
        return not self._waiting

    def stop(self, timeout_s: float) -> bool:
        """Hand over what waits, as `flush` does, and end the thread. Nothing may be put after that."""
        is_told = self.flush(timeout_s)
        self._over.set()
        self._more.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return is_told

    def _run(self) -> None:
        connection: valkey.Connection | None = None
        line: socket.socket
        pool = valkey.ConnectionPool.from_url(  # type: ignore[no-untyped-call]
            settings.VALKEY_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        pause = RETRY_S[0]
        batch: list[Event] = []
        while self._more.wait() and not self._over.is_set():
            try:
                if connection is None:
                    connection = pool.make_connection()
                    connection.connect()
                    line = _line_of(connection)
                while self._waiting or self._missed or batch:
                    while self._waiting and len(batch) < POST_AT_ONCE:
                        batch.append(self._waiting.popleft())
                    packed, commands = _packed(batch)
                    missed, self._missed = self._missed, False
                    if missed:
                        packed += _publish(EVERYBODY, ORIGIN + b" resync")
                        commands += 1
                    line.sendall(packed)
                    # Before the answers: they are there then, and this thread takes the interpreter once a turn.
                    time.sleep(POST_PAUSE_S)
                    _read_answers(line, commands)
                    batch = []
                pause = RETRY_S[0]
                self._more.clear()
                if self._waiting or self._over.is_set():  # put() or stop() came in between and saw the flag still set
                    self._more.set()
            except (valkey.ValkeyError, OSError) as error:
                if connection is not None:
                    connection.disconnect()  # type: ignore[no-untyped-call]
                connection = None
                # Others learn that they missed something; what waits is news no longer when Valkey is back.
                batch = []
                self._waiting.clear()
                self._missed = True
                log.warning("valkey is away: events do not reach other processes: %s", error)
                self._over.wait(pause)
                pause = min(pause * 2, RETRY_S[1])
        if connection is not None:
            connection.disconnect()  # type: ignore[no-untyped-call]


def _line_of(connection: valkey.Connection) -> socket.socket:
    """Give the socket of a connection, to write to and read from without the client.

    The client asks the kernel before each read and write whether it may, since it waits with a limit of time. Each such
    question is a turn of the interpreter, which the event loop waits for. The kernel can keep the limit itself.
    """
    line = connection._sock  # noqa: SLF001 -- there is no public way
    if line is None:
        raise valkey.ConnectionError("the connection was closed")
    line.settimeout(None)
    limit = struct.pack("ll", int(TIMEOUT_S), 0)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    return line


def _read_answers(line: socket.socket, count: int) -> None:
    """Read so many answers to PUBLISH, which are a line each. Raises ValkeyError where one is a refusal."""
    answers = b""
    while answers.count(b"\r\n") < count:
        more = line.recv(1 << 16)
        if not more:
            raise valkey.ConnectionError("the connection was closed")
        answers += more
    if b"-" in answers:
        raise valkey.ResponseError(answers[answers.index(b"-") + 1 :].partition(b"\r\n")[0].decode(errors="replace"))


def _packed(events: Iterable["Event"]) -> tuple[bytes, int]:
    """Write the commands that publish these, one a channel and not one an event: and how many they are."""
    channels: dict[Address, list[tuple[Any, ...]]] = {}
    for event in events:
        address = (event.schema, event.path)
        same = channels.setdefault(address, [])
        fields = (event.schema, event.path, event.topic, event.data, event.version, event.at)
        if same and event.topic == CHANGED and same[-1][2] == CHANGED:
            same[-1] = fields  # the newest version says it all
        else:
            same.append(fields)
    return (
        b"".join(_publish(channel(address), ORIGIN + b" " + orjson.dumps(same)) for address, same in channels.items()),
        len(channels),
    )


def _publish(name: bytes, message: bytes) -> bytes:
    """Write one PUBLISH of the Valkey protocol; by hand, since it costs a tenth of the client's general way."""
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(message), message)


@lru_cache(maxsize=4096)
def channel(address: Address) -> bytes:
    """Name the channel of an object."""
    schema, path = address
    return f"grove:live:{schema}:{path}".encode()


EVERYBODY = b"grove:live"  # the channel on which all are told to resync

ORIGIN: bytes  # of this process: it does not listen to itself
_post: _Post
_all: tuple[Ears, ...] = ()  # replaced, never changed: threads go through it without a lock


def _begin() -> None:
    global ORIGIN, _post, _all  # noqa: PLW0603 -- a fork has to begin anew: its threads and loops are gone
    ORIGIN = uuid4().hex.encode()
    _post = _Post()
    _all = ()


_begin()
os.register_at_fork(after_in_child=_begin)


def ears() -> Ears:
    """Give what the running event loop listens with."""
    global _all  # noqa: PLW0603 -- see above
    loop = asyncio.get_running_loop()
    for hearing in _all:
        if hearing.loop is loop:
            return hearing
    hearing = Ears(loop)
    _all = (*(each for each in _all if not each.loop.is_closed()), hearing)
    return hearing


def publish(events: Sequence["Event"]) -> None:
    """Tell everybody who listens, here and in other processes. From any thread, after the commit; never waits."""
    for hearing in _all:
        listeners = hearing.listeners
        news = [
            News(event.schema, event.path, event.topic, event.data, event.version, event.at)
            for event in events
            if (event.schema, event.path) in listeners
        ]
        if news:
            hearing.put(news)
    _post.put(events)


def flush(timeout_s: float = 2.0) -> bool:
    """Wait until other processes were told, before this one ends; False when that took too long."""
    return _post.flush(timeout_s)


def stop(timeout_s: float = 2.0) -> bool:
    """Do as `flush` and end the thread that tells others: left alone, it would look for a Valkey that was stopped first
    until the process is gone. Who publishes after that begins another.
    """
    global _post
    ended, _post = _post, _Post()
    return ended.stop(timeout_s)
