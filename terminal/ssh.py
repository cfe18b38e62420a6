"""Terminals over SSH: `ssh -p PORT team@host`, or `team+/path@host` to begin at an object.

Who: a registered public key (`manage.py sshkey add`), or a token as the password. With a command, as in
`ssh … 'state get x'`, its plain output and its exit status come back. No forwarding of anything, no files, no agent.
The process has an engine of its own, as a web process has.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh
from django.conf import settings

from objects.surfaces import identity
from objects.surfaces.identity import Bearer
from objects.tree.paths import ObjectPath
from teams import keys
from teams.access import Caller
from teams.problems import NoSuch, NotAllowed, Problem
from terminal import making
from terminal.memory import Memory
from terminal.session import Attachment, Terminal
from terminal.sessions import sessions
from terminal.world import KeyHolder, TeamWorld, Who

log = logging.getLogger("grove.ssh")

HOST_KEY = "ssh_host_ed25519"  # below var/secrets
KEEPALIVE_S, KEEPALIVE_COUNT = 30, 3
ADDRESSES_KEPT = 10_000
PLAIN_WIDTH = 100  # columns of a command's output where nothing is known of a terminal
TOO_MANY = "Too many refused sign-ins. Wait a minute."
OK, FAILED, INTERRUPTED = 0, 1, 130


def named(user: str) -> tuple[str, str]:
    """Read "team" or "team+/path"; the path as it was typed."""
    team, _, path = user.partition("+")
    return team, path or "/"


class Failures:
    """Counts refused sign-ins of each address in the last minute."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, address: str) -> None:
        """Count one more."""
        since, count = self._of.get(address, (time.monotonic(), 0))
        if time.monotonic() - since > 60:
            since, count = time.monotonic(), 0
        self._of[address] = (since, count + 1)
        self._of.move_to_end(address)
        if len(self._of) > ADDRESSES_KEPT:
            self._of.popitem(last=False)

    def are_too_many(self, address: str) -> bool:
        """Whether the address has to wait."""
        since, count = self._of.get(address, (0.0, 0))
        return count >= settings.GROVE.SSH_FAILURES and time.monotonic() - since <= 60


class Server(asyncssh.SSHServer):
    """One connection while it signs in, and its sessions after that."""

    def __init__(self, failures: Failures) -> None:
        self._failures = failures
        self._address = ""
        self._connection: asyncssh.SSHServerConnection
        self._who: Who | None = None
        self._caller: Caller | None = None
        self._fingerprint = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._address = str((conn.get_extra_info("peername") or ("",))[0])

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 -- everybody has to show who they are
        """Begin a sign-in. Raises DisconnectError where the address has to wait.

        Not sooner: whoever is hung up on while still sending is told by a reset of the connection, and nothing else.
        """
        if self._failures.are_too_many(self._address):
            raise asyncssh.DisconnectError(asyncssh.DISC_TOO_MANY_CONNECTIONS, TOO_MANY)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this key may sign in here; its holder is checked by asyncssh after this."""
        fingerprint = key.get_fingerprint()
        person_id = await identity.in_thread(keys.owner_of, fingerprint)
        # A key that is not registered is no failure: clients offer all that they have.
        if person_id is None:
            return False
        self._fingerprint = fingerprint
        return await self._accept(KeyHolder(named(username)[0], person_id, fingerprint))

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether this token may sign in here."""
        if self._failures.are_too_many(self._address):
            return False
        self._fingerprint = ""
        is_good = await self._accept(Bearer(named(username)[0], password))
        if not is_good:
            self._failures.note(self._address)
            log.info("refused a sign-in from %s", self._address)
        return is_good

    async def _accept(self, who: Who) -> bool:
        try:
            self._caller = await who.caller()
        except Problem:
            return False
        self._who = who
        return True

    def auth_completed(self) -> None:
        if self._fingerprint:
            asyncio.get_running_loop().run_in_executor(None, keys.note_use, self._fingerprint)

    def session_requested(self) -> "Channel | bool":
        if self._who is None or self._caller is None:
            return False
        return Channel(self._who, self._caller, named(self._connection.get_extra_info("username"))[1])


