"""Statements to Postgres from an event loop, which goes on while Postgres works."""

import asyncio
import select
import time
from collections.abc import Callable, Generator
from typing import Any

import psycopg
from psycopg.pq import ConnStatus
from psycopg.pq.abc import PGconn, PGresult

Steps = Generator[None, PGresult, Any]  # as `Prepared.steps` and `rows_in_steps` give them
Then = Callable[[Any], None]  # told what the steps gave, or the psycopg.Error in place of it


class Exchange:
    """One connection on a loop, with one statement under way at a time. on_loss: called when it is lost in between."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connection: psycopg.Connection[Any], on_loss: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._pgconn: PGconn = connection.pgconn
        self._fd = self._pgconn.socket
        self._on_loss = on_loss
        self._steps: Steps | None = None
        self._then: Then
        self._result: PGresult | None = None
        self._is_sending = False
        loop.add_reader(self._fd, self._receive)

    def run(self, steps: Steps, then: Then) -> None:
        """Run a statement and have `then` called with what it gave, or with what became of it instead."""
        self._steps, self._then, self._result = steps, then, None
        try:
            next(steps)
            self._send()
        except psycopg.Error as error:
            self._end(error)

    def close(self) -> None:
        """Leave the connection alone from now on."""
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            if self._is_sending:
                self._loop.remove_writer(self._fd)

    def finish(self, seconds: float) -> None:
        """Wait for the end of the statement under way, where the loop will not: it was closed."""
        ends_at = time.monotonic() + seconds
        while self._steps is not None and (left := ends_at - time.monotonic()) > 0:
            select.select([self._fd], [self._fd] if self._is_sending else [], [], left)
            self._receive()

    def _send(self) -> None:
        """Hand over what waits; the loop goes on with what the kernel does not take yet."""
        is_sending = self._pgconn.flush() != 0
        if is_sending != self._is_sending:
            self._is_sending = is_sending
            if self._loop.is_closed():
                return
            if is_sending:
                self._loop.add_writer(self._fd, self._receive)
            else:
                self._loop.remove_writer(self._fd)

    def _receive(self) -> None:
        pgconn = self._pgconn
        try:
            pgconn.consume_input()
            if self._is_sending:
                self._send()
            if self._steps is None:
                if pgconn.status == ConnStatus.BAD:
                    self._on_loss()
                return
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    self._step()
                    return
                self._result = self._result or result
        except psycopg.Error as error:
            self._end(error)

    def _step(self) -> None:
        steps, result, self._result = self._steps, self._result, None
        if steps is None or result is None:
            self._end(psycopg.OperationalError("the connection to Postgres was lost"))
            return
        try:
            steps.send(result)
        except StopIteration as end:
            self._end(end.value)
        else:
            self._send()

    def _end(self, outcome: Any) -> None:
        steps, self._steps = self._steps, None
        if steps is None:
            self._on_loss()
        else:
            self._then(outcome)
