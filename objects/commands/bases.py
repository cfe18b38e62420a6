"""What a kind and a facility are made of: thin classes over the context of one call."""

import dataclasses
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import orjson
from pydantic_core import ValidationError

from objects.commands import checks
from objects.commands.shapes import NotAType, RecordShape, shape_of
from objects.commands.suggest import did_you_mean
from objects.commands.tabs import Tab
from teams.access import Caller, Role
from teams.problems import Conflict, Problem, WrongArgument

if TYPE_CHECKING:
    import random

StateT = TypeVar("StateT")


class Database(Protocol):
    """What a kind needs of its SQLite database; `objects.storage.database.Database` in life."""

    def run(self, sql: str, params: Sequence[Any] = (), /) -> list[Any]:
        """Run platform SQL and give its rows."""

    def has(self, table: str, /) -> bool:
        """Tell whether one of the platform's tables is there."""

    def need(self, table: str, /) -> Any:
        """Make one of the platform's tables where it is not there yet."""


class Context(Protocol):
    """What a command may touch; `objects.engine.context.Context` in life."""

    caller: Caller
    now: float  # Unix seconds, the same for the whole call

    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def random(self) -> "random.Random": ...
    @property
    def db(self) -> Any: ...
    @property
    def pg(self) -> Any: ...
    @property
    def settings(self) -> Any: ...
    @property
    def must_ask(self) -> bool: ...
    @property
    def limits(self) -> Any: ...
    @property
    def identity(self) -> str: ...
    def take_back(self) -> None: ...
    def emit(self, topic: str, data: Any) -> None: ...
    def log(self, text: str, **fields: Any) -> None: ...
    def wake(self, source: str, due_at: float | None, note: Mapping[str, Any] = ...) -> None: ...
    def attempt(
        self,
        path: str,
        command: str,
        arguments: dict[str, Any],
        *,
        caller_id: str,
        via: str,
        as_of: float | None = ...,
        keeps: bool = ...,
        then: Any = ...,
    ) -> Any: ...
    def send(self, path: str, command: str, arguments: Mapping[str, Any] = ..., *, delay_s: float = ...) -> int: ...
    def schedule(
        self,
        name: str,
        command: str,
        arguments: Mapping[str, Any] = ...,
        *,
        at: float | None = ...,
        every_s: float | None = ...,
    ) -> None: ...
    def unschedule(self, name: str) -> bool: ...
    def call(self, path: str, command: str, **arguments: Any) -> Any: ...
    def start(self, command: str, *, then: str = "", **arguments: Any) -> str: ...
    @property
    def tasks(self) -> Any: ...
    def authorize(
        self, path: str, *, command: str, verb: str = "changes", needs: Role = Role.EDITOR, operators: str = ""
    ) -> None: ...
    def facility(self, name: str) -> "Facility": ...


