"""`up`: Grove's processes on this machine, from nothing to an address that signs in, and back."""

import os
import secrets
import shutil
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

from config.up.assets import build_assets
from config.up.environment import ROOT
from config.up.ports import free_port, listen, shown
from config.up.running import Claim
from config.up.say import Failure, say
from config.up.servers import start_servers
from config.up.supervisor import Program, Stopped, Supervisor
from config.web import FINISH_S, command
from teams.limits import Limits

WEB_RANK, BEAT_RANK = 2, 3  # no new work first, then those who do it, then (see servers) what they need
ANSWERS_S = 60.0
SSH_PORT = 8022
LOW_DISK_BYTES = 100 << 20  # with less `up` does not start
FULL_DISK_BYTES = 20 << 20  # Postgres writes its log in pieces of 16 MB


def run(var: Path, *, host: str, port: int, web_count: int, ssh_port: int | None = None) -> int:
    """Start everything, say where it is, and supervise until told to stop; gives the exit code."""
    var.mkdir(parents=True, exist_ok=True)
    claim = Claim(var / "run", "up")
    claim.take()
    try:
        claim.stop_leftovers()  # they may hold the port
        # No port of its own was asked for: then one that is taken is no reason not to start.
        ssh_port = free_port(host, near=SSH_PORT) if ssh_port is None else ssh_port
        with (
            listen(host, port) as door,
            listen(host, ssh_port) as ssh_door,
            Supervisor(claim.children_changed, lambda: disk_hint(var)) as supervisor,
        ):
            claim.write()
            try:
                address = start(supervisor, claim, var, door, ssh_door, web_count, host)
                say(f"Grove is up. This address signs you in as the demo team's owner:\n\n    {address}\n")
                supervisor.start(ssh(claim.state.environment, ssh_door))
                say(f"Terminals over SSH: ssh -p {ssh_door.getsockname()[1]} demo@{shown(host)}, with a token or a key")
                say("Ctrl-C stops everything")
                supervisor.run_until_stopped()
            except Stopped:
                say("Stopping before everything was up")
        say("Stopped; nothing of Grove runs any more")
        return 0
    finally:
        claim.give_back()


def start(  # noqa: PLR0917 -- all that the processes need to know
    supervisor: Supervisor,
    claim: Claim,
    var: Path,
    door: socket.socket,
    ssh_door: socket.socket,
    web_count: int,
    host: str,
) -> str:
    """Start the processes in the order in which they need each other; gives the address that signs in."""
    place = f"{shown(host)}:{door.getsockname()[1]}"
    refuse_full_disk(var)
    build_assets(ROOT)
    key = secrets.token_urlsafe(24)
    environment = {**start_servers(supervisor, var), "GROVE_VAR": str(var), "PYTHONUNBUFFERED": "1"}
    environment["GROVE_OWN_PORTS"] = ",".join(str(each.getsockname()[1]) for each in (door, ssh_door))
    say("Bringing the database up to date")
    if supervisor.run(Program("prepare", [sys.executable, "-m", "config.up.prepare"], environment, directory=ROOT)):
        raise Failure(
            "The database could not be brought up to date: the lines above tell why. Nothing else was started."
        )
    say("Starting web")
    for number in range(1, web_count + 1):
        told = {"GROVE_ENTER_KEY": key, "GROVE_SSH_PORT": str(ssh_door.getsockname()[1])}
        supervisor.start(web(number, environment | told, door))
    wait_for_answer(supervisor, f"http://{place}/")
    say("Starting workers, dispatcher and beat")
    supervisor.start(worker(environment))
    supervisor.start(chores(environment))
    supervisor.start(dispatcher(environment))
    supervisor.start(tasks(environment))
    supervisor.start(browser(environment))
    supervisor.start(beat(environment))
    address = f"http://{place}/enter/{key}/"
    claim.state.url, claim.state.environment = address, environment
    claim.write()
    return address


def web(number: int, environment: dict[str, str], door: socket.socket) -> Program:
    """A web process; all accept from one listening socket, so the kernel hands a connection to whoever is free."""
    return Program(
        "web" if number == 1 else f"web-{number}", command(door.fileno(), environment=environment), environment,
        inherits=(door.fileno(),), directory=ROOT, stop_s=FINISH_S, rank=WEB_RANK,
    )  # fmt: skip


def ssh(environment: dict[str, str], door: socket.socket) -> Program:
    """Terminals over SSH; what a person had open there ends with it."""
    return Program(
        "ssh", [sys.executable, str(ROOT / "manage.py"), "sshd", "--fd", str(door.fileno())], environment,
        inherits=(door.fileno(),), directory=ROOT, rank=WEB_RANK,
    )  # fmt: skip


