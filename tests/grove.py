"""What tests hold in their hand: an engine, a team in it, somebody who calls, and a place of their own in the tree."""

import itertools
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from django_pgschemas.schema import Schema, override

from objects.engine.calls import Call, Outcome
from objects.engine.engine import Engine
from objects.models import Object
from teams.access import Caller

numbers = itertools.count(1)


@dataclass(frozen=True)
class Grove:
    """home: the path beneath which this test makes its objects."""

    engine: Engine
    caller: Caller
    home: str

    @property
    def schema(self) -> str:
        return self.caller.schema

    def call(self, path: str, command: str, **arguments: Any) -> Any:
        """Give the result of a call, or raise what it was refused with."""
        return self.outcome(path, command, arguments, check=True).value

    def outcome(
        self, path: str, command: str, arguments: dict[str, Any] | None = None, *, check: bool = False, **options: Any
    ) -> Outcome:
        """Give the outcome of a call. Arguments also by keyword, where they are not an option of `Call`."""
        known = Call.__dataclass_fields__
        arguments = (arguments or {}) | {name: options.pop(name) for name in list(options) if name not in known}
        outcome = self.engine.call(self.schema, path, command, arguments, self.caller, **options)
        if check and outcome.problem is not None:
            raise outcome.problem
        return outcome

    def submit(self, path: str, command: str, **arguments: Any) -> "Future[Outcome]":
        """Send a call and do not wait."""
        return self.submit_call(path, command, arguments)

    def submit_call(self, path: str, command: str, arguments: dict[str, Any], **options: Any) -> "Future[Outcome]":
        """Send a call with options of `Call` and do not wait."""
        future: Future[Outcome] = Future()
        self.engine.submit(Call(self.schema, path, command, arguments, self.caller, future.set_result, **options))
        return future

    def together(self, path: str, calls: list[tuple[str, dict[str, Any]]], **options: Any) -> list[Outcome]:
        """Send calls so that they wait together: the object is kept busy until all are there."""
        held = self.engine.mailbox.claim(self.schema, path)
        futures: list[Future[Outcome]] = []
        for command, arguments in calls:
            future: Future[Outcome] = Future()
            self.engine.submit(Call(self.schema, path, command, arguments, self.caller, future.set_result, **options))
            futures.append(future)
        if held:
            self.engine.mailbox.release(self.schema, [path])
        return [future.result(30) for future in futures]

    def new(self, kind: str = "object", name: str = "") -> str:
        """Make an object at home and give its path."""
        name = name or f"{kind}-{next(numbers)}"
        path = f"{self.home}/{name}"
        self.outcome(path, "state.list", create=kind, check=True)
        return path

    def id(self, path: str) -> int:
        """Give the id of a live object."""
        with self.tables():
            return Object.objects.get(path=path, trashed_at=None).pk

    @contextmanager
    def tables(self) -> Iterator[None]:
        """Have the team's tables in the ORM."""
        with override(Schema.create(self.schema)):
            yield

    @contextmanager
    def engine_connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Have a connection to the database, as the engine's threads have."""
        with psycopg.connect(self.engine.conninfo, autocommit=True) as connection:
            yield connection

    def through(self, engine: Engine) -> "Grove":
        """The same through another engine, as from another process."""
        return replace(self, engine=engine)

    def acting_as(self, caller: Caller | str) -> "Grove":
        """The same for another caller; "system" is the platform itself."""
        return replace(self, caller=Caller.system(self.schema) if isinstance(caller, str) else caller)
