"""Grove beside Cloudflare's workerd, alternating in the same minutes, so that a machine that drifts is fair to both.

    python -m tests.bench.beside --workerd NODE_MODULES [--only lat,tput1] [--repeats 3] [--seconds 4] [--web 1]

NODE_MODULES: a folder where `npm install workerd` was run, outside of the checkout. Needs DATABASE_URL and VALKEY_URL
of servers to measure with; GROVE_SERVER chooses Grove's web server. Starts and stops both runtimes itself. Prints each
figure as the median of the repeats with its range, and the ratio of the medians; `workerd` answers after the write is
on disk, as Grove does.
"""

import argparse
import asyncio
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from config import web
from tests.bench.bench_calls import TESTS, Figure
from tests.bench.targets import Grove, Target, Workerd

HERE = Path(__file__).parent
LOWER_IS_BETTER = ("ms p50", "MiB")


def started(
    command: list[str], url: str, environment: dict[str, str], pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers anything at all."""
    process = subprocess.Popen(
        command, env=environment, pass_fds=pass_fds, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return process
        except OSError:
            time.sleep(0.1)
        else:
            return process
        if process.poll() is not None:
            break
    raise SystemExit(f"{command[0]} does not answer at {url}")


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class OurGrove(Grove):
    """Grove with web processes that this benchmark starts, all on one port."""

    def __init__(self, team: str, token: str, web: int) -> None:
        self.listening = socket.socket()
        self.listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as config.up.ports.listen does
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen(4096)
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/"
        self.web = web
        self.processes: list[subprocess.Popen[bytes]] = []
        super().__init__(self.url, team, token)
        self.start()

    def start(self) -> None:
        fd = self.listening.fileno()
        for _ in range(self.web):
            self.processes.append(started(web.command(fd), self.url, dict(os.environ), (fd,)))
        self.pid = self.processes[0].pid

    def stop(self) -> None:
        for process in self.processes:
            stopped(process)
        self.processes.clear()

    async def forget(self) -> None:
        self.stop()
        self.start()


def our_team() -> tuple[str, str]:
    """Make a team and a token of its owner; give the slug and the secret."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command

    from teams import actions
    from teams.models import Person

    call_command("migrate", verbosity=0)
    owner, _ = Person.objects.get_or_create(email="bench@example.com")
    slug = f"bench-{time.time_ns():x}"
    team = actions.create_team(name=slug, slug=slug, owner=owner)
    _, secret = actions.create_token(team=team, by=owner, name="bench")
    return slug, secret


def ratio(name: str, ours: list[Figure], theirs: list[Figure]) -> str:
    """Give one line: both medians with their ranges, and how many times workerd Grove is."""

    def shown(figures: list[Figure]) -> str:
        values = [figure.value for figure in figures]
        return f"{statistics.median(values):>10,.2f} ({min(values):,.2f}–{max(values):,.2f})"

    times = statistics.median(figure.value for figure in ours) / statistics.median(figure.value for figure in theirs)
    unit = ours[0].unit
    better = "lower is better" if unit in LOWER_IS_BETTER else "higher is better"
    return f"{name:10} grove {shown(ours)}   workerd {shown(theirs)}   {times:6.2f} times   {unit}, {better}"


async def measured(
    name: str, targets: dict[str, Callable[[], Target]], repeats: int, seconds: float
) -> dict[str, list[Figure]]:
    """Run one test on each target in turn, `repeats` times."""
    figures: dict[str, list[Figure]] = {target: [] for target in targets}
    for _ in range(repeats):
        for target, make in targets.items():
            server = make()
            server.run = f"{time.time_ns():x}"
            figures[target].append(await TESTS[name](server, seconds))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workerd", type=Path, required=True, help="the node_modules that holds workerd")
    parser.add_argument("--only", default="", help=f"some of {','.join(TESTS)}")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--web", type=int, default=1, help="web processes of Grove")
    chosen = parser.parse_args()
    binary = next(iter(chosen.workerd.glob("@cloudflare/workerd-*/bin/workerd")), None)
    if binary is None:
        raise SystemExit(f"no workerd in {chosen.workerd}: run `npm install workerd` there")

    folder = Path(tempfile.mkdtemp(prefix="workerd-"))
    storage = ["serve", "--experimental", str(HERE / "workerd/config.capnp"), "-d", f"storage={folder}"]
    theirs_at = "http://127.0.0.1:9801/"
    ours = OurGrove(*our_team(), web=chosen.web)
    theirs = started([str(binary), *storage], theirs_at, dict(os.environ))
    try:
        targets: dict[str, Callable[[], Target]] = {
            "workerd": lambda: Workerd(theirs_at, theirs.pid),
            "grove": lambda: ours,
        }
        for name in chosen.only.split(",") if chosen.only else TESTS:
            figures = asyncio.run(measured(name, targets, chosen.repeats, chosen.seconds))
            sys.stdout.write(ratio(name, figures["grove"], figures["workerd"]) + "\n")
            sys.stdout.flush()
    finally:
        ours.stop()
        stopped(theirs)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
