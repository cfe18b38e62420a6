"""`manage.py up` as a person meets it: one command, one address, and words for what is in the way."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.up.environment import ROOT
from config.up.ports import free_port, listen
from config.up.running import Claim, already, holder, read
from config.up.say import Failure, reason

Manage = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def var() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="grove-test-"))
    made.chmod(0o755)  # Postgres's user must pass
    yield made
    shutil.rmtree(made)


@pytest.fixture
def manage(var: Path) -> Iterator[Manage]:
    """Start manage.py in this environment, without servers given, its data in `var`; none outlives the test."""
    started = []

    def start(*words: str) -> "subprocess.Popen[str]":
        environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "VALKEY_URL")}
        environment |= {"GROVE_SYSTEM_PYTHON": "1", "GROVE_VAR": str(var)}
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=var,
        )  # fmt: skip
        hurry = threading.Timer(300, process.kill)  # a start that hangs fails its test instead of hanging the suite
        hurry.start()
        started.append((process, hurry))
        return process

    yield start
    for process, hurry in started:
        hurry.cancel()
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=120)


def answer(port: int, path: str) -> tuple[int, str]:
    """Ask without following redirections; gives status and Location."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response.status, response.getheader("Location", "")


def test_up_starts_everything_once_and_one_ctrl_c_ends_it(var: Path, manage: Manage) -> None:
    port = free_port()
    grove = manage("up", "--port", str(port))
    assert grove.stdout is not None
    printed = ""
    for line in grove.stdout:
        printed += line
        if "Ctrl-C stops everything" in line:
            break
    address = re.search(rf"http://127\.0\.0\.1:{port}(/enter/[\w-]{{32}}/)", printed)
    assert address is not None, printed

    # The address signs in, a wrong key does not, and both web and database answer.
    status, location = answer(port, address[1])
    assert (status, location.split("/")[1]) == (302, "t")
    assert answer(port, "/enter/wrong/")[0] == 404

    second = manage("up", "--port", str(free_port()))
    refusal, _ = second.communicate(timeout=120)
    assert second.returncode == 1
    assert refusal.splitlines() == [
        "",
        f"Grove already runs in this checkout (pid {grove.pid}). Open it: {address[0]}",
        f"To stop it: Ctrl-C there, or kill {grove.pid}",
    ]

    # Another command uses the running servers, and what it prints is its own.
    ask = manage("shell", "-v", "0", "-c", "from teams.models import Team; print(Team.objects.count())")
    assert ask.communicate(timeout=120)[0] == "1\n"

    state = read(var / "run")
    assert state is not None
    assert sorted(state.children) == [
        "beat",
        "browser",
        "chores",
        "dispatcher",
        "postgres",
        "ssh",
        "tasks",
        "valkey",
        "web",
        "worker",
    ]
    grove.send_signal(signal.SIGINT)
    rest, _ = grove.communicate(timeout=120)
    assert grove.returncode == 0, rest
    stops = re.findall(r"Stopping (.*)", rest)
    assert stops == ["beat", "web, worker, chores, dispatcher, tasks, browser, ssh", "valkey", "postgres"]
    assert [name for name, (pid, _) in state.children.items() if Path(f"/proc/{pid}").exists()] == []
    assert holder(var / "run") is None


def test_a_busy_port_is_named_with_a_free_one_before_anything_is_made(var: Path, manage: Manage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]

        up = manage("up", "--port", str(port))
        printed, _ = up.communicate(timeout=120)

    assert up.returncode == 1
    assert printed.splitlines()[1:2] == [
        f"Port {port} on 127.0.0.1 is in use by another program. Stop that, or choose another port:"
    ]
    other = re.fullmatch(r"  python3 manage\.py up --port (\d+)", printed.splitlines()[2])
    assert other is not None
    assert int(other[1]) != port
    assert list(var.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("127.0.0.1", 70_000, "There is no port 70000: ports are 0 to 65535."),
        ("192.0.2.1", 8000, "This machine has no address '192.0.2.1'. Use 127.0.0.1"),
        ("no.such.host.invalid", 8000, "This machine has no address 'no.such.host.invalid'."),
    ],
)
def test_an_impossible_place_to_listen_is_refused_in_words(host: str, port: int, words: str) -> None:
    with pytest.raises(Failure) as failure:
        listen(host, port)

    assert str(failure.value).startswith(words)


def test_no_web_process_at_all_is_refused(manage: Manage) -> None:
    up = manage("up", "--web", "0")

    assert up.communicate(timeout=120)[0] == "\n--web 0: at least one web process is needed to answer anybody.\n"
    assert up.returncode == 1


def test_a_claim_belongs_to_one_and_comes_back_however_its_holder_ends(var: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from config.up.running import Claim\n"
        "claim = Claim(Path(sys.argv[1]), 'up'); claim.take(); claim.state.url = 'http://here/'; claim.write()\n"
        "print('taken', flush=True); time.sleep(60)"
    )
    first = subprocess.Popen([sys.executable, "-c", code, str(var)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert first.stdout is not None
    assert first.stdout.readline() == "taken\n"

    second = Claim(var, "migrate")
    with pytest.raises(
        Failure, match=rf"Grove already runs in this checkout \(pid {first.pid}\)\. Open it: http://here/"
    ):
        second.take()
    assert (var / "state.json").stat().st_mode & 0o777 == 0o600

    first.kill()
    first.communicate()
    second.take()
    second.give_back()


def test_what_a_killed_start_left_behind_is_stopped_but_no_stranger(var: Path) -> None:
    left, stranger = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    claim = Claim(var, "up")
    claim.take()
    claim.children_changed({"web": left.pid})
    claim.state.children["worker"] = (stranger.pid, time.time() - 1_000)  # the number was another's then
    claim.write()

    claim.stop_leftovers()

    assert left.poll() is not None
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
    claim.give_back()


def test_another_command_at_work_is_named(var: Path) -> None:
    claim = Claim(var, "migrate")
    claim.take()
    claim.write()

    assert already(read(var)) == (
        f"`manage.py migrate` (pid {os.getpid()}) uses this checkout's servers. Wait until it is done."
    )
    claim.give_back()


def test_errors_of_the_system_are_told_with_a_way_out() -> None:
    full, forbidden = OSError(28, "No space left on device", "/x"), PermissionError(13, "Permission denied", "/x")

    assert reason(full) == "The disk is full (/x). Free some space and start again; nothing was lost."
    assert reason(forbidden) == (
        "No permission (/x). Start Grove as the owner of the checkout, or give yourself the right to write."
    )
