"""A tiny shell in place of the language, so that what is between bytes and shell is tested by itself."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from terminal import making
from terminal.completion import Completion
from terminal.memory import Memory, Snapshot
from terminal.ports import Screen
from terminal.world import TeamWorld

WORDS = {"echo": "say it again", "flood": "write a lot", "sleep": "wait", "ask": "ask something", "cd": "go elsewhere"}


class StandIn:
    """Runs a handful of words."""

    def __init__(
        self, world: TeamWorld, screen: Screen, keeper: Memory, *, path: str, snapshot: Snapshot | None = None
    ) -> None:
        self.world, self.screen, self.keeper, self.path = world, screen, keeper, path
        self.status = 0
        self.variables: dict[str, Any] = dict(snapshot.variables) if snapshot is not None else {}

    async def close(self) -> None:
        """Nothing."""

    def prompt(self) -> str:
        return f"{self.path} $ "

    def is_complete(self, text: str) -> bool:
        return not text.endswith("\\")

    def kept_variables(self) -> Mapping[str, Any]:
        return self.variables

    async def run(self, text: str) -> int:
        word, _, rest = text.partition(" ")
        match word:
            case "echo":
                await self.screen.write(rest + "\n")
            case "flood":
                line = "0123456789" * 7 + "\n"
                for _ in range(int(rest) // len(line) // 100):
                    await self.screen.write(line * 100)
                await self.screen.write("flooded\n")
            case "once":
                await self.screen.write("x" * int(rest) + "\n")
            case "sleep":
                await asyncio.sleep(float(rest))
                await self.screen.write("slept\n")
            case "ticks":
                for number in range(int(rest)):
                    await self.screen.write(f"tick {number}\n")
                    await asyncio.sleep(0.1)
            case "ask":
                await self.screen.write(f"got {await self.screen.ask('name? ')}\n")
            case "secret":
                answer = await self.screen.ask("password: ", secret=True)
                await self.screen.write(f"got {len(answer)} letters\n")
            case "cd":
                self.path = rest
            case "call":
                command, _, argument = rest.partition(" ")
                given = await self.world.call(self.path, command, {"key": argument} if argument else {}, text=True)
                await self.screen.write(f"{given.value}\n")
            case "let":
                name, _, value = rest.partition("=")
                self.variables[name] = value
            case "get":
                await self.screen.write(f"{self.variables.get(rest)}\n")
            case "size":
                await self.screen.write(f"{self.screen.width}x{self.screen.height}\n")
            case "exit":
                self.screen.is_leaving = True
            case "fault":
                raise ZeroDivisionError
            case "fail":
                return int(rest)
            case _:
                await self.screen.write(f"[{text!r}]\n")
        return 0


class StandInHelper:
    """Completes the words of the stand-in."""

    def __init__(self, shell: StandIn, redraw: Any) -> None:
        self.shell = shell
        self.lines: Sequence[str] = ()

    def is_complete(self, text: str) -> bool:
        return self.shell.is_complete(text)

    def recall(self, lines: Sequence[str], here: Sequence[str]) -> None:
        self.lines = lines

    def suggest(self, text: str) -> str:
        return next((line[len(text) :] for line in reversed(self.lines) if line.startswith(text)), "")

    def colours(self, text: str) -> list[tuple[str, str]]:
        word, space, rest = text.partition(" ")
        return [("class:command" if word in WORDS else "class:unknown", word), ("", space + rest)]

    async def complete(self, text: str, cursor: int) -> list[Completion]:
        return [Completion(word, 0, help=told) for word, told in WORDS.items() if word.startswith(text[:cursor])]


def use() -> None:
    """Have sessions of this process use the stand-in."""
    making.make_shell = StandIn  # type: ignore[assignment]
    making.make_helper = StandInHelper  # type: ignore[assignment]
