"""Grove as `up` runs it, with servers of its own, for tests that kill parts of it: `python -m tests.chaos.ground DIR`.

The same programs under the same supervisor, but two web processes, 20 planted teams and hardly a pause before a killed
program is started again. `DIR/run/state.json` says which processes there are; it is ready when `url` is in it.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

from config.up.environment import ROOT
from config.up.grove import beat, browser, chores, dispatcher, quiet_root, tasks, wait_for_answer, web, worker
from config.up.ports import listen
from config.up.running import Claim
from config.up.say import started_at
from config.up.servers import start_servers
from config.up.supervisor import PR_SET_PDEATHSIG, Program, Stopped, Supervisor

WEB_PROCESSES = 2
SETTINGS = {
    "PYTHONUNBUFFERED": "1",
    "GROVE_KIND_PACKAGES": "tests.engine.purse,tests.timing.bell,tests.work.errands,tests.work.voyage",
    "GROVE_WAKE_LEASE_S": "2",
    "GROVE_CRON_RUNS": "100000",
    "GROVE_TASK_REDELIVERY_S": "3",
    "GROVE_TASK_LEASE_S": "300",  # longer than any test waits: the death of a worker is to be noticed before
    "GROVE_TASK_LOST": "1000",  # here it is not the tasks' fault
    "GROVE_LOG_LEVEL": "WARNING",
}


def main(directory: Path) -> None:
    """Start all, and keep it running until SIGTERM, or until who started it is gone: a run may be interrupted."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    started_at()
    for name in ("DATABASE_URL", "VALKEY_URL"):
        os.environ.pop(name, None)
    claim = Claim(directory / "run", "chaos")
    claim.take()
    with (
        listen("127.0.0.1", 0) as door,
        Supervisor(claim.children_changed, first_delay_s=0.02, longest_delay_s=2) as supervisor,
    ):
        place = f"127.0.0.1:{door.getsockname()[1]}"
        try:
            chosen = {name: os.environ.get(name, value) for name, value in SETTINGS.items()}
            environment = {**start_servers(supervisor, directory), **chosen, "GROVE_VAR": str(directory)}
            for module in ("config.up.prepare", "tests.chaos.plant"):
                if supervisor.run(Program(module, [sys.executable, "-m", module], environment, directory=ROOT)):
                    raise SystemExit(f"{module} failed")
            for number in range(1, WEB_PROCESSES + 1):
                supervisor.start(web(number, environment, door))
            work = worker(environment)
            supervisor.start(Program(
                work.name, [*work.command, "--include", "tests.chaos.tasks"], quiet_root(environment), directory=ROOT,
                stop_s=work.stop_s, rank=work.rank,
            ))  # fmt: skip
            wait_for_answer(supervisor, f"http://{place}/")
            for made in (chores, tasks, browser, dispatcher, beat):
                supervisor.start(made(environment))
            claim.state.url, claim.state.environment = f"http://{place}", environment
            claim.write()
            supervisor.run_until_stopped()
        except Stopped:
            pass
    claim.give_back()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
