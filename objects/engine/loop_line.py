"""A connection to Postgres that an event loop uses itself, opened anew beside it whenever it is lost."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg

from objects.engine.exchange import Exchange
from objects.engine.worker import RETRY_PAUSE_S, Worker

if TYPE_CHECKING:
    from objects.engine.engine import Engine

FINISH_S = 5.0  # for Postgres, when the loop is closed


class LoopLine(Worker):
    """Made and used on the loop. Whoever inherits it says what is done when there is a connection, and when none."""

    def __init__(self, engine: "Engine", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(engine)
        self.loop = loop
        self._exchange: Exchange | None = None  # there is none while there is no connection
        self._is_stopped = False

    def _is_there(self) -> None:
        """There is a connection."""
        raise NotImplementedError

    def _is_away(self) -> None:
        """There is none any more; also from another thread, where the loop is closed."""
        raise NotImplementedError

    def _connect(self) -> None:
        """Open the connection, beside the loop, however long Postgres stays away."""
        pause_s = RETRY_PAUSE_S
        while not (self._is_stopped or self.loop.is_closed()):
            try:
                self._connected()
            except psycopg.OperationalError:
                time.sleep(pause_s)
                pause_s = min(1.0, pause_s * 2)
            else:
                with suppress(RuntimeError):  # the loop was closed meanwhile
                    self.loop.call_soon_threadsafe(self._attach)
                return

    def _attach(self) -> None:
        if not self._is_stopped and self._connection is not None:
            self._exchange = Exchange(self.loop, self._connection, self._lost)
            self._is_there()

    def _lost(self, *, reconnect: bool = True) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        exchange.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._is_away()
        if reconnect:
            self._beside(self._connect)

    def _beside(self, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, name="engine-beside", daemon=True).start()

    def end(self) -> None:
        """End what is under way, from another thread: the loop is closed, or does not run any more."""
        self._is_stopped = True
        exchange = self._exchange
        if exchange is not None:
            exchange.finish(FINISH_S)
            exchange.close()
            self._exchange = None
        if self._connection is not None:
            self._connection.close()
        self._is_away()
