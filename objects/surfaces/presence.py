"""Who looks at an object's page now, in all processes: kept in Valkey, where it ends by itself with who kept it there.

Nothing here is truth: without Valkey nobody is seen, and everything else goes on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import valkey.asyncio
from django.conf import settings

from objects import live
from objects.engine.calls import Event

STAYS_S: Final = 30.0  # an entry, from the last sign of life on
SIGN_S: Final = 10.0  # between two signs of life
TIMEOUT_S: Final = 1.0
MOST: Final = 50  # people told of
LONG_NAME: Final = 200

_clients: dict[asyncio.AbstractEventLoop, Any] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """The page of an object."""

    schema: str
    path: str

    @property
    def key(self) -> str:
        """Where the entries are: a sorted set, each with the moment of its end."""
        return f"grove:here:{self.schema}:{self.path}"

    @property
    def channel(self) -> str:
        """What the bus calls it. No path holds a colon, so this is no object's."""
        return f"{self.path}:here"


class Presence:
    """One page that somebody has open."""

    def __init__(self, place: Place, name: str) -> None:
        self.place = place
        self.name = name[:LONG_NAME]
        self._entry = f"{uuid4().hex} {self.name}"

    async def sign(self, *, is_new: bool = False) -> None:
        """Give a sign of life; others are told of a new one."""
        client, key = _client(), self.place.key
        pipeline = client.pipeline(transaction=False)
        pipeline.zadd(key, {self._entry: time.time() + STAYS_S})
        pipeline.expire(key, int(STAYS_S * 2))
        if await _tried(pipeline.execute) is not None and is_new:
            self._tell()

    async def leave(self) -> None:
        """Be seen no more."""
        client = _client()
        await _tried(lambda: client.zrem(self.place.key, self._entry))
        self._tell()

    async def others(self) -> list[str]:
        """Name everybody who has the page open, each once, the one who asks left out."""
        client, key = _client(), self.place.key
        found = await _tried(lambda: client.zrangebyscore(key, time.time(), "+inf", start=0, num=MOST * 4))
        names = {entry.decode(errors="replace").partition(" ")[2] for entry in found or ()}
        return sorted(names - {self.name})[:MOST]

    async def sweep(self) -> None:
        """Forget entries whose pages gave no sign of life any more."""
        client, key = _client(), self.place.key
        if await _tried(lambda: client.zremrangebyscore(key, "-inf", time.time())):
            self._tell()

    def _tell(self) -> None:
        live.publish([Event(self.place.schema, self.place.channel, "here", None, 0, time.time())])


def _client() -> Any:
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        for old in [each for each in _clients if each.is_closed()]:
            del _clients[old]
        client = _clients[loop] = valkey.asyncio.Valkey.from_url(
            settings.VALKEY_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
    return client


async def _tried(work: Callable[[], Awaitable[Any]]) -> Any:
    """Do it; None where Valkey is away."""
    with suppress(valkey.ValkeyError, OSError):
        return await work()
    return None
