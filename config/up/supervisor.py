"""Starts programs, shows their output line by line, starts a crashed one again, and stops all in order.

One thread and one selector: nothing here runs at the same time as anything else, so a fork never copies a held lock.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Self

from config.up.say import Failure, line, say

STEADY_S = 60.0  # a program that ran this long had no trouble starting: its back-off begins anew
LONGEST_LINE_BYTES = 64 << 10  # a longer one is shown in pieces
PR_SET_PDEATHSIG = 1  # Linux, prctl(2)


class Stopped(Exception):  # noqa: N818 -- a person's wish, not an error
    """The person asked to stop (Ctrl-C, SIGTERM) while something was being waited for."""


@dataclass(frozen=True)
class Program:
    """How to run one process. It gets a session of its own, so that Ctrl-C reaches only the supervisor."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)  # on top of the supervisor's own
    typed: bytes = b""  # what it reads from standard input: for what must not be seen in `ps`
    inherits: tuple[int, ...] = ()  # file descriptors
    user: tuple[int, int] | None = None  # uid and gid, when not the supervisor's
    directory: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 10.0  # after it, or at a second Ctrl-C, `hard_signal` follows
    hard_signal: signal.Signals = signal.SIGKILL
    rank: int = 0  # all of a rank are stopped together, higher ranks first
    is_quiet: bool = False  # print nothing of what it says
    niceness: int = 0  # from 0 to 19: how far it stands back where others want a core, too


