"""What the coming hours bring: the next moments of each schedule, and where in that time it fires, in bounded work."""

from datetime import datetime
from itertools import pairwise

import pytest

from tests.timing.conftest import bells

__all__ = ["bells"]  # fixtures


def moments(texts: list[str]) -> list[float]:
    return [datetime.fromisoformat(each).timestamp() for each in texts]


def test_each_schedule_that_is_on_tells_its_next_moments_and_every_part_of_the_day_in_which_it_fires(grove):
    bell = grove.new("bell")
    for name, spec in (("quarters", "*/15 * * * *"), ("daily", "0 9 * * *"), ("never", "at 2100-01-01T00:00"),
                       ("off", "*/15 * * * *")):  # fmt: skip
        grove.outcome(bell, "cron.add", {"name": name, "spec": spec, "command": "ring"}, check=True)
    grove.call(bell, "cron.pause", names=["off"])

    ahead = {each["name"]: each for each in grove.call(bell, "cron.ahead", count=3, parts=24)}
    following = [each["at"] for each in grove.call(bell, "cron.next", name="quarters", count=3)]

    assert list(ahead) == ["daily", "never", "quarters"]
    assert ahead["quarters"]["fires"] == following
    assert {name: len(each["spread"]) for name, each in ahead.items()} == {"quarters": 24, "daily": 1, "never": 0}
    assert ahead["never"]["fires"] == []
    assert ahead["daily"]["fires"] == ahead["daily"]["spread"]


def test_one_that_fires_each_second_tells_one_moment_a_part(grove):
    bell = grove.new("bell")
    grove.outcome(bell, "cron.add", {"name": "often", "spec": "every 1s", "command": "ring"}, check=True)

    (often,) = grove.call(bell, "cron.ahead", hours=1, parts=60)

    spread = moments(often["spread"])
    assert len(spread) in (60, 61)  # where the hour begins upon a moment, it ends upon one
    assert all(59 <= later - sooner <= 61 for sooner, later in pairwise(spread))


def test_nothing_is_told_of_the_time_after_a_schedules_end(grove):
    bell = grove.new("bell")
    far = {"name": "x", "spec": "every 10m", "command": "ring"}
    grove.outcome(bell, "cron.add", far, check=True)
    (before,) = grove.call(bell, "cron.ahead", hours=2, parts=12, count=20)
    grove.call(bell, "cron.edit", name="x", ends=before["fires"][2])

    (after,) = grove.call(bell, "cron.ahead", hours=2, parts=12, count=20)

    assert len(before["fires"]) == 12
    assert after["fires"] == before["fires"][:3]
    assert len(after["spread"]) <= 3


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_objects_with_something_ahead_are_told_in_the_order_of_their_paths(grove, after):
    paths = [grove.new("bell", name) for name in ("b", "c", "a")]
    for path in paths:
        grove.outcome(path, "cron.add", {"name": "x", "spec": "@daily", "command": "ring"}, check=True)
    places = ["", *sorted(paths)]

    found = grove.call(grove.home, "cron.agenda", by="path", after=places[after])

    assert [each["path"] for each in found] == sorted(paths)[after:]
