"""Who asks is found in time, or the asker is told."""

import threading

import pytest

from objects.surfaces import identity
from teams.problems import OutOfTime


async def test_a_database_that_does_not_tell_who_asks_is_waited_for_so_long_and_no_longer(monkeypatch):
    monkeypatch.setattr(identity, "FIND_S", 0.1)
    answers = threading.Event()

    with pytest.raises(OutOfTime, match=r"did not answer in 0\.1 s"):
        await identity.found(answers.wait, 30)

    answers.set()
    assert await identity.found(answers.wait, 30) is True
