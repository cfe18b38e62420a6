"""All that a command may touch: its object, the moment, chance, and the way to other objects."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import psycopg

from objects.storage.database import Database
from objects.timing.index import Due
from objects.tree.settings import Settings
from objects.work.desk import TaskDesk
from objects.work.records import Start, Then
from teams.access import Caller, Role, decide
from teams.limits import Limits

if TYPE_CHECKING:
    from objects.commands.bases import Facility
    from objects.engine.frame import Attempt, Frame, Row

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


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

    def log(self, text: str, **fields: Any) -> None:
        """Say something about this call: a constant text, and what differs as fields, which are JSON values.

        The history of a schedule keeps it with the run, also where that fails; who listens to the topic "log" hears
        it once the call is committed.
        """
        self._frame.log(text, fields)
        self._frame.emit("log", {"text": text, "fields": fields})

    def call(self, path: str, command: str, **arguments: Any) -> Any:
        """Run a command of another object in this transaction, with this caller's rights, and give its result.

        Both take effect together or not at all. Raises what the command refuses with.
        """
        return self._frame.call(path, command, arguments)

    def start(
        self,
        command: str,
        *,
        then: str = "",
        then_arguments: Mapping[str, Any] | None = None,
        priority: int = 0,
        after_s: float = 0.0,
        **arguments: Any,
    ) -> str:
        """Start a task of this object, once the call is committed, and give its id.

        then: a command of this object that is called in the transaction that ends the task, with `then_arguments` and
          `task`, `value` and `problem`: one of the two is null.
        priority: higher comes first, within the team.
        """
        spec = self._frame.tx.registry.command(self.kind, command)
        if spec.task is None:
            raise TypeError(f"{command}: is no task, and can be called.")
        self.authorize(self.path, command=spec.name, verb=spec.verb, needs=spec.needs, operators=spec.operators)
        what = Start(spec, spec.check(arguments), then, then_arguments, priority, after_s)
        return self._frame.start(what)

    @property
    def tasks(self) -> TaskDesk:
        """The object's tasks."""
        return TaskDesk(self._frame)

    @property
    def limits(self) -> Limits:
        """The limits of this installation."""
        return self._frame.tx.limits

    @property
    def identity(self) -> str:
        """A name that this object alone has and keeps: not its copies, and not what comes of its file elsewhere."""
        return f"{self._frame.schema}/{self.row.id}"

    def wake(self, source: str, due_at: float | None, note: Mapping[str, Any] = NOTHING) -> None:
        """Have the facility `source` of this object woken at a moment (Unix seconds), its `due` called. None: never.

        It replaces what was asked for before. note: what the team's page of what is due says; JSON values.
        """
        self._frame.wake(source, Due(due_at, note))

    def attempt(
        self,
        path: str,
        command: str,
        arguments: dict[str, Any],
        *,
        caller_id: str,
        via: str,
        as_of: float | None = None,
        keeps: bool = True,
        then: Then | None = None,
    ) -> "Attempt":
        """Run a command, of this object too, on behalf of somebody, with the rights that they have now.

        For what facilities do when something is due. A refusal or a fault is in what comes back; the command then left
        no trace, and the journal has a line of it.
        caller_id: a `Caller.id`. via: for the journal. as_of: the command's `now`, where it is to be another moment.
        keeps: False takes back what the command did, however it ended.
        then: where the command is a task, how that is started.
        """
        return self._frame.attempt(path, command, arguments, caller_id, via, as_of=as_of, keeps=keeps, then=then)

    def send(self, path: str, command: str, arguments: Mapping[str, Any] = NOTHING, *, delay_s: float = 0) -> int:
        """Have a command run later, here or in another object, after this call is committed; give the message's number.

        With the rights of this call's caller, in a transaction that also removes the message: its effect is once.
        """
        number: int = self.facility("queue").send(path, command, dict(arguments), delay_s)  # type: ignore[attr-defined]
        return number

    def schedule(
        self,
        name: str,
        command: str,
        arguments: Mapping[str, Any] = NOTHING,
        *,
        at: float | None = None,
        every_s: float | None = None,
    ) -> None:
        """Set an alarm: have a command of this object run at a moment (Unix seconds) or every so many seconds.

        An alarm of the same name is replaced.
        """
        self.facility("cron").set_alarm(name, command, dict(arguments), at, every_s)  # type: ignore[attr-defined]

    def unschedule(self, name: str) -> bool:
        """Take an alarm away; tells whether there was one."""
        gone: bool = self.facility("cron").drop_alarm(name)  # type: ignore[attr-defined]
        return gone

    def authorize(
        self, path: str, *, command: str, verb: str = "changes", needs: Role = Role.EDITOR, operators: str = ""
    ) -> None:
        """Let the caller touch another place of the tree, or refuse as `teams.access.decide` does."""
        decide(self.caller, self._frame.schema, path, command=command, verb=verb, needs=needs, operators=operators)

    def facility(self, name: str) -> "Facility":
        """Give one of the object's facilities, as `context.facility("files")`."""
        return self._frame.facility(name)
