"""Sockets at addresses where there is nothing."""

from collections.abc import Awaitable, Callable
from typing import Any


async def no_socket(
    _scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Close a socket that nothing serves, and say so."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 4404, "reason": "No socket is served at this address."})
