"""What the supervisor promises about processes: prefixes, restarts with back-off, an order of stopping."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from config.up.environment import ROOT
from config.up.say import Failure
from config.up.supervisor import Program, Supervisor, ending

# A child that says when it is told to stop, and takes a moment to obey.
OBEDIENT = """
import signal, sys, time
def stop(*_):
    time.sleep(0.1)
    print("stopped", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True:
    time.sleep(1)
"""
STUBBORN = OBEDIENT.replace("    sys.exit()\n", "")


def python(name: str, code: str, **options: object) -> Program:
    return Program(name, [sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def names_and_lines(printed: str) -> list[tuple[str, str]]:
    """Split what was printed into (name, text), without the seconds that Grove's own lines begin with."""
    lines = [line.split(" | ", 1) for line in printed.splitlines() if " | " in line]
    return [(name.strip(), text.split(" s  ", 1)[-1] if name.strip() == "grove" else text) for name, text in lines]


def test_each_line_of_a_process_bears_its_name_and_half_a_line_waits_for_its_rest(
    capsys: pytest.CaptureFixture,
) -> None:
    code = (
        "import sys, time\n"
        "for part in ('one\\ntw', 'o\\n', 'last'):\n"
        "    sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.05)"
    )

    with Supervisor() as supervisor:
        assert supervisor.run(python("beat", code)) == 0

    assert names_and_lines(capsys.readouterr().out) == [("beat", "one"), ("beat", "two"), ("beat", "last")]


def test_a_program_that_crashes_is_started_again_later_and_later(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    code = f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"

    with Supervisor(first_delay_s=0.1) as supervisor:
        supervisor.start(python("web", code))
        assert supervisor.wait_until(lambda: supervisor.restarts("web") == 4, 10)

    said = [text for name, text in names_and_lines(capsys.readouterr().out) if name == "grove"]
    assert [text.rsplit("; ", 1)[-1] for text in said] == [f"again in {delay:g} s" for delay in (0.1, 0.2, 0.4, 0.8)]
    assert len(starts.read_text()) == 4


def test_a_crash_is_told_with_what_may_be_the_reason(capsys: pytest.CaptureFixture) -> None:
    with Supervisor(hint=lambda: "The disk is full", first_delay_s=30) as supervisor:
        supervisor.start(python("web", "raise SystemExit(1)"))
        assert supervisor.wait_until(lambda: supervisor.restarts("web") == 1, 10)

    said = [re.sub(r"after [\d.]+ s", "after a while", text) for _, text in names_and_lines(capsys.readouterr().out)]
    assert said == ["The disk is full", "web ended with exit code 1 after a while; again in 30 s"]


def test_a_killed_program_takes_what_it_started_along() -> None:
    code = (
        "import subprocess, sys, time\np = subprocess.Popen(['sleep', '60'])\nprint(p.pid, flush=True)\ntime.sleep(60)"
    )
    with Supervisor(first_delay_s=30) as supervisor:
        supervisor.start(python("worker", code))
        worker = psutil.Process(supervisor.pids()["worker"])
        assert supervisor.wait_until(lambda: bool(worker.children()), 10)
        grandchild = worker.children()[0]

        worker.kill()
        assert supervisor.wait_until(lambda: "worker" not in supervisor.children, 5)

        assert supervisor.wait_until(lambda: not grandchild.is_running() or grandchild.status() == "zombie", 5)


def test_a_program_that_does_not_exist_is_refused_by_name() -> None:
    with Supervisor() as supervisor, pytest.raises(Failure) as failure:
        supervisor.start(Program("web", ["/nowhere/daphne"]))

    assert str(failure.value) == "web cannot be started: No such file or directory: /nowhere/daphne"


def test_endings_are_told_in_words() -> None:
    assert [ending(3), ending(-9)] == ["ended with exit code 3", "was killed (SIGKILL)"]


def supervised(programs: str) -> "subprocess.Popen[str]":
    """Start a supervisor in a process of its own, over programs given as Python text."""
    code = (
        "from config.up.supervisor import *\nimport sys\n"
        f"def child(name, code, rank, **o): return Program(name, [sys.executable, '-c', code], rank=rank, **o)\n"
        f"OBEDIENT = {OBEDIENT!r}\nSTUBBORN = {STUBBORN!r}\n"
        f"with Supervisor() as s:\n    for p in [{programs}]: s.start(p)\n    s.run_until_stopped()\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)


def read_until_ready(process: "subprocess.Popen[str]", count: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        count -= line.endswith("| ready\n")
        if not count:
            return


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_all_in_order_of_rank(number: signal.Signals) -> None:
    process = supervised("child('postgres', OBEDIENT, 0), child('web', OBEDIENT, 2), child('beat', OBEDIENT, 3)")
    read_until_ready(process, 3)

    process.send_signal(number)
    printed, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert names_and_lines(printed) == [
        ("grove", "Stopping beat"),
        ("beat", "stopped"),
        ("grove", "Stopping web"),
        ("web", "stopped"),
        ("grove", "Stopping postgres"),
        ("postgres", "stopped"),
    ]


def test_a_second_signal_does_not_wait_for_the_stubborn() -> None:
    process = supervised("child('worker', STUBBORN, 1, stop_s=60)")
    read_until_ready(process, 1)
    began = time.monotonic()

    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert process.returncode == 0
    assert time.monotonic() - began < 10


def test_programs_do_not_outlive_a_killed_supervisor() -> None:
    process = supervised("child('web', OBEDIENT, 1)")
    read_until_ready(process, 1)
    child = psutil.Process(process.pid).children()[0]

    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)

    psutil.wait_procs([child], timeout=10)
    assert not child.is_running()