class Channel(asyncssh.SSHServerSession[bytes]):
    """One shell or command of a connection; the `Reader` of a session."""

    def __init__(self, who: Who, caller: Caller, path: str) -> None:
        self._who = who
        self._caller = caller
        self._path = path
        self._channel: asyncssh.SSHServerChannel[bytes]
        self._terminal = Terminal(colours=0, plain=True)
        self._has_terminal = False
        self._command: str | None = None
        self._attachment: Attachment | None = None
        self._task: asyncio.Task[None] | None = None
        self._typed = b""  # before the session was there
        self._room = asyncio.Event()
        self._room.set()

    # What asyncssh tells

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def pty_requested(
        self,
        term_type: str,
        term_size: tuple[int, int, int, int],
        term_modes: Mapping[int, int],  # noqa: ARG002
    ) -> bool:
        environment = self._channel.get_environment()
        width, height = term_size[:2]
        self._terminal = Terminal(
            width or 80, height or 24, _colours(term_type, environment), plain=term_type == "dumb"
        )
        self._has_terminal = True
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return True

    def session_started(self) -> None:
        work = self._serve() if self._command is None else self._run(self._command)
        self._task = asyncio.get_running_loop().create_task(work)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002
        if self._attachment is not None:
            self._attachment.feed(data)
        elif self._command is None:
            self._typed = (self._typed + data)[:4096]
        elif self._has_terminal and b"\x03" in data and self._task is not None:
            self._task.cancel()

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:  # noqa: ARG002
        if self._attachment is not None:
            self._attachment.resize(width, height)

    def signal_received(self, signal: str) -> None:
        if signal in ("INT", "QUIT"):
            self.break_received(0)
        elif signal in ("TERM", "HUP", "KILL"):
            self._channel.close()

    def break_received(self, msec: int) -> bool:  # noqa: ARG002
        if self._attachment is not None:
            self._attachment.feed(b"\x03")
        elif self._command is not None and self._task is not None:
            self._task.cancel()
        return True

    def eof_received(self) -> bool:
        if self._attachment is not None and not self._has_terminal:
            self._attachment.feed(b"\x04")
        return True  # answers may still be under way

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._room.set()
        if self._attachment is not None:
            # Nobody can come back to a session over SSH: what runs is stopped, as by any sshd.
            self._attachment.session.end("The connection was lost.")
        if self._task is not None:
            self._task.cancel()

    # A session

    async def _serve(self) -> None:
        try:
            path = str(ObjectPath.parse(self._path))
            session = await sessions().open(self._who, self._caller, path, self._terminal, via="ssh")
        except Problem as problem:
            self.close(problem.detail, problem)
            return
        self._attachment = session.attach(self, seen=None)
        if self._typed:
            self._attachment.feed(self._typed)

    async def send(self, data: bytes) -> None:
        """Show bytes; waits while the client reads too slowly."""
        await self._room.wait()
        if not self._channel.is_closing():
            self._channel.write(data)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Show a title in the window's frame; the rest is for those who look on."""
        title = message.get("title")
        if title and not self._terminal.plain and not self._channel.is_closing():
            self._channel.write(f"\x1b]0;{title}\x07".encode())

    def close(self, reason: str, problem: Problem | None = None) -> None:
        """Say why, and end the channel."""
        if not self._channel.is_closing():
            if problem is not None:
                self._channel.write_stderr(f"\r\n{reason}\r\n".encode())
            self._channel.exit(OK if problem is None else FAILED)

    # A command

    async def _run(self, command: str) -> None:
        status = FAILED
        try:
            path = str(ObjectPath.parse(self._path))
            world = TeamWorld(self._who, self._caller)
            await world.kind_of(path)
            shell = making.make_shell(world, PlainScreen(self), Memory.of(self._caller), path=path, snapshot=None)
            try:
                status = await shell.run(command)
            finally:
                await shell.close()
        except Problem as problem:
            self._channel.write_stderr(f"{problem.detail}\n".encode())
        except asyncio.CancelledError:
            status = INTERRUPTED
        except Exception:
            log.exception("a command over SSH failed by a fault of ours")
            self._channel.write_stderr(b"Grove made a mistake. It is in the log.\n")
        if not self._channel.is_closing():
            self._channel.exit(status)


class PlainScreen:
    """The `Screen` of a command without a person: plain text, and nobody to ask."""

    height = 10_000
    colours = 0
    pictures = ""
    plain = True

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.width = PLAIN_WIDTH

    async def write(self, text: str) -> None:
        """Send text; waits while it is read too slowly."""
        data = text.encode("utf-8", "replace")
        for start in range(0, len(data), 64 * 1024):
            await self._channel.send(data[start : start + 64 * 1024])

    async def ask(self, question: str, *, secret: bool = False) -> str:  # noqa: ARG002
        """Nobody is there to answer: raises NotAllowed with the question."""
        raise NotAllowed(f"{question.strip()} Nobody is there to answer: add --yes, or use `ssh -t` and type it there.")


def _colours(term_type: str, environment: Mapping[str, str]) -> int:
    if term_type in ("dumb", ""):
        return 0
    if environment.get("COLORTERM") in ("truecolor", "24bit") or term_type.endswith("-direct"):
        return 16_777_216
    return 256 if "256" in term_type or term_type.startswith(("xterm", "screen", "tmux", "alacritty")) else 16


# ---- The process ----


def host_key() -> asyncssh.SSHKey:
    """Read this installation's host key, or make it: Ed25519, readable by its owner only."""
    path = Path(settings.VAR_DIR) / "secrets" / HOST_KEY
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            file.write(asyncssh.generate_private_key("ssh-ed25519", comment="grove").export_private_key())
        with contextlib.suppress(FileExistsError):  # another process was first; its key counts
            os.link(draft, path)
        draft.unlink()
    return asyncssh.read_private_key(path)


async def listen(*, host: str = "127.0.0.1", port: int = 0, door: socket.socket | None = None) -> asyncssh.SSHAcceptor:
    """Begin to take connections; `door` is a socket that listens already."""
    failures = Failures()
    place: dict[str, Any] = {"sock": door} if door is not None else {"host": host, "port": port}
    return await asyncssh.listen(
        **place,
        server_factory=lambda: Server(failures),
        server_host_keys=[host_key()],
        server_version="Grove",
        encoding=None,
        line_editor=False,
        login_timeout=settings.GROVE.SSH_GRACE_S,
        keepalive_interval=KEEPALIVE_S,
        keepalive_count_max=KEEPALIVE_COUNT,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_scp=False,
        sftp_factory=None,
        gss_host=None,
        kbdint_auth=False,
        host_based_auth=False,
        compression_algs=None,
        window=128 * 1024,
    )


async def serve(*, host: str, port: int, door: socket.socket | None) -> None:
    """Serve until told to stop; sessions end then, and say so."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    acceptor = await listen(host=host, port=port, door=door)
    log.info("ssh listens on port %s", acceptor.get_port())
    await stopped.wait()
    acceptor.close()
    for session in list(sessions().by_id.values()):
        session.end("This process is stopping. Connect again.", NoSuch("This process is stopping. Connect again."))
    await asyncio.sleep(0.2)  # so that the word still goes out