def snake(name: str) -> str:
    """Write a class name as users say it: "RateLimiter" is "rate_limiter"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Facility:
    """What every object has. Its commands have a dot: `state.set`; one named like the facility has none: `sql`.

    name: as users say it; from the class name unless the class sets it. tab: what it shows on an object's page.
    is_measured: how long its commands take can be told from how long they took. It cannot where callers write what is
      run, as in SQL: an event loop runs such a command as long as all that a team wrote was quick.
    """

    name: ClassVar[str] = ""
    tab: ClassVar[Tab | None] = None
    is_measured: ClassVar[bool] = True

    def __init__(self, context: Context) -> None:
        self.context = context

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = snake(cls.__name__)

    def due(self, most: int, broken: Problem | None = None) -> Any:
        """Do what is due by now, where this facility asked to be woken by `context.wake`, and ask for the next time.

        The platform calls it, in a transaction like any. It may find nothing due, and must not mind. When it raises,
        all of it is undone, and it is called again with most=1, then with `broken` too.
        most: how many pieces of work at most. broken: why the first piece can't be done: take note of that instead.
        """
        raise NotImplementedError

    @staticmethod
    def after_due(schema: str, object_id: int, path: str, value: Any) -> None:
        """Go on, in the worker and outside of the lock, with what `due` gave. A worker that dies leaves it undone."""


class StateForm:
    """How the dataclass of a kind's state is kept in rows of `_state`: key is the field's name, value its JSON."""

    def __init__(self, record: type[Any]) -> None:
        if not dataclasses.is_dataclass(record):
            raise TypeError(f"{record.__module__}.{record.__qualname__}: the state of a kind is a dataclass.")
        shape = shape_of(record)
        assert isinstance(shape, RecordShape)
        self.record = record
        self.shape = shape
        self.names = tuple(shape.fields)
        hints = typing.get_type_hints(record, include_extras=True)
        self.checks: dict[str, Callable[[Any], Any]] = {name: checks.compiled_value(hints[name]) for name in self.names}
        marks = ", ".join("?" * len(self.names))
        self.select = f"SELECT key, value FROM _state WHERE key IN ({marks})"  # noqa: S608 -- question marks only
        try:
            self.fresh = self.texts(record())
        except TypeError as error:
            raise TypeError(
                f"{record.__module__}.{record.__qualname__}: every field of a state has a default."
            ) from error

    def texts(self, state: Any) -> dict[str, str]:
        """Give each field as the JSON text of its row."""
        return {name: orjson.dumps(value).decode() for name, value in self.shape._plain(state).items()}  # noqa: SLF001 -- a dataclass always has it


class Kind(Generic[StateT]):
    """What an object is beyond its facilities: commands, a panel, help. `Kind[State]` has a typed state.

    name: as users say it; from the class name unless the class sets it.
    tab: what it shows on its objects' page, beside the panel `templates/kinds/{name}.html`.
    front: the name of a facility whose commands it puts in front: `open` for `browser.open`.
    """

    name: ClassVar[str] = ""
    front: ClassVar[str] = ""
    tab: ClassVar[Tab | None] = None
    state_form: ClassVar[StateForm | None] = None

    def __init__(self, context: Context) -> None:
        self.context = context
        self._state: Any = None
        self._stored: dict[str, str] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = snake(cls.__name__)
        for base in getattr(cls, "__orig_bases__", ()):
            (record, *_) = typing.get_args(base) or (None,)
            if typing.get_origin(base) is Kind and isinstance(record, type) and record is not type(None):
                try:
                    cls.state_form = StateForm(record)
                except NotAType as error:
                    raise TypeError(f"{cls.__module__}.{cls.__name__}: state: {error}") from error

    @property
    def now(self) -> float:
        """Unix seconds, the same for the whole call. There is no other clock."""
        return self.context.now

    @property
    def random(self) -> "random.Random":
        """Chance. There is no other: a call that is run again must choose the same."""
        return self.context.random

    @property
    def caller(self) -> Caller:
        """Who calls."""
        return self.context.caller

    @property
    def path(self) -> str:
        """The object's path."""
        return self.context.path

    @property
    def files(self) -> Any:
        """The facility `files` of this object."""
        return self.context.facility("files")

    def emit(self, topic: str, data: Any) -> None:
        """Tell those who listen to this object, once the call is committed. data: JSON values."""
        self.context.emit(topic, data)

    def log(self, text: str, **fields: Any) -> None:
        """Say something about this call: `self.log("slow page", no=7)`. Schedules and tasks keep it with their runs."""
        self.context.log(text, **fields)

    def call(self, path: str, command: str, **arguments: Any) -> Any:
        """Run a command of another object in the same transaction; raises what it refuses with."""
        return self.context.call(path, command, **arguments)

    def start(self, command: str, *, then: str = "", **arguments: Any) -> str:
        """Start a task of this object once the call is committed, and give its id; `then` is told the outcome."""
        return self.context.start(command, then=then, **arguments)

    def send(self, path: str, command: str, arguments: Mapping[str, Any] = {}, *, delay: float = 0) -> int:
        """Have a command of an object, this one too, run after the call; delay: seconds. Its effect happens once.

        It runs with the rights of this call's caller; where it fails it is tried again, see `help queue`. Gives the
        number of the message in this object's queue.
        """
        return self.context.send(path, command, arguments, delay_s=delay)

    def schedule(
        self,
        name: str,
        command: str,
        arguments: Mapping[str, Any] = {},
        *,
        at: float | None = None,
        every: float | None = None,
    ) -> None:
        """Set an alarm: a command of this object runs at a moment (Unix seconds) or every so many seconds.

        There can be any number of alarms; one of the same name is replaced.
        """
        self.context.schedule(name, command, arguments, at=at, every_s=every)

    def unschedule(self, name: str) -> bool:
        """Take an alarm away; tells whether there was one."""
        return self.context.unschedule(name)

    def begin(self, function: Callable[..., Any], /, **arguments: Any) -> str:
        """Begin a run of a durable function of this kind, once the call is committed, and give its id."""
        steps: Any = self.context.facility("steps")
        run: str = steps.start(function.__name__, arguments)
        return run

    def sql(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement on the object's database and give its rows."""
        rows: list[tuple[Any, ...]] = self.context.db.run(query, params)
        return rows

    @property
    def state(self) -> StateT:
        """The object's state, read when first asked for; what is changed in it is kept when the call succeeds.

        Raises Conflict where what is stored does not fit the dataclass any more.
        """
        if self._state is None:
            self._state = self._load()
        return typing.cast("StateT", self._state)

    def _load(self) -> Any:
        form = self.state_form
        if form is None:
            raise TypeError(f"{type(self).__name__} has no state of its own: write Kind[State].")
        db = self.context.db
        if not db.has("_state"):
            return form.record()
        self._stored = dict(db.run(form.select, form.names))
        values = {}
        for key, text in self._stored.items():
            try:
                values[key] = form.checks[key](orjson.loads(text))
            except ValidationError as error:
                detail = error.errors(include_url=False)[0]
                reason = checks.explained(detail, form.shape.fields[key], detail["loc"], orjson.loads(text))
                raise Conflict(
                    f"the state of {self.path} does not fit: {key}: {reason}. `state set {key}` mends it."
                ) from error
        return form.record(**values)

    def reload(self) -> None:
        """Forget what was changed in the state and not saved."""
        self._state, self._stored = None, {}

    def save(self) -> None:
        """Write the fields of the state that were changed. The engine calls it after each call that succeeded.

        Raises Conflict where a field was given what its type does not allow.
        """
        form = self.state_form
        if self._state is None or form is None:
            return
        changed = [
            (key, text)
            for key, text in form.texts(self._state).items()
            if text != self._stored.get(key, form.fresh[key])
        ]
        if not changed:
            return
        # What would not be read back is refused now: later, every call on the object would fail.
        for key, _ in changed:
            value = getattr(self._state, key)
            try:
                form.checks[key](value)
            except ValidationError as error:
                detail = error.errors(include_url=False)[0]
                reason = checks.explained(detail, form.shape.fields[key], detail["loc"], value)
                raise Conflict(
                    f"the call would break the state of {self.path}: {key}: {reason}. Nothing was changed."
                ) from error
        db = self.context.db
        db.need("_state")
        for key, text in changed:
            db.run(
                "INSERT INTO _state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, text),
            )
            self._stored[key] = text


def state_keys(kind: type[Kind[Any]]) -> tuple[str, ...]:
    """Give the keys that a kind's typed state needs; none where its state is free-form."""
    return () if kind.state_form is None else kind.state_form.names


def check_state(kind: type[Kind[Any]], key: str, value: Any) -> Any:
    """Check a JSON value that is to be kept under a key of an object's state, and give it in its canonical JSON form.

    Where the kind has no typed state, or the key is none of its fields, any JSON passes.
    Raises WrongArgument for "value"; for "key" where it looks like a slip of a field's name.
    """
    form = kind.state_form
    if form is None:
        return value
    check = form.checks.get(key)
    if check is None:
        if near := did_you_mean(key, form.names):
            raise WrongArgument("key", f"no field '{key[:60]}' in the state of {kind.name}.{near}")
        return value
    shape = form.shape.fields[key]
    try:
        checked = check(value)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise WrongArgument("value", f"{key}: {checks.explained(detail, shape, detail['loc'], value)}") from None
    return checked if shape.plain is None else shape.plain(checked)
