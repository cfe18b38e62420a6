"""Somebody who types: a stand-in for the shell with the real world and the real memory behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from teams.access import Caller
from terminal.memory import Memory


@dataclass
class World:
    """A team's tree through the engine, as one caller; counts what it was asked."""

    engine: Any
    caller: Caller
    team: str = "acme"
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def call(self, path, command, arguments, *, text=False, confirmed=False):
        from objects.commands.registry import registry
        from terminal.ports import Answer

        self.asked.append((path, command))
        outcome = await self.engine.acall(self.caller.schema, path, command, dict(arguments), self.caller, text=text)
        if outcome.problem is not None:
            raise outcome.problem
        return Answer(outcome.value, registry.command(await self.kind_of(path), command), outcome.version)

    async def kind_of(self, path: str) -> str:
        outcome = await self.engine.acall(self.caller.schema, path, "tree.describe", {}, self.caller)
        if outcome.problem is not None:
            raise outcome.problem
        return str(outcome.value["kind"])

    async def commands(self, path: str):
        from objects.commands.registry import registry

        role = self.caller.role_at(path)
        return {name: spec for name, spec in registry.commands(await self.kind_of(path)).items() if role >= spec.needs}

    def events(self, path, topic):
        raise NotImplementedError


@dataclass
class Typist:
    """What of a shell matters while somebody types."""

    world: World
    keeper: Memory
    path: str
    variables: Mapping[str, Any] = field(default_factory=dict)


def typist(grove, path: str, **variables: Any) -> Typist:
    """Sit down at an object."""
    keeper = Memory(grove.caller.schema, f"{grove.caller.id}-{path}")
    return Typist(World(grove.engine, grove.caller), keeper, path, variables)
