"""What can follow `manage.py`: `up`, `test`, `install`, `assets`, and Django's own commands."""

import argparse
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from config.up.environment import ROOT, Environment, enter
from config.up.ports import listen
from config.up.running import Claim, already, holder, read
from config.up.say import Failure, aside, reason, started_at

if TYPE_CHECKING:  # what is installed in the environment may be missing still
    from config.up.supervisor import Supervisor

VAR = Path(os.environ.get("GROVE_VAR", ROOT / "var"))
MOST_SHARES = 4  # of the tests: the longest of them take a quarter of the time
WITHOUT_SERVERS = {"diffsettings", "help", "makemessages", "newkind", "version", "--help", "-h", "--version"}


def main(arguments: Sequence[str]) -> int:
    """Run a command; gives the exit code. Whatever is expected to go wrong is a message, not a traceback."""
    started_at()
    own: dict[str, Callable[[Sequence[str]], int]] = {"up": up, "test": test, "install": install, "assets": assets}
    try:
        name = arguments[0] if arguments else "help"
        return own[name](arguments[1:]) if name in own else django(arguments)
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE):
            raise
        print(f"\n{reason(error)}", file=sys.stderr)
        return 1


def up(arguments: Sequence[str]) -> int:
    """Start Grove here and keep it running until Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="manage.py up",
        description="Make what Grove needs, start it, and print one address that signs you in. Ctrl-C stops all.",
        epilog="DATABASE_URL and VALKEY_URL replace the embedded servers. README.md tells the rest.",
    )
    parser.add_argument("--port", type=int, default=8000, help="where browsers find it (default 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine)")
    parser.add_argument("--web", type=int, default=1, metavar="N", help="web processes that share the port (default 1)")
    parser.add_argument("--ssh-port", type=int, help="where SSH clients find it (default 8022, or the next free)")
    options = parser.parse_args(arguments)
    if options.web < 1:
        raise Failure(f"--web {options.web}: at least one web process is needed to answer anybody.")
    # Both before anything is made or started: who can't start learns it at once.
    there = holder(VAR / "run")
    if there is not None:
        raise Failure(already(there))
    if read(VAR / "run") is None:  # else a killed `up` may have left the port's holder behind: `run` stops it first
        listen(options.host, options.port).close()
    enter(["base"])
    from config.up.grove import run  # noqa: PLC0415 -- needs the environment

    return run(VAR, host=options.host, port=options.port, web_count=options.web, ssh_port=options.ssh_port)


def test(arguments: Sequence[str]) -> int:
    """Run pytest with servers of its own, so that it neither needs nor disturbs a running Grove.

    All tests at once are shared out among processes, by file; `-n 0` has them run in this one, one after the other.
    """
    enter(["base", "dev"])
    if not any(each.startswith("-n") or not each.startswith("-") for each in arguments):
        shares = max(2, min(MOST_SHARES, os.cpu_count() or 1))
        arguments = ["-n", str(shares), "--dist", "loadfile", *arguments]
    return _with_servers("test", VAR / "test", [sys.executable, "-m", "pytest", *arguments], is_fleeting=True)


def install(arguments: Sequence[str]) -> int:
    """Make the environment only."""
    parser = argparse.ArgumentParser(prog="manage.py install", description="Make or repair the Python environment.")
    parser.add_argument("--dev", action="store_true", help="with what tests and checks need")
    options = parser.parse_args(arguments)
    parts = ["base", "dev"] if options.dev else ["base"]
    if not Environment().put_right(parts):
        print("The environment is right: .venv")
    return 0


def assets(arguments: Sequence[str]) -> int:
    """Build the front end only."""
    argparse.ArgumentParser(prog="manage.py assets", description="Build static/built from static/src.").parse_args(
        arguments
    )
    enter(["base"])
    from config.up.assets import build_assets  # noqa: PLC0415 -- needs the environment

    build_assets(ROOT)
    return 0


def django(arguments: Sequence[str]) -> int:
    """Run one of Django's commands, against the servers of a running `up` or of its own."""
    aside(sys.stderr)
    enter(["base"])
    name = next((argument for argument in arguments if not argument.startswith("-")), "help")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    given = "DATABASE_URL" in os.environ and "VALKEY_URL" in os.environ
    there = holder(VAR / "run")
    if there is not None and there.environment:
        os.environ.update({**there.environment, **os.environ})
        given = True
    if given or name in WITHOUT_SERVERS or not arguments or "--help" in arguments:
        from django.core.management import execute_from_command_line  # noqa: PLC0415 -- needs the environment

        execute_from_command_line(["manage.py", *(arguments or ["help"])])
        return 0
    return _with_servers(name, VAR, [sys.executable, str(ROOT / "manage.py"), *arguments])


def _with_servers(what: str, var: Path, command: Sequence[str], *, is_fleeting: bool = False) -> int:
    """Run a command while servers run for it; they are stopped after it. is_fleeting: as `start_servers` says."""
    from config.up.servers import start_servers  # noqa: PLC0415 -- needs the environment
    from config.up.supervisor import Stopped, Supervisor  # noqa: PLC0415

    if "DATABASE_URL" in os.environ and "VALKEY_URL" in os.environ:
        return _in_front(None, command, {})
    claim = Claim(var / "run", what)
    claim.take()
    try:
        claim.stop_leftovers()
        with Supervisor(claim.children_changed) as supervisor:
            found = start_servers(supervisor, var, is_quiet=True, is_fleeting=is_fleeting)
            claim.state.environment = found
            claim.write()
            return _in_front(supervisor, command, found)
    except Stopped:
        return 130
    finally:
        claim.give_back()


def _in_front(supervisor: "Supervisor | None", command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command with the terminal for itself while the servers are looked after; gives its exit code."""
    everything = {**os.environ, **environment}
    if supervisor is None:
        _replace(command, everything)
    with subprocess.Popen(command, env=everything) as child:
        heard = 0
        while child.poll() is None:
            supervisor.turn(0.2)
            if supervisor.stop_requests > heard:
                heard = supervisor.stop_requests
                # Ctrl-C reaches the command from the terminal itself; only what was sent to us alone is passed on.
                if supervisor.last_signal != signal.SIGINT or not sys.stdin.isatty():
                    child.send_signal(supervisor.last_signal)
        return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _replace(command: Sequence[str], environment: dict[str, str]) -> NoReturn:
    sys.stdout.flush()
    os.execve(command[0], list(command), environment)  # noqa: S606 -- no shell wanted
