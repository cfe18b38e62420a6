"""Which processes of this Grove run: each says so every few seconds, and is forgotten soon after it stops."""

import json
import logging
import os
import socket
import threading
import time
from dataclasses import asdict, dataclass
from typing import Final

import psutil
import redis
from django.conf import settings

EVERY_S: Final = 10
FORGET_S: Final = 35  # three times missed
PREFIX: Final = "grove:process:"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it said it is. role: "web", "ssh", "worker", "beat". at: when it said so last, Unix seconds.

    queues: those that a worker takes from, separated by spaces.
    """

    role: str
    host: str
    pid: int
    began_at: float
    at: float
    memory_bytes: int
    queues: str = ""

    @property
    def silent_s(self) -> float:
        return max(0.0, time.time() - self.at)


def announce(role: str, queues: str = "") -> None:
    """Say from now on that this process runs, from a thread of its own. Without Valkey it is silent, and goes on."""
    threading.Thread(target=_announce, args=(role, queues), name="presence", daemon=True).start()


def say(role: str, client: redis.Redis, queues: str = "") -> None:
    """Say once that this process runs."""
    itself = psutil.Process()
    process = Process(
        role, socket.gethostname(), os.getpid(), itself.create_time(), time.time(), itself.memory_info().rss, queues
    )
    client.set(f"{PREFIX}{role}:{process.host}:{process.pid}", json.dumps(asdict(process)), ex=FORGET_S)


def processes(client: redis.Redis) -> list[Process]:
    """All processes that said lately that they run, by role."""
    keys = list(client.scan_iter(match=f"{PREFIX}*", count=1000))
    found = [Process(**json.loads(text)) for text in (client.mget(keys) if keys else []) if text]
    return sorted(found, key=lambda each: (each.role, each.host, each.pid))


def _announce(role: str, queues: str) -> None:
    client = redis.Redis.from_url(settings.VALKEY_URL, socket_connect_timeout=2, socket_timeout=2)
    while True:
        try:
            say(role, client, queues)
        except redis.RedisError as error:
            log.debug("presence not told: %s", type(error).__name__)
        time.sleep(EVERY_S)
