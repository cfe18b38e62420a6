"""What web processes and browser hosts say to each other, through Valkey's channels: two for each object's browser.

`grove:cast:…`   from the host: frames (`F`, number, width, height, JPEG), states (`S`, JSON) and what was copied (`C`,
                 JSON), which is for one of those who watch alone
`grove:hands:…`  to the host: JSON with `who` it is from, and what they `do`
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Any, Final

import orjson
import valkey.asyncio
from django.conf import settings

_FRAME: Final = struct.Struct("!cIHH")
TIMEOUT_S: Final = 5.0
SIGN_S: Final = 1.0  # between two signs of life of somebody who watches
GONE_S: Final = 5.0  # without one, after which they do not

_clients: dict[asyncio.AbstractEventLoop, Any] = {}
_hearers: dict[asyncio.AbstractEventLoop, Any] = {}


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of the page, and how large the page shows it, in its own dots."""

    number: int
    width: int
    height: int
    jpeg: bytes

    def packed(self) -> bytes:
        """Give it as it travels; to readers too."""
        return _FRAME.pack(b"F", self.number, self.width, self.height) + self.jpeg


def packed_state(state: dict[str, Any]) -> bytes:
    """Give a state as it travels."""
    return b"S" + orjson.dumps(state)


def packed_copy(who: str, text: str, *, by_page: bool = False) -> bytes:
    """Give what somebody copied as it travels. by_page: the page did so, by a button of its own."""
    return b"C" + orjson.dumps({"to": who, "text": text, "by_page": by_page})


def cast(schema: str, path: str) -> str:
    """Name the channel from the host."""
    return f"grove:cast:{schema}:{path}"


def hands(schema: str, path: str) -> str:
    """Name the channel to the host."""
    return f"grove:hands:{schema}:{path}"


def client() -> Any:
    """Give what the running loop speaks with."""
    return _of_this_loop(_clients, socket_timeout=TIMEOUT_S)


def hearing() -> Any:
    """Give what the running loop listens with, however long nobody says anything: by default it gives up in 5 s."""
    return _of_this_loop(_hearers, socket_timeout=None, socket_keepalive=True).pubsub()


def _of_this_loop(known: dict[asyncio.AbstractEventLoop, Any], **options: Any) -> Any:
    loop = asyncio.get_running_loop()
    found = known.get(loop)
    if found is None:
        for old in [each for each in known if each.is_closed()]:
            del known[old]
        found = known[loop] = valkey.asyncio.Valkey.from_url(
            settings.VALKEY_URL, socket_connect_timeout=TIMEOUT_S, health_check_interval=10, **options
        )
    return found
