"""A person at a shell: a screen that keeps what it is shown, agreed answers, and the real engine behind."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from teams.access import Caller
from terminal.ports import Remembered
from terminal.shell import Shell
from terminal.world import TeamWorld


@dataclass
class FakeScreen:
    """Keeps what it was shown. answers: what the person says when asked; edited: what they make of any text."""

    width: int = 100
    height: int = 40
    colours: int = 0
    pictures: str = ""
    plain: bool = False
    shown: str = ""
    answers: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    delay_s: float = 0.0
    edited: str | None = None

    async def write(self, text: str) -> None:
        await asyncio.sleep(self.delay_s)
        self.shown += text

    async def ask(self, question: str, *, secret: bool = False) -> str:
        self.questions.append(question)
        return self.answers.pop(0) if self.answers else ""


class FakeKeeper:
    """Remembers for as long as the test runs."""

    def __init__(self) -> None:
        self.kept_lines: list[Remembered] = []
        self.kept_aliases: dict[str, str] = {}
        self.kept_macros: dict[str, str] = {}
        self.kept_startup = ""

    async def remember(self, line: str, path: str, status: int) -> None:
        self.kept_lines.append(Remembered(line, path, datetime(2026, 5, 17, 9, 30, tzinfo=UTC), status))

    async def history(self, *, path: str = "", part: str = "", limit: int = 1_000) -> Sequence[Remembered]:
        found = [each for each in self.kept_lines if path in ("", each.path) and part in each.line]
        return found[-limit:]

    async def macros(self) -> Mapping[str, str]:
        return dict(self.kept_macros)

    async def save_macro(self, name: str, text: str) -> None:
        _keep(self.kept_macros, name, text)

    async def aliases(self) -> Mapping[str, str]:
        return dict(self.kept_aliases)

    async def save_alias(self, name: str, text: str) -> None:
        _keep(self.kept_aliases, name, text)

    async def startup(self) -> str:
        return self.kept_startup

    async def save_startup(self, text: str) -> None:
        self.kept_startup = text


def _keep(kept: dict[str, str], name: str, text: str) -> None:
    if text:
        kept[name] = text
    else:
        kept.pop(name, None)


@dataclass(frozen=True)
class Known:
    """Somebody who is known already."""

    team: str
    as_caller: Caller

    def known(self) -> Caller:
        return self.as_caller

    async def caller(self) -> Caller:
        return self.as_caller


class Person:
    """Types lines and reads what comes."""

    def __init__(self, caller: Caller, team: str, home: str, **screen: Any) -> None:
        self.screen = FakeScreen(**screen)
        self.keeper = FakeKeeper()
        self.shell = Shell(TeamWorld(Known(team, caller), caller), self.screen, self.keeper, path=home)

    async def types(self, *lines: str) -> str:
        """Type lines and give what was shown for the last of them."""
        for line in lines:
            self.screen.shown = ""
            async with asyncio.timeout(30):
                await self.shell.run(line)
        return self.screen.shown

    @property
    def status(self) -> int:
        return self.shell.status
