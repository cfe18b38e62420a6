"""Terminals over a real Daphne, with the stand-in for the shell."""

from collections.abc import Callable, Iterator

import pytest

from tests.surfaces.conftest import Web, start, web
from tests.terminal.screens import Person

__all__ = ["web"]  # the process with the real shell


@pytest.fixture(scope="session")
def terminals(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A web process whose terminals have the stand-in. No test may leave a fault of ours in its log."""
    process, running = start(
        tmp_path_factory.mktemp("terminals") / "log", application="tests.terminal.standin_site:application"
    )
    yield running
    process.terminate()
    process.wait(60)
    assert [line for line in running.mistakes() if "by a fault of ours" not in line] == []


@pytest.fixture
def sit_down(terminals: Web, team, token) -> Callable[..., Person]:
    """Sit down at a terminal of the team's owner: `async with sit_down("/") as person`."""

    _, own = token(team, verbs=["reads", "changes", "dangerous"])

    def at(path: str = "/", *, secret: str = own, query: str = "", web: Web = terminals, **options: object) -> Person:
        address = f"ws://127.0.0.1:{web.port}/ws/terminal/{team.slug}{path}{query}"
        return Person(address, headers={"Authorization": f"Bearer {secret}"}, **options)  # type: ignore[arg-type]

    return at