def worker(environment: dict[str, str]) -> Program:
    """A Celery worker with a process a core; it finishes what it does before it stops."""
    options = ["--loglevel", "WARNING", "--concurrency", str(min(4, os.cpu_count() or 1)), "--without-gossip"]
    options += ["--hostname", "worker@%h", "--queues", "wakes"]
    return Program(
        "worker", celery("worker", *options), quiet_root(environment), directory=ROOT, stop_s=20, rank=WEB_RANK
    )


def chores(environment: dict[str, str]) -> Program:
    """A Celery worker for what can wait, such as summaries of all teams: what is due at a moment goes before it."""
    options = ["--queues", "chores", "--pool", "threads", "--concurrency", "4", "--hostname", "chores@%h"]
    return Program(
        "chores", celery("worker", "--loglevel", "WARNING", "--without-gossip", *options), quiet_root(environment),
        directory=ROOT, stop_s=20, rank=WEB_RANK, niceness=5,
    )  # fmt: skip


def tasks(environment: dict[str, str]) -> Program:
    """A Celery worker for teams' tasks: a thread each, that watches the process in which it runs."""
    count = Limits.from_environment(os.environ).TASK_PROCESSES
    options = ["--queues", "tasks", "--pool", "threads", "--concurrency", str(count), "--hostname", "tasks@%h"]
    return Program(
        "tasks", celery("worker", "--loglevel", "WARNING", "--without-gossip", *options), quiet_root(environment),
        directory=ROOT, stop_s=10, rank=WEB_RANK,
    )  # fmt: skip


def browser(environment: dict[str, str]) -> Program:
    """A host for objects' browsers. It starts its Chromium when the first is needed."""
    return Program(
        "browser", [sys.executable, str(ROOT / "manage.py"), "browserhost"], quiet_root(environment), directory=ROOT,
        stop_s=30, rank=WEB_RANK,
    )  # fmt: skip


def dispatcher(environment: dict[str, str]) -> Program:
    """A Celery worker for the ticks alone: it looks for what is due and hands it to the others. Two do no harm."""
    options = ["--loglevel", "WARNING", "--pool", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    options += ["--hostname", "dispatcher@%h", "--queues", "ticks"]
    return Program("dispatcher", celery("worker", *options), quiet_root(environment), directory=ROOT, rank=WEB_RANK)


def beat(environment: dict[str, str]) -> Program:
    """Celery beat; its schedule is in the database."""
    options = ["--loglevel", "WARNING", "--pidfile=", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"]
    return Program("beat", celery("beat", *options), quiet_root(environment), directory=ROOT, rank=BEAT_RANK)


def celery(*words: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", *words]


def quiet_root(environment: dict[str, str]) -> dict[str, str]:
    """Celery warns of root because pickles could then run code as root; Grove's tasks are JSON only."""
    return environment | {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}


def wait_for_answer(supervisor: Supervisor, address: str) -> None:
    """Wait until a web process answers a request. Raises Failure when none will, or only with errors of its own."""
    status, errors = 0, 0

    def is_decided() -> bool:
        nonlocal status, errors
        status = answer(address) if "web" in supervisor.children else 0
        errors += status >= 500
        return 0 < status < 500 or errors >= 3 or supervisor.restarts("web") >= 3

    supervisor.wait_until(is_decided, ANSWERS_S)
    if not 0 < status < 500:
        how = f"answers only with errors (status {status})" if status else "does not answer"
        raise Failure(f"The web process {how}: its lines above tell why. Everything else was stopped again.")


def answer(address: str) -> int:
    """Give the HTTP status that comes from there, 0 for none."""
    try:
        # A short wait: the process that reads this also shows what the others say.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Here)
        with opener.open(address, timeout=0.5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class Here(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: that it answers is enough."""

    def redirect_request(self, *_: object) -> None:
        return None


def disk_hint(var: Path) -> str:
    """Tell of a full disk, which may be why a program crashed; "" when there is room."""
    if shutil.disk_usage(var).free >= FULL_DISK_BYTES:
        return ""
    return f"The disk of {var} is full. Free some space: everything then goes on by itself, and nothing was lost"


def refuse_full_disk(var: Path) -> None:
    """Refuse to start a database on a disk that is all but full: it would stop at its first checkpoint."""
    free_bytes = shutil.disk_usage(var).free
    if free_bytes < LOW_DISK_BYTES:
        raise Failure(
            f"Only {free_bytes >> 20} MB are free on the disk of {var}, and Grove needs {LOW_DISK_BYTES >> 20} MB "
            "to start. Free some space and start again; nothing was changed."
        )
