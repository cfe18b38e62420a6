"""All that a command may touch: its object, the moment, chance, and the way to other objects."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import psycopg

from objects.storage.database import Database
from objects.tree.settings import Settings
from teams.access import Caller, Role, decide

if TYPE_CHECKING:
    from objects.commands.bases import Facility
    from objects.engine.frame import Frame, Row


class TreeAccess:
    """Postgres as the tree's and the archive's commands see it: inside the call's transaction.

    What such a command wrote is undone with the call, like all else.
    """

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self.connection = connection
        self.schema = schema

    @contextmanager
    def reader(self) -> Iterator[psycopg.Connection[Any]]:
        """Open a connection of its own on one unchanging moment, for an answer that is streamed after the call."""
        with psycopg.connect(self.connection.info.dsn, password=self.connection.info.password) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection


class Context:
    """One call on one object, as its code sees it.

    now: Unix seconds, the same for the whole call. There is no other clock, chance or network.
    """

    __slots__ = ("__dict__", "_frame", "caller", "now", "row")

    def __init__(self, frame: "Frame") -> None:
        self._frame = frame
        self.row: Row = frame.row
        self.caller: Caller = frame.caller
        self.now: float = frame.now

    @property
    def path(self) -> str:
        """The object's path."""
        return self.row.path

    @property
    def kind(self) -> str:
        """The name of the object's kind."""
        return self.row.kind

    @property
    def settings(self) -> Settings:
        """The object's settings, with what it inherits."""
        return self.row.settings

    @property
    def db(self) -> Database:
        """The object's own SQLite database."""
        return self._frame.database()

    @cached_property
    def random(self) -> random.Random:
        """Chance, from a seed of this call's own."""
        return self._frame.chance()

    @cached_property
    def pg(self) -> TreeAccess:
        """Postgres, for the tree and the archive only."""
        return self._frame.tree_access()

    @property
    def must_ask(self) -> bool:
        """Whether somebody is there who can be asked and has not said yes: a person at a page or in a terminal.

        A command may then raise NeedsConfirmation; the call comes again once they did.
        """
        return self._frame.must_ask

    def take_back(self) -> None:
        """Take back all that this call does once it is over, and give its result all the same: a trial."""
        self._frame.is_trial = True

    def emit(self, topic: str, data: Any) -> None:
        """Tell those who listen to this object, once the call is committed. data: JSON values."""
        self._frame.emit(topic, data)

    def call(self, path: str, command: str, **arguments: Any) -> Any:
        """Run a command of another object in this transaction, with this caller's rights, and give its result.

        Both take effect together or not at all. Raises what the command refuses with.
        """
        return self._frame.call(path, command, arguments)

    def authorize(self, path: str, *, command: str, verb: str = "changes", needs: Role = Role.EDITOR) -> None:
        """Let the caller touch another place of the tree, or refuse as `teams.access.decide` does."""
        decide(self.caller, self._frame.schema, path, command=command, verb=verb, needs=needs)

    def facility(self, name: str) -> "Facility":
        """Give one of the object's facilities, as `context.facility("files")`."""
        return self._frame.facility(name)
