"""Purses to try the engine on."""

from collections.abc import Callable

import pytest

from objects.commands.registry import registry
from tests.engine.loops import Ran, is_free
from tests.engine.purse import Purse


@pytest.fixture(scope="session", autouse=True)
def purses() -> None:
    """Have the kind `purse`, once in the process."""
    if Purse.name not in registry.kinds:
        registry.add(Purse)


@pytest.fixture
def purse(grove) -> Callable[..., str]:
    """Make a purse with some money and give its path."""

    def new(balance: int = 0) -> str:
        path = grove.new("purse")
        if balance:
            grove.call(path, "put_in", amount=balance)
        return path

    return new


@pytest.fixture
def never_slow(monkeypatch) -> None:
    """A busy machine makes no call slow, and nobody loses patience while something is read."""
    for limit in ("quick.QUICK_S", "transaction.OVERRUN_S", "waking.PATIENCE_S"):
        monkeypatch.setattr(f"objects.engine.{limit}", 60.0)


@pytest.fixture
async def ours(grove, engine_with, never_slow):
    """The grove through an engine whose quick calls run on this test's event loop."""
    engine = engine_with()
    await is_free(engine)
    return grove.through(engine)


@pytest.fixture
def ran(ours, monkeypatch) -> Ran:
    return Ran(ours.engine, monkeypatch)


@pytest.fixture
def patient(monkeypatch) -> None:
    """However long a commit takes, the loop waits for it."""
    for limit in ("on_loop.PATIENCE_S", "on_loop.BUDGET_S"):
        monkeypatch.setattr(f"objects.engine.{limit}", 60.0)
