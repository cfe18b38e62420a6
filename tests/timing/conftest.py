"""Bells that ring later, a clock that can be moved, and hands that do what a dispatcher and its workers do."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from psycopg.sql import SQL, Identifier

from objects.commands.registry import registry
from objects.engine import running
from objects.engine.engine import Engine
from objects.timing import worker
from objects.timing.dispatcher import Dispatcher
from teams import clock
from teams.limits import Limits
from tests.timing.bell import Bell


@pytest.fixture(scope="session", autouse=True)
def bells() -> None:
    """Have the kind `bell`, once in the process."""
    if Bell.name not in registry.kinds:
        registry.add(Bell)


@pytest.fixture
def clock_moves(monkeypatch) -> Iterator[Callable[[float], None]]:
    """Move the time on: `clock_moves(3600)`."""
    monkeypatch.setattr(clock, "can_be_moved", True)
    clock.reset()
    yield clock.advance
    clock.reset()


@dataclass
class Hands:
    """A dispatcher and its workers, in this thread: they hand over without a broker. limits: of the dispatcher."""

    connection: psycopg.Connection[Any]
    limits: Limits

    def turn(self) -> int:
        """Hand over and work off what is due now; gives how many objects that were."""
        return Dispatcher(self.connection, self._work_off, self.limits).turn()

    @contextmanager
    def with_engine(self, engine: Engine) -> Iterator["Hands"]:
        """Work with another engine than this process's."""
        own = running.engine()
        running._made[os.getpid()] = engine
        try:
            yield self
        finally:
            running._made[os.getpid()] = own

    def until_quiet(self, most: int = 1_000) -> int:
        """Go on until nothing is due; gives how many objects were woken."""
        woken = 0
        while some := self.turn():
            woken += some
            assert woken <= most, "it does not end"
        return woken

    def take(self, **limits: float) -> list[tuple[str, int, str]]:
        """Take what is due as a dispatcher does that dies thereafter."""
        taken: list[tuple[str, int, str]] = []
        Dispatcher(self.connection, taken.extend, replace(self.limits, **limits)).turn()
        return taken

    def _work_off(self, rows: Any) -> None:
        worker.work_off(self.connection, rows)


@pytest.fixture
def hands(database) -> Iterator[Hands]:
    """Work by hand; what other tests left due is not."""
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        connection.execute("DELETE FROM public.wake")
        yield Hands(connection, django_settings.GROVE)


@pytest.fixture
def wakes(hands) -> Callable[..., Any]:
    """Read a column of the index for an object: `wakes(grove, path, "due_at")` gives values by source."""

    def read(grove: Any, path: str, column: str = "due_at") -> dict[str, Any]:
        asked = SQL("SELECT source, {} FROM public.wake WHERE schema = %s AND object_id = %s").format(
            Identifier(column)
        )
        return dict(hands.connection.execute(asked, (grove.schema, grove.id(path))).fetchall())

    return read
