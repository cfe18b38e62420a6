"""What a fire of a schedule costs a worker and Postgres, part by part, without a broker and without waiting.

    DATABASE_URL=… VALKEY_URL=… python -m tests.bench.bench_fires [--teams 500] [--objects 20] [--rounds 3]

Makes teams with objects that have a schedule of one minute each, as `bench_schedules` does, and lets this process work
off what is due by the minute, then what follows of it: the teams' summaries. Prints processor time a fire, which a busy
machine changes less than the time it takes.
"""

import argparse
import math
import os
import random
import sys
import time
from collections.abc import Callable

import psutil

from tests.bench.bench_schedules import plant


def postgres_s(dsn_pid: int) -> float:
    """Give the processor time of the server with all its processes."""
    used = 0.0
    server = psutil.Process(dsn_pid).parent()
    assert server is not None
    for each in (server, *server.children(recursive=True)):
        times = each.cpu_times()
        used += times.user + times.system + times.children_user + times.children_system
    return used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teams", type=int, default=500)
    parser.add_argument("--objects", type=int, default=20, help="of each team")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--together", type=int, default=4, help="fires that are handed over at once")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["GROVE_VIRTUAL_CLOCK"] = "1"
    os.environ["GROVE_PERSON_TEAMS"] = "100_000"

    import django

    django.setup()
    import psycopg

    from objects import summaries
    from objects.engine import running
    from objects.timing import worker
    from objects.timing.index import Taken
    from teams import clock

    def move(to_s: float) -> None:
        clock._state = (os.getpid(), to_s, math.inf)

    move(0.0)
    planted = plant(options.teams, options.teams * options.objects)
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        rows = [
            Taken(*row)
            for row in connection.execute(
                "SELECT schema, object_id, source FROM public.wake WHERE schema = ANY(%s)", (list(planted),)
            )
        ]
        ours, server = psutil.Process(), connection.info.backend_pid

        def measured(what: str, count: int, work: Callable[[], None]) -> None:
            before, pg_before, began = ours.cpu_times(), postgres_s(server), time.monotonic()
            work()
            took_s, after, pg_after = time.monotonic() - began, ours.cpu_times(), postgres_s(server)
            used = after.user + after.system - before.user - before.system
            sys.stdout.write(
                f"{what}: worker {used / count * 1000:.2f} ms, Postgres {(pg_after - pg_before) / count * 1000:.2f} ms,"
                f" {count / took_s:,.0f}/s\n"
            )
            sys.stdout.flush()

        def fire() -> None:
            for first in range(0, len(rows), options.together):
                worker.work_off(connection, rows[first : first + options.together])

        def summarise() -> None:
            for schema in planted:
                while summaries.catch_up(connection, schema):
                    pass

        for number in range(1, options.rounds + 1):
            move(number * 60.0 + 60.0)
            random.shuffle(rows)
            measured("fires", len(rows), fire)
            measured("summaries, a fire", len(rows), summarise)
    running.stop()


if __name__ == "__main__":
    main()
