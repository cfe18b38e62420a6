"""A log-in on the demo site outlives `kill -9` of whatever has a part in it, and a restart of everything."""

import os
import signal
import time
from contextlib import suppress
from typing import Any

import psutil
import pytest

from tests.chaos.conftest import Ground
from tests.chaos.load import Team
from tests.chaos.test_tasks import persistently

DEMO = "http://demo.localhost"
BACK_S = 120.0  # less than half of the lease of a task in this Grove


def ask(team: Team, path: str, command: str, **arguments: Any) -> Any:
    """Run a command of the browser and give its result."""
    return ended(team, path, start(team, path, command, **arguments))


def start(team: Team, path: str, command: str, **arguments: Any) -> str:
    started = team.call(path, f"browser.{command}", **arguments)
    assert started.status_code == 202, started.text
    return str(started.json()["value"]["task"])


def ended(team: Team, path: str, task: str) -> Any:
    until = time.monotonic() + 60
    while True:
        shown = team.value(path, "task.show", task=task)
        if shown["state"] in ("done", "failed", "cancelled"):
            assert shown["state"] == "done", shown["problem"]
            return shown["value"]
        assert time.monotonic() < until, shown
        time.sleep(0.02)


@pytest.fixture
def browsing(ground: Ground) -> tuple[Team, str]:
    """A team, and an object of it whose browser is logged in on the demo site."""
    team, path = ground.teams[7], f"/browsers/{time.monotonic_ns()}"
    persistently(team, path, "state.set", create="browser", key="n", value=1)
    ask(team, path, "open", url=f"{DEMO}/login")
    ask(team, path, "fill", field="Name", text="ann")
    ask(team, path, "fill", field="Password", text="orchard")
    ask(team, path, "click", target="button[name=login]")
    ask(team, path, "eval", script="void (localStorage.mark = 'kept')")
    assert ask(team, path, "tabs")[0]["url"] == f"{DEMO}/account"
    return team, path


def is_logged_in(team: Team, path: str) -> bool:
    there = ask(team, path, "reload")["url"] == f"{DEMO}/account"
    return there and ask(team, path, "eval", script="localStorage.mark") == "kept"


def chromium_of(host_pid: int) -> list[psutil.Process]:
    return [each for each in psutil.Process(host_pid).children(recursive=True) if "chrom" in each.name()]


def is_there(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_log_in_outlives_chromium_however_often(ground: Ground, browsing: tuple[Team, str]):
    for _ in range(3):
        for process in chromium_of(ground.pid("browser")):
            with suppress(ProcessLookupError):  # it ended with those before
                os.kill(process.pid, signal.SIGKILL)

        assert is_logged_in(*browsing)


@pytest.mark.parametrize("victim", ["browser", "tasks", "worker", "postgres"])
def test_a_log_in_outlives_whoever_has_a_part_in_it(ground: Ground, browsing: tuple[Team, str], victim: str):
    pid = ground.kill(victim)
    ground.wait_back(victim, pid)
    ground.wait_answers()

    assert is_logged_in(*browsing)


def test_what_a_host_was_doing_when_it_was_killed_is_known_and_others_go_on_soon(
    ground: Ground, browsing: tuple[Team, str]
):
    team, path = browsing
    host = ground.pid("browser")
    left_behind = chromium_of(host)
    clicking = start(team, path, "press", key="a")
    assert ended(team, path, clicking)["did"] == "pressed a"
    waiting = start(team, path, "wait", what="time", value="30")
    acting = start(team, path, "press", key="b")
    ground.wait(lambda: team.value(path, "task.show", task=waiting)["state"] == "running")

    ground.kill("browser")
    killed_at = time.monotonic()
    ground.wait(lambda: team.value(path, "task.show", task=waiting)["tries"] == 2, BACK_S)
    print(f"\nthe browsers' host was killed: what it was at is begun again after {time.monotonic() - killed_at:.1f} s")

    team.value(path, "task.cancel", task=waiting)
    assert ended(team, path, acting)["did"] == "pressed b"
    assert is_logged_in(team, path)
    ground.wait(lambda: not any(is_there(each) for each in left_behind))


def test_a_click_that_a_host_died_with_is_not_done_twice(ground: Ground, browsing: tuple[Team, str]):
    team, path = browsing
    ask(team, path, "eval", script="void (document.body.innerHTML = '<button disabled>Not yet</button>')")
    clicking = start(team, path, "click", target="Not yet")  # which waits until it can be
    ground.wait(lambda: team.value(path, "task.show", task=clicking)["state"] == "running")

    pid = ground.kill("browser")
    ground.wait_back("browser", pid)
    ground.wait(lambda: team.value(path, "task.show", task=clicking)["state"] == "failed", BACK_S)

    shown = team.value(path, "task.show", task=clicking)
    assert "nobody knows how far it came" in shown["problem"]["detail"]
    assert shown["tries"] == 2  # it was taken again, to be told, and not begun


def test_a_log_in_outlives_a_restart_of_everything(ground: Ground, browsing: tuple[Team, str]):
    team, path = browsing
    number = ground.teams.index(team)

    ground.again()

    assert is_logged_in(ground.teams[number], path)
