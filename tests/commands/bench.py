"""An object without engine and Postgres, and a kind with every sort of argument, to try commands on."""

import random
import sqlite3
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from objects.commands.registry import Registry
from objects.sdk import (
    AtLeast,
    AtMost,
    Between,
    Caller,
    Content,
    Facility,
    Help,
    Json,
    Kind,
    Length,
    Moment,
    Name,
    ObjectPath,
    RestOfLine,
    Role,
    Seconds,
    Secret,
    Size,
    Unit,
    command,
    effect_of,
)
from objects.storage.tables import TABLES


class Memory:
    """A database as kinds see it, in memory."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.statements: list[str] = []

    def run(self, sql: str, params: Any = ()) -> list[Any]:
        self.statements.append(sql)
        return self.connection.execute(sql, params).fetchall()

    def has(self, table: str) -> bool:
        return bool(self.connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchall())

    def need(self, table: str) -> None:
        if not self.has(table):
            self.run(TABLES[table])


@dataclass
class Bench:
    """The context of a call."""

    path: str = "/demo/bench"
    kind: str = "machine"
    now: float = 1_800_000_000.0
    random: Any = field(default_factory=lambda: random.Random(7))
    caller: Caller = field(default_factory=lambda: Caller.system("t_demo"))
    db: Memory = field(default_factory=Memory)
    pg: Any = None
    settings: Any = None
    events: list[tuple[str, Any]] = field(default_factory=list)

    def emit(self, topic: str, data: Any) -> None:
        self.events.append((topic, data))

    def call(self, path: str, command: str, **arguments: Any) -> Any:
        return (path, command, arguments)

    def authorize(self, path: str, *, command: str, verb: str = "changes", needs: Role = Role.EDITOR) -> None:
        pass

    def facility(self, name: str) -> Facility:
        return registry.facility(name)(self)


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Point:
    x: int
    y: Annotated[int, AtMost(9)] = 0


@dataclass(frozen=True)
class Verdict:
    allowed: bool
    left: float
    retry_after: Seconds


@dataclass
class State:
    rate: float = 10.0
    burst: Annotated[int, Between(1, 100)] = 20
    names: list[str] = field(default_factory=list)
    seen_at: Moment | None = None


class Machine(Kind[State]):
    """Takes every sort of argument."""

    @command
    def take(self, tokens: Annotated[int, Between(1, 20), Help("how many tokens")] = 1) -> Verdict:
        """Take tokens, or learn when there will be enough.

        A refusal changes nothing and is an answer, not an error.

        > take 15
        allowed yes  left 5  retry_after 0s
        > take 8
        allowed no  left 5  retry_after 0.3s
        """
        self.state.burst -= tokens
        return Verdict(allowed=True, left=float(self.state.burst), retry_after=0)

    @command(reads=True)
    def left(self) -> float:
        """Count the tokens there are now."""
        return float(self.state.burst)

    @command(dangerous=True)
    def wipe(self, name: Name) -> None:
        """Forget a name."""
        self.state.names.remove(name)

    @effect_of(wipe)
    def _effect_of_wipe(self, name: Name) -> str:
        return f"Forgets {name}, one of {len(self.state.names)} names."

    @command(role=Role.ADMIN, alone=True)
    def tell(self, first: str, *others: Annotated[str, Length(1, 5)], loudly: bool = False) -> list[str]:
        """Say words."""
        return [each.upper() if loudly else each for each in (first, *others)]

    @command(name="from")
    def from_(self, class_: str = "x") -> str:
        """Say where it comes from."""
        return class_

    @command
    def everything(
        self,
        *,
        count: int = 0,
        share: float = 0.0,
        sure: bool = True,
        text: str = "",
        colour: Colour = Colour.RED,
        side: Literal["left", "right"] = "left",
        amount: Annotated[Decimal, Unit("euros")] = Decimal("0.1"),
        numbers: list[int] | None = None,
        by_name: dict[str, float] | None = None,
        point: Point | None = None,
        either: int | str = 0,
        value: Json = None,
        wait: Annotated[Seconds, AtLeast(0)] = 0,
        at: Moment | None = None,
        where: ObjectPath = "/",
        name: Name = "n",
        size: Size = 0,
        note: str | None = None,
        password: Secret = "",
        content: Content = Content(),  # noqa: B008 -- never changed
    ) -> Json:
        """Take everything."""
        return None

    @command(reads=True, streams=lambda key="": f"key.{key}")
    def watch(self, key: str = "") -> Json:
        """Tell a value, then its changes."""
        return key


class Sql(Facility):
    """Answers questions."""

    @command(reads=True)
    def sql(self, query: RestOfLine, *, limit: int = 10) -> str:
        """Answer a question.

        > sql select 1
        1
        """
        return query

    @command(reads=True)
    def tables(self) -> list[str]:
        """List tables."""
        return []


registry = Registry.of(Machine, Sql)
commands = registry.commands("machine")


def fields_of(problem: Any) -> dict[str, str]:
    """Give every wrong field and its message."""
    fields: dict[str, str] = problem.value.extra["fields"]
    return fields
