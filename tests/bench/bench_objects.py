"""What an object costs: its memory, a commit of 1 MB of rows, and calls on an object whose file has 1 GB.

    DATABASE_URL=… VALKEY_URL=… python -m tests.bench.bench_objects [--objects 1000] [--big-mb 1000]

Runs an engine of its own in this process, so the figures are those of the engine: no server and no socket in front.
Makes a team of its own and leaves it there.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.beside import our_team

if TYPE_CHECKING:
    from objects.engine.engine import Engine
    from teams.access import Caller

CHUNK_MB = 8  # rows of so much are inserted by one call
ROWS = (
    "insert into rows(body) with recursive n(i) as (select 1 union all select i + 1 from n where i < {count})"
    " select printf('%d %0{size}d', i, i) from n"
)


class Ground:
    """An engine and somebody who calls it."""

    def __init__(self, engine: "Engine", caller: "Caller") -> None:
        self.engine, self.caller = engine, caller

    def call(self, path: str, command: str, *, create: str | None = None, **arguments: Any) -> Any:
        """Give the result of a call; ends the program where it was refused."""
        outcome = self.engine.call(self.caller.schema, path, command, arguments, self.caller, create=create)
        if outcome.problem is not None:
            raise SystemExit(f"{command} on {path}: {outcome.problem.detail}")
        return outcome.value

    def timed(self, times: int, path: str, command: str, **arguments: Any) -> str:
        """Say how long a call takes, by its median and its slowest."""
        took = []
        for _ in range(times):
            began = time.perf_counter()
            self.call(path, command, **arguments)
            took.append((time.perf_counter() - began) * 1000)
        return f"p50 {statistics.median(took):,.2f} ms, slowest {max(took):,.2f} ms of {times}"


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def memory(ground: Ground, count: int) -> None:
    for number in range(200):  # what the first objects cost once is no matter of each
        ground.call(f"/warm/{number}", "state.incr", create="object", key="n")
    before = rss_bytes()
    for number in range(count):
        ground.call(f"/cached/{number}", "state.incr", create="object", key="n")
    grown = (rss_bytes() - before) / count
    say(f"memory of a cached object with one key: {grown / 1024:,.0f} KiB (of {count:,})")


def rows(ground: Ground) -> None:
    ground.call("/rows", "state.incr", create="object", key="n")
    ground.call("/rows", "sql", query="create table rows(id integer primary key, body text)")
    insert = ROWS.format(count=10_000, size=92)
    say(f"commit of 1 MB of rows (10,000 of 100 bytes): {ground.timed(20, '/rows', 'sql', query=insert)}")


def big(ground: Ground, megabytes: int) -> None:
    path = "/big"
    ground.call(path, "state.incr", create="object", key="n")
    ground.call(path, "sql", query="create table rows(id integer primary key, body text)")
    insert = ROWS.format(count=CHUNK_MB * 1000, size=992)
    began = time.perf_counter()
    for _ in range(megabytes // CHUNK_MB):
        ground.call(path, "sql", query=insert)
    say(f"file of {megabytes:,} MB written in {time.perf_counter() - began:,.0f} s, {CHUNK_MB} MB a commit")
    last = megabytes * 1000
    ground.engine.cache.clear()
    say(f"  first increment, not in memory: {ground.timed(1, path, 'state.incr', key='n')}")
    say(f"  increment: {ground.timed(300, path, 'state.incr', key='n')}")
    insert_one = ROWS.format(count=1, size=992)
    say(f"  insert of a row: {ground.timed(300, path, 'sql', query=insert_one)}")
    took = []
    for number in range(200):
        began = time.perf_counter()
        ground.call(path, "sql", query=f"select body from rows where id = {1 + number * 7919 % last}")
        took.append((time.perf_counter() - began) * 1000)
    say(f"  select of a row anywhere, by its key: p50 {statistics.median(took):,.2f} ms, slowest {max(took):,.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--objects", type=int, default=1_000)
    parser.add_argument("--big-mb", type=int, default=1_000)
    chosen = parser.parse_args()
    slug, secret = our_team()

    from objects.engine import running
    from teams import callers

    ground = Ground(running.engine(), callers.for_token(slug, secret))
    memory(ground, chosen.objects)
    rows(ground)
    big(ground, chosen.big_mb)
    running.stop()


if __name__ == "__main__":
    main()
