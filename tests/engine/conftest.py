"""Purses to try the engine on."""

from collections.abc import Callable

import pytest

from objects.commands.registry import registry
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
