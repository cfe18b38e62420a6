"""How long from a key to its echo with 1, 50 and 200 terminals that all type, what a session costs in memory, and how
long from Ctrl-C in a flood of output to the next prompt.

    DATABASE_URL=… VALKEY_URL=… python -m tests.bench.bench_terminal [sessions …]

Starts a web process of its own on the given database (which must have been migrated), in a team that it makes and
deletes. Each person types a key every `PAUSE_S`; a key's time ends with the first byte that comes back after it.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import websockets  # noqa: E402

from teams import actions  # noqa: E402
from teams.models import Person  # noqa: E402
from tests.surfaces.conftest import Web, start  # noqa: E402

PAUSE_S = 0.3  # between two keys of one person: forty words a minute
SECONDS = 10
LINE = "state set temperature 21\x15"


class Typist:
    """Types at one terminal and measures."""

    def __init__(self, web: Web, slug: str, secret: str) -> None:
        self.address = f"ws://127.0.0.1:{web.port}/ws/terminal/{slug}/"
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.times: list[float] = []
        self.pressed: float | None = None

    async def sit(self) -> None:
        """Open the terminal and wait for its prompt."""
        self.socket = await websockets.connect(self.address, additional_headers=self.headers, open_timeout=60)
        await self.socket.send(json.dumps({"resize": [100, 30]}))
        while not isinstance(await self.socket.recv(), bytes):
            pass
        self.reader = asyncio.create_task(self.read())

    async def read(self) -> None:
        """Note when something comes."""
        async for frame in self.socket:
            if isinstance(frame, bytes) and self.pressed is not None:
                self.times.append(time.perf_counter() - self.pressed)
                self.pressed = None

    async def type(self, until: float) -> None:
        """Press keys."""
        await asyncio.sleep(random.random() * PAUSE_S)
        number = 0
        while time.perf_counter() < until:
            if self.pressed is None:
                self.pressed = time.perf_counter()
                await self.socket.send(LINE[number % len(LINE)].encode())
                number += 1
            await asyncio.sleep(PAUSE_S)

    async def leave(self) -> None:
        """Close for good."""
        await self.socket.send(b"\x15\x04")
        await asyncio.wait({self.reader}, timeout=10)


async def measure(web: Web, slug: str, secret: str, count: int) -> None:
    """Print a line for so many typists."""
    rss = web.rss_bytes()
    typists = [Typist(web, slug, secret) for _ in range(count)]
    for index in range(0, count, 10):
        await asyncio.gather(*(typist.sit() for typist in typists[index : index + 10]))
    await asyncio.sleep(1)
    cpu, began = _cpu_s(web.pid), time.perf_counter()
    await asyncio.gather(*(typist.type(began + SECONDS) for typist in typists))
    took = time.perf_counter() - began
    busy = (_cpu_s(web.pid) - cpu) / took
    each = (web.rss_bytes() - rss) / count / 1024
    times = sorted(value * 1000 for typist in typists for value in typist.times)
    p50, p99 = statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))]
    print(
        f"{count:4} sessions: key to echo p50 {p50:6.2f} ms, p99 {p99:7.2f} ms, worst {times[-1]:7.2f} ms; "
        f"{len(times) / took:5.0f} keys/s; {busy:4.0%} of a core, {busy * took / len(times) * 1000:.2f} ms a key; "
        f"{each:,.0f} KiB a session"
    )
    await asyncio.gather(*(typist.leave() for typist in typists))


async def interrupt(web: Web, slug: str, secret: str, rounds: int = 10) -> None:
    """Print how long it takes from Ctrl-C to the prompt while numbers pour out, all that is on its way read first."""
    flooded = Typist(web, slug, secret)
    socket = await websockets.connect(flooded.address, additional_headers=flooded.headers)
    await socket.send(json.dumps({"resize": [100, 30]}))
    while b">" not in await _bytes(socket):
        pass
    times, poured = [], 0
    for _ in range(rounds):
        await socket.send(b"seq 1 100000000\r")
        flows_until = time.perf_counter() + 0.7
        while time.perf_counter() < flows_until:
            poured += len(await _bytes(socket))
        pressed = time.perf_counter()
        await socket.send(b"\x03")
        while b">" not in await _bytes(socket):
            pass
        times.append((time.perf_counter() - pressed) * 1000)
    print(
        f"Ctrl-C in a flood of {poured / rounds / 0.7 / 1e6:.1f} MB/s to the next prompt: "
        f"p50 {statistics.median(times):.0f} ms, worst {max(times):.0f} ms of {rounds}"
    )
    await socket.close()


async def _bytes(socket: websockets.ClientConnection) -> bytes:
    frame = await asyncio.wait_for(socket.recv(), 10)
    return frame if isinstance(frame, bytes) else b""


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure for each number of sessions."""
    counts = [int(word) for word in sys.argv[1:]] or [1, 50, 200]
    owner = Person.objects.create_user(f"bench-{time.time_ns()}@example.com")
    team = actions.create_team(name="Bench", slug=f"bench-{time.time_ns() % 10**9}", owner=owner)
    _, secret = actions.create_token(team=team, by=owner, name="bench")
    with tempfile.TemporaryDirectory() as directory:
        process, web = start(Path(directory) / "log", GROVE_PERSON_TERMINALS="1000")
        try:
            for count in counts:
                asyncio.run(measure(web, team.slug, secret, count))
            asyncio.run(interrupt(web, team.slug, secret))
        finally:
            process.terminate()
            process.wait(60)
            actions.delete_team(team=team, by=None)
            owner.delete()


if __name__ == "__main__":
    main()
