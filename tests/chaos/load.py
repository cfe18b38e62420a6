"""Clients that never give up: each call has an idempotency key and is sent again until it is answered."""

import asyncio
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx
import websockets

NOT_NOW = (503, 504)
# A connection a call, so that both processes get some; one client, since making one takes longer than a call.
CLIENT = httpx.Client(timeout=40, limits=httpx.Limits(max_keepalive_connections=0))
PAUSE_S = 0.02  # between two calls of a client: who is killed needs some of the machine to start again
PIPELINED = 16  # calls that a socket has under way


@dataclass(frozen=True)
class Team:
    """A team as a program with its token sees it."""

    url: str
    slug: str
    schema: str
    secret: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def address(self, path: str, command: str) -> str:
        return f"{self.url}/api/v1/{self.slug}{path}:{command}"

    def call(self, path: str, command: str, *, create: str = "", **arguments: Any) -> httpx.Response:
        """Make one call, once."""
        address = self.address(path, command) + (f"?create={create}" if create else "")
        return CLIENT.post(address, json=arguments, headers=self.bearer)

    def value(self, path: str, command: str, **arguments: Any) -> Any:
        """Give the result of a call that must succeed."""
        answer = self.call(path, command, **arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    def socket(self, path: str, **options: Any) -> websockets.connect:
        address = f"ws{self.url.removeprefix('http')}/ws/v1/{self.slug}{path}"
        return websockets.connect(address, additional_headers=self.bearer, open_timeout=5, **options)


@dataclass
class Ledger:
    """What clients were told.

    answers: per object, the value that each key's call was answered with. retries: by what made them necessary.
    spans: (first sent, answered) of each call, on the monotonic clock.
    """

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    retries: Counter[str] = field(default_factory=Counter)
    refusals: list[Any] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)

    def take(self, path: str, key: str, value: Any, began_at: float) -> None:
        """Write an answer down; a second one to the same key must be the same."""
        told = self.answers.setdefault(path, {})
        assert told.setdefault(key, value) == value
        self.spans.append((began_at, time.monotonic()))

    def answered_since(self, moment: float) -> bool:
        """Whether a call that was sent after the moment has its answer."""
        return any(began > moment for began, _ in self.spans[-200:])

    @property
    def acknowledged(self) -> int:
        return sum(map(len, self.answers.values()))


class Crowd:
    """Clients in a thread of their own, from `with` to its end. A client's failure is raised there."""

    def __init__(self, *clients: Coroutine[Any, Any, None], over: threading.Event) -> None:
        self.over = over
        self.failures: list[BaseException] = []
        self._clients = clients
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*self._clients)

        try:
            asyncio.run(all_of_them())
        except BaseException as error:  # noqa: BLE001 -- raised where the crowd is waited for
            self.failures.append(error)

    def __enter__(self) -> "Crowd":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join(90)
        assert not self._thread.is_alive(), "clients hang"
        for failure in self.failures:
            raise failure


async def http_client(team: Team, path: str, ledger: Ledger, is_over: Callable[[], bool]) -> None:
    """Increment by HTTP, one call after the other."""
    async with httpx.AsyncClient(headers=team.bearer, timeout=30) as client:
        while not is_over():
            key, began_at = uuid.uuid4().hex, time.monotonic()
            while True:
                try:
                    answer = await client.post(
                        team.address(path, "state.incr"), json={"key": "n"}, headers={"Idempotency-Key": key}
                    )
                except httpx.TransportError as error:
                    ledger.retries[type(error).__name__] += 1
                    await asyncio.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    ledger.take(path, key, answer.json()["value"], began_at)
                    await asyncio.sleep(PAUSE_S)
                    break
                if answer.status_code not in NOT_NOW:
                    ledger.refusals.append(answer.json())
                    return
                ledger.retries[str(answer.status_code)] += 1
                await asyncio.sleep(0.05)


async def socket_client(team: Team, path: str, ledger: Ledger, is_over: Callable[[], bool]) -> None:
    """Increment over a socket with many calls under way; what has no answer when it breaks is sent again."""
    waiting: dict[str, float] = {}  # key -> when it was first sent
    while not is_over() or waiting:
        try:
            async with team.socket(path) as socket:
                for key in waiting:
                    await socket.send(_request(key))
                while True:
                    while len(waiting) < PIPELINED and not is_over():
                        key = uuid.uuid4().hex
                        waiting[key] = time.monotonic()
                        await socket.send(_request(key))
                    if len(waiting) == PIPELINED:
                        await asyncio.sleep(PAUSE_S)
                    if not waiting:
                        return
                    answer = json.loads(await asyncio.wait_for(socket.recv(), 40))
                    key = answer["id"]
                    if "result" in answer:
                        ledger.take(path, key, answer["result"]["value"], waiting.pop(key))
                    elif answer["error"]["code"] in NOT_NOW:
                        ledger.retries[f"socket {answer['error']['code']}"] += 1
                        await asyncio.sleep(0.05)
                        await socket.send(_request(key))
                    else:
                        ledger.refusals.append(answer["error"])
                        return
        except (OSError, websockets.WebSocketException, TimeoutError) as error:
            ledger.retries[type(error).__name__] += 1
            await asyncio.sleep(0.05)


def _request(key: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": key, "method": "state.incr", "params": {"key": "n"}, "key": key})