class Child:
    """A running process and the part of a line that it has printed so far."""

    def __init__(self, program: Program, restarts: int) -> None:
        self.program, self.restarts = program, restarts
        self.started_at = time.monotonic()
        stdin = subprocess.PIPE if program.typed else subprocess.DEVNULL
        user, group = program.user or (None, None)
        try:
            self.process = subprocess.Popen(
                list(program.command),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **program.environment},
                cwd=program.directory,
                pass_fds=program.inherits,
                user=user,
                group=group,
                extra_groups=[] if program.user else None,
                start_new_session=True,
                preexec_fn=die_with_parent(program.stop_signal),  # noqa: PLW1509 -- one thread: see the module
            )
        except OSError as error:
            raise Failure(f"{program.name} cannot be started: {error.strerror}: {program.command[0]}") from error
        if program.niceness:
            with suppress(ProcessLookupError):  # it ended at once: its end says why
                os.setpriority(os.PRIO_PROCESS, self.process.pid, program.niceness)
        if self.process.stdin is not None:
            try:
                self.process.stdin.write(program.typed)
                self.process.stdin.close()
            except BrokenPipeError:
                say(f"{program.name} ended before it had read its settings")
        assert self.process.stdout is not None
        self.output = self.process.stdout
        os.set_blocking(self.output.fileno(), False)
        self.rest = b""

    @property
    def ran_s(self) -> float:
        return time.monotonic() - self.started_at

    def show(self) -> bool:
        """Print the lines that came since; False once there will be no more."""
        while True:
            try:
                piece = os.read(self.output.fileno(), LONGEST_LINE_BYTES)
            except BlockingIOError:
                return True
            self.rest += piece
            *lines, self.rest = self.rest.split(b"\n")
            if len(self.rest) > LONGEST_LINE_BYTES or (not piece and self.rest):
                lines, self.rest = [*lines, self.rest], b""
            for text in lines:
                if not self.program.is_quiet:
                    line(self.program.name, text.decode(errors="replace").rstrip())
            if not piece:
                return False

    def signal_all(self, number: signal.Signals) -> None:
        """Signal the whole process group: what a killed program started must not outlive it."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            return


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Give what a child runs before its program: the kernel then stops it when the supervisor is killed (Linux).

    Elsewhere the next `up` finds what was left behind by its recorded process ids.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def before_program() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return before_program


class Supervisor:
    """Runs programs until told to stop. Use as a context manager: leaving it stops whatever still runs.

    changed: called with {name: pid} whenever that changes.
    hint: asked when a program crashed, for what may be the reason; "" when it knows none.
    """

    def __init__(
        self,
        changed: Callable[[Mapping[str, int]], None] = lambda _: None,
        hint: Callable[[], str] = lambda: "",
        first_delay_s: float = 0.5,
        longest_delay_s: float = 30.0,
    ) -> None:
        self.children: dict[str, Child] = {}
        self.waiting: dict[str, tuple[float, Program, int]] = {}  # name: when to start it again, its restarts so far
        self.stop_requests, self.last_signal = 0, signal.SIGTERM
        self.is_stopping = False
        self._changed, self._hint, self._first_delay_s = changed, hint, first_delay_s
        self._longest_delay_s = longest_delay_s
        self._selector = selectors.DefaultSelector()
        self._old_handlers: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        # Without a wake-up a signal that arrives just before select() would be noticed only at its time-out.
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._old_handlers[number] = signal.signal(number, self._asked_to_stop)
        self._old_handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in self._old_handlers.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
            self._selector.close()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _asked_to_stop(self, number: int, _: FrameType | None) -> None:
        self.stop_requests += 1
        self.last_signal = signal.Signals(number)

    def start(self, program: Program, restarts: int = 0) -> None:
        """Start a program; from now on it is started again when it ends. Raises Failure if it can't be run at all."""
        child = Child(program, restarts)
        self.children[program.name] = child
        self._selector.register(child.output, selectors.EVENT_READ, child)
        self._changed(self.pids())

    def pids(self) -> dict[str, int]:
        return {name: child.process.pid for name, child in self.children.items()}

    def run(self, program: Program, *, stops: bool = True) -> int:
        """Run a program to its end and give its exit code, while all others go on. Raises Stopped when `stops`."""
        child = Child(program, 0)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        try:
            while child.process.poll() is None:
                self.turn(0.2)
                if stops and self.stop_requests:
                    raise Stopped
        finally:
            if child.process.poll() is None:
                child.signal_all(signal.SIGTERM)
                _wait(child, 5.0)
                child.signal_all(signal.SIGKILL)
                child.process.wait()
            self._forget(child)
        return child.process.returncode

    def wait_until(self, is_true: Callable[[], bool], seconds: float) -> bool:
        """Go on until something is true: False when it did not become so in time. Raises Stopped."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.stop_requests:
                raise Stopped
            if is_true():
                return True
            self.turn(0.05)
        return False

    def run_until_stopped(self) -> None:
        """Supervise until the person asks to stop."""
        while not self.stop_requests:
            self.turn(1.0)

    def turn(self, seconds: float) -> None:
        """Wait at most this long for output, an end or a signal, then do what is due."""
        now = time.monotonic()
        due_at = min([at for at, _, _ in self.waiting.values()], default=now + seconds)
        for key, _ in self._selector.select(max(0.0, min(seconds, due_at - now))):
            if key.data is None:
                os.read(self._wake_read, 512)
            elif not key.data.show():
                self._selector.unregister(key.fileobj)
        for child in list(self.children.values()):
            if child.process.poll() is not None:
                self._ended(child)
        for name, (at, program, restarts) in list(self.waiting.items()):
            if at <= time.monotonic() and not self.is_stopping:
                del self.waiting[name]
                self.start(program, restarts)

    def _ended(self, child: Child) -> None:
        program = child.program
        self._forget(child)
        child.signal_all(signal.SIGKILL)
        del self.children[program.name]
        self._changed(self.pids())
        if self.is_stopping:
            return
        restarts = 0 if child.ran_s >= STEADY_S else child.restarts
        delay_s = min(self._longest_delay_s, self._first_delay_s * 2**restarts)
        self.waiting[program.name] = (time.monotonic() + delay_s, program, restarts + 1)
        hint = self._hint()
        if hint:
            say(hint)
        say(f"{program.name} {ending(child.process.returncode)} after {child.ran_s:.1f} s; again in {delay_s:g} s")

    def _forget(self, child: Child) -> None:
        """Show the last of what an ended process said. Its pipe may be held open by others: don't wait for its end."""
        child.show()
        if child.rest:
            line(child.program.name, child.rest.decode(errors="replace"))
        if child.output.fileno() in self._selector.get_map():
            self._selector.unregister(child.output)
        child.output.close()

    def restarts(self, name: str) -> int:
        """Tell how often a program has ended shortly after its start, lately."""
        if name in self.waiting:
            return self.waiting[name][2]
        return self.children[name].restarts if name in self.children else 0

    def stop(self) -> None:
        """Stop everything, the highest rank first; a second request to stop (counted from the first) hurries."""
        self.is_stopping = True
        self.waiting.clear()
        ranks = sorted({child.program.rank for child in self.children.values()}, reverse=True)
        for rank in ranks:
            children = [child for child in self.children.values() if child.program.rank == rank]
            say(f"Stopping {', '.join(child.program.name for child in children)}")
            for child in children:
                # To the leader only: it knows best how to stop what it started.
                child.process.send_signal(child.program.stop_signal)
            until = time.monotonic() + max(child.program.stop_s for child in children)
            while any(child.program.name in self.children for child in children):
                if self.stop_requests > 1 or time.monotonic() >= until:
                    self._stop_hard(children)
                    break
                self.turn(0.1)

    def _stop_hard(self, children: Sequence[Child]) -> None:
        left = [child for child in children if child.program.name in self.children]
        for child in left:
            say(f"{child.program.name} has not stopped yet: {child.program.hard_signal.name}")
            child.signal_all(child.program.hard_signal)
        for child in left:
            if not _wait(child, 10.0):
                child.signal_all(signal.SIGKILL)
                child.process.wait()
        self.turn(0)


def _wait(child: Child, seconds: float) -> bool:
    try:
        child.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def ending(code: int) -> str:
    """Put an exit code into words: "was killed (SIGKILL)", "ended with exit code 1"."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed ({signal.Signals(-code).name})"
