"""Messages between processes about terminals, over Valkey: to whoever listens to a channel now, in order.

A message is a JSON object and, where it has them, bytes: those of a terminal are not made into text on the way. Whoever
sends learns when nobody listened; that, and a connection that was lost, is all that tells of a process that died.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
import valkey
import valkey.asyncio
from django.conf import settings

log = logging.getLogger("grove.terminal")

PREFIX = b"grove:terminal:"
TIMEOUT_S = 5.0
QUIET_S = 5.0  # of silence, after which Valkey is asked whether it is there
RETRY_S = (0.2, 5.0)  # first and longest pause before Valkey is tried again
AT_ONCE = 64  # messages handed over in one go

Hear = Callable[[Mapping[str, Any], bytes], None]


@dataclass(frozen=True, slots=True)
class _Letter:
    channel: bytes
    body: bytes
    told: asyncio.Future[int] | None  # how many listened
    on_nobody: Callable[[], None] | None


class Bus:
    """The channels that one event loop listens to, and what it sends. Connects when first needed.

    on_lost: called when Valkey went away: what was under way may not have arrived.
    """

    def __init__(self) -> None:
        self.on_lost: list[Callable[[], None]] = []
        self._heard: dict[bytes, Hear] = {}
        self._confirmed: dict[bytes, asyncio.Future[None]] = {}
        self._hearing: Any = None  # a PubSub while there is a connection
        self._hearer: asyncio.Task[None] | None = None
        self._letters: asyncio.Queue[_Letter] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None

    async def listen(self, name: str, hear: Hear) -> None:
        """Have `hear` called with what is sent to a channel, from when this returns. Raises OSError, TimeoutError."""
        channel = PREFIX + name.encode()
        self._heard[channel] = hear
        confirmed = self._confirmed.setdefault(channel, asyncio.get_running_loop().create_future())
        if self._hearer is None or self._hearer.done():
            self._hearer = asyncio.get_running_loop().create_task(self._hear_on())
        elif self._hearing is not None:
            await self._hearing.subscribe(channel)
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.shield(confirmed)

    def forget(self, name: str) -> None:
        """Listen to a channel no more."""
        channel = PREFIX + name.encode()
        if self._heard.pop(channel, None) is not None and self._hearing is not None:
            self._spawn(self._hearing.unsubscribe(channel))
        self._confirmed.pop(channel, None)

    def send(
        self,
        name: str,
        message: Mapping[str, Any],
        content: bytes = b"",
        *,
        on_nobody: Callable[[], None] | None = None,
    ) -> None:
        """Send a message; never waits. on_nobody: called where nobody listened."""
        self._post(name, message, content, None, on_nobody)

    async def reach(self, name: str, message: Mapping[str, Any]) -> int:
        """Send a message and give how many listened; 0 also while Valkey is away."""
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._post(name, message, b"", told, None)
        return await told

    def _post(
        self,
        name: str,
        message: Mapping[str, Any],
        content: bytes,
        told: asyncio.Future[int] | None,
        on_nobody: Callable[[], None] | None,
    ) -> None:
        body = orjson.dumps(message) + b"\n" + content
        self._letters.put_nowait(_Letter(PREFIX + name.encode(), body, told, on_nobody))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.get_running_loop().create_task(self._send_on())

    # The connections

    async def _hear_on(self) -> None:
        pause = RETRY_S[0]
        while True:
            client = valkey.asyncio.Valkey.from_url(settings.VALKEY_URL, socket_connect_timeout=TIMEOUT_S)
            try:
                async with client.pubsub() as hearing:
                    await hearing.subscribe(PREFIX + b"nothing", *self._heard)
                    self._hearing, pause = hearing, RETRY_S[0]
                    await self._hear(hearing)
            except (valkey.ValkeyError, OSError) as error:
                log.warning("valkey is away: terminals of other processes cannot be reached: %s", error)
            finally:
                self._hearing = None
                with suppress(Exception):
                    await client.aclose()
            self._lost()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_S[1])

    async def _hear(self, hearing: Any) -> None:
        """Take what comes. Raises ValkeyError when Valkey does not even answer a ping."""
        is_asked = False
        while True:
            message = await hearing.get_message(timeout=QUIET_S)
            if message is None:
                if is_asked:
                    raise valkey.TimeoutError(f"no answer to a ping in {QUIET_S:g} s")
                await hearing.ping()
            elif message["type"] == "subscribe":
                confirmed = self._confirmed.get(message["channel"])
                if confirmed is not None and not confirmed.done():
                    confirmed.set_result(None)
            elif message["type"] == "message":
                self._take(message["channel"], message["data"])
            is_asked = message is None

    def _take(self, channel: bytes, body: bytes) -> None:
        hear = self._heard.get(channel)
        if hear is None:
            return
        head, _, content = body.partition(b"\n")
        try:
            hear(orjson.loads(head), content)
        except Exception:
            log.exception("a message between terminals could not be taken")

    async def _send_on(self) -> None:
        client = valkey.asyncio.Valkey.from_url(
            settings.VALKEY_URL,
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            single_connection_client=True,
        )
        try:
            while True:
                letters = [await self._letters.get()]
                while not self._letters.empty() and len(letters) < AT_ONCE:
                    letters.append(self._letters.get_nowait())
                await self._hand_over(client, letters)
        finally:
            with suppress(Exception):
                await client.aclose()

    async def _hand_over(self, client: Any, letters: list[_Letter]) -> None:
        try:
            pipeline = client.pipeline(transaction=False)
            for letter in letters:
                pipeline.publish(letter.channel, letter.body)
            counts = await pipeline.execute()
        except (valkey.ValkeyError, OSError) as error:
            log.warning("valkey is away: terminals of other processes cannot be reached: %s", error)
            counts = [0] * len(letters)
        for letter, count in zip(letters, counts, strict=True):
            if letter.told is not None and not letter.told.done():
                letter.told.set_result(count)
            if not count and letter.on_nobody is not None:
                letter.on_nobody()

    def _lost(self) -> None:
        loop = asyncio.get_running_loop()
        self._confirmed = {channel: loop.create_future() for channel in self._heard}
        for call in list(self.on_lost):
            call()

    def _spawn(self, work: Any) -> None:
        async def quietly() -> None:
            with suppress(valkey.ValkeyError, OSError):
                await work

        self._closing = asyncio.get_running_loop().create_task(quietly())


_all: dict[asyncio.AbstractEventLoop, Bus] = {}


def bus() -> Bus:
    """Give the bus of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _all.get(loop)
    if found is None:
        for closed in [known for known in _all if known.is_closed()]:
            del _all[closed]
        found = _all[loop] = Bus()
    return found
