"""A person at a terminal over SSH: keys, tokens, commands, sizes."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

import asyncssh
import pyte
import pytest
from django.db import connection

from config.up.ports import free_port
from teams import actions
from tests.fair import fair
from tests.surfaces.conftest import ROOT


@pytest.fixture(scope="module")
def port(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An SSH process as `up` starts it, with the tests' database and the stand-in."""
    import os

    given = connection.settings_dict
    address = f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    number = free_port()
    directory = tmp_path_factory.mktemp("ssh")
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.terminal.standin_ssh", "--port", str(number)],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": address, "GROVE_VAR": str(directory), "GROVE_SSH_FAILURES": "5"},
            stdout=log,
            stderr=log,
        )
    import socket

    for _ in range(900):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                break
        assert process.poll() is None, (directory / "log").read_text()
        time.sleep(0.1)
    yield number
    process.terminate()
    process.wait(60)
    assert [line for line in (directory / "log").read_text().splitlines() if "ERROR" in line] == []
    assert oct((directory / "secrets" / "ssh_host_ed25519").stat().st_mode & 0o777) == "0o600"


class Visitor:
    """A pyte screen at the end of an SSH channel."""

    def __init__(self, process, width=80, height=24):
        self.process = process
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.task = asyncio.create_task(self._read())

    async def _read(self):
        while data := await self.process.stdout.read(65536):
            self.raw += data
            self.stream.feed(data)

    @property
    def lines(self):
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip().split("\n")

    async def sees(self, *wanted, seconds=30):
        ends_at = time.monotonic() + seconds
        while self.lines[-len(wanted) :] != list(wanted):
            assert time.monotonic() < ends_at, "\n".join(self.lines)
            await asyncio.sleep(0.01)


@pytest.fixture
def enter(port, team, token):
    """Connect with a token, or with what is given."""
    made, secret = token(team, verbs=["reads", "changes"])

    def connect(user="", **options):
        options = {"password": secret, "client_keys": None} | options
        return asyncssh.connect(
            "127.0.0.1", port, username=user or team.slug, known_hosts=None, config=None, agent_path=None, **options
        )

    connect.token = made
    return connect


async def test_a_token_opens_a_terminal_with_its_size(enter):
    async with enter() as client:
        process = await client.create_process(term_type="xterm-256color", term_size=(90, 30), encoding=None)
        visitor = Visitor(process, 90, 30)
        await visitor.sees("/ $")

        process.stdin.write(b"size\r")
        await visitor.sees("/ $ size", "90x30", "/ $")
        process.change_terminal_size(70, 20)
        process.stdin.write(b"size\r")
        await visitor.sees("/ $ size", "70x20", "/ $")

        process.stdin.write(b"\x04")
        result = await process.wait()
        assert result.exit_status == 0


async def test_a_registered_key_opens_a_terminal_and_its_removal_ends_it(enter, team):
    key = asyncssh.generate_private_key("ssh-ed25519")
    owner = await asyncio.to_thread(lambda: team.memberships.get().person)
    text = key.export_public_key().decode()
    added = await asyncio.to_thread(lambda: actions.add_ssh_key(person=owner, key=text, name="laptop"))
    async with enter(client_keys=[key], password=None) as client:
        process = await client.create_process(term_type="xterm", encoding=None)
        visitor = Visitor(process)
        await visitor.sees("/ $")
        await asyncio.to_thread(lambda: actions.remove_ssh_key(person=owner, fingerprint=added.fingerprint))

        began = time.monotonic()
        result = await process.wait()
        assert result.exit_status == 1
        assert time.monotonic() - began < fair(2.5)
    with pytest.raises(asyncssh.PermissionDenied):
        await enter(client_keys=[key], password=None)


async def test_the_user_name_leads_to_an_object(enter, team, grove):
    async with enter(f"{team.slug}+{grove.home}") as client:
        process = await client.create_process(term_type="xterm", encoding=None)
        await Visitor(process).sees(f"{grove.home} $")


async def test_ctrl_c_stops_the_command_at_work(enter):
    async with enter() as client:
        process = await client.create_process(term_type="xterm", encoding=None)
        visitor = Visitor(process)
        process.stdin.write(b"sleep 60\r")
        await visitor.sees("/ $ sleep 60")
        await asyncio.sleep(0.2)
        process.stdin.write(b"\x03")

        await visitor.sees("/ $ sleep 60", "^C", "/ $")


@pytest.mark.parametrize(
    ("command", "output", "status"),
    [("echo hello", "hello\n", 0), ("fail 3", "", 3), ("once 300000", "x" * 300000 + "\n", 0)],
)
async def test_a_command_gives_plain_output_and_its_status(enter, command, output, status):
    async with enter() as client:
        result = await client.run(command)

        assert (result.stdout, result.stderr, result.exit_status) == (output, "", status)


async def test_a_command_cannot_ask(enter):
    async with enter() as client:
        result = await client.run("ask")

        assert (result.stdout, result.stderr, result.exit_status) == (
            "",
            "name? Nobody is there to answer: add --yes, or use `ssh -t` and type it there.\n",
            1,
        )


async def test_what_is_no_terminal_is_refused(enter):
    async with enter() as client:
        with pytest.raises((asyncssh.ChannelOpenError, asyncssh.SFTPError)):
            await client.start_sftp_client()
        with pytest.raises(asyncssh.ChannelOpenError):
            await client.open_connection("127.0.0.1", 22)
        with pytest.raises(asyncssh.ChannelListenError):
            await client.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 22)


async def test_guessing_is_slowed_down(enter):
    for _ in range(5):
        with pytest.raises(asyncssh.PermissionDenied):
            await enter(password="grove_abcdefghjk_0")

    for _ in range(3):
        with pytest.raises(asyncssh.DisconnectError, match=r"^Too many refused sign-ins\. Wait a minute\."):
            await enter()
