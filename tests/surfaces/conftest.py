"""A web process as `up` starts it: Daphne on a port of its own, with the tests' database."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import websockets
from django.db import connection

from config.web import command
from teams.models import Team

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Web:
    """A running web process."""

    port: int
    pid: int
    log: Path
    database: str  # the DATABASE_URL that it has

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rss_bytes(self) -> int:
        """Memory of the process now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def mistakes(self) -> list[str]:
        """What the log says of faults of ours."""
        return [line for line in self.log.read_text().splitlines() if "Traceback" in line or " ERROR " in line]


def start(
    log: Path, application: str = "config.asgi:application", **environment: str
) -> tuple[subprocess.Popen[bytes], Web]:
    """Start a web process; the caller ends it."""
    database = connection.settings_dict
    address = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    with log.open("wb") as written:
        process = subprocess.Popen(
            command(door.fileno(), application),
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": address} | environment,
            pass_fds=[door.fileno()],
            stdout=written,
            stderr=written,
        )
    door.close()
    running = Web(port, process.pid, log, address)
    for _ in range(900):
        try:
            httpx.options(f"{running.url}/api/v1/x/")
            return process, running
        except httpx.TransportError:
            if process.poll() is not None:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.1)
    process.kill()
    raise RuntimeError("the web process does not answer: " + log.read_text())


@pytest.fixture(scope="session")
def web(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The web process of the session. No test may leave a fault of ours in its log."""
    process, running = start(tmp_path_factory.mktemp("web") / "log")
    yield running
    process.terminate()
    process.wait(60)
    assert running.mistakes() == []


@dataclass(frozen=True)
class Site:
    """A team as a program with a token of its owner sees it."""

    web: Web
    team: str
    secret: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def url(self, path: str) -> str:
        """Give the address of an object or, as "/a:state.get", of a call."""
        return f"{self.web.url}/api/v1/{self.team}{path}"

    def request(self, method: str, path: str, **options: object) -> httpx.Response:
        headers = self.bearer | options.pop("headers", {})
        return httpx.request(method, self.url(path), headers=headers, timeout=120, **options)  # type: ignore[arg-type]

    def post(self, path: str, **options: object) -> httpx.Response:
        return self.request("POST", path, **options)

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.request("GET", path, **options)

    def new(self, path: str) -> str:
        """Make an object, with the key `n` at 0."""
        answer = self.post(f"{path}:state.set?create=object", json={"key": "n", "value": 0})
        assert answer.status_code == 200, answer.text
        return path

    def socket(self, path: str, **options: object) -> websockets.connect:
        """Open a socket: `async with site.socket("/a") as socket`."""
        headers = options.pop("additional_headers", self.bearer)
        address = f"ws://127.0.0.1:{self.web.port}/ws/v1/{self.team}{path}"
        return websockets.connect(address, additional_headers=headers, **options)  # type: ignore[arg-type]


@pytest.fixture
def site(web: Web, team: Team, token) -> Site:
    """The module's team, with a token of its own for each test."""
    _, secret = token(team, verbs=["reads", "changes", "dangerous"])
    return Site(web, team.slug, secret)
