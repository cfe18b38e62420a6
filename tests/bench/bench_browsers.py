"""What browsers cost: memory each, latency of commands, and waking, for many objects at once.

    DATABASE_URL=… VALKEY_URL=… python -m tests.bench.bench_browsers [--objects 30] [--rounds 5]

Runs a host of its own in this process, with a real Chromium and a small web on this machine. Makes a team of its own
and leaves it there. Latency is from the call that starts the task to its outcome, as a terminal has it.
"""

import argparse
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from tests.bench.beside import our_team

OVER = ("done", "failed", "cancelled")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    os.environ.setdefault("GROVE_BROWSER_AWAKE", str(chosen.objects + 10))
    os.environ.setdefault("GROVE_BROWSER_TEAM_AWAKE", str(chosen.objects + 10))

    slug, _ = our_team()

    from objects.engine import running
    from teams import callers
    from teams.models import Person
    from tests.browsers.hosting import hosting

    engine = running.engine()
    caller = callers.for_person(Person.objects.get(email="bench@example.com").pk, slug)
    paths = [f"/bench/browser-{os.getpid()}-{number}" for number in range(chosen.objects)]
    for path in paths:
        engine.call(caller.schema, path, "state.list", {}, caller, create="browser")
    host = hosting()
    host.work()

    def ask(path: str, command: str, **arguments: Any) -> float:
        began = time.perf_counter()
        started = engine.call(caller.schema, path, f"browser.{command}", arguments, caller)
        while True:
            shown = engine.call(caller.schema, path, "task.show", {"task": started.value["task"]}, caller).value
            if shown["state"] in OVER:
                break
            time.sleep(0.002)
        if shown["state"] != "done":
            raise SystemExit(f"{command} on {path}: {shown['problem']}")
        return (time.perf_counter() - began) * 1_000

    def memory_mb() -> float:
        processes = [process for process in psutil.Process().children(recursive=True) if "chrom" in process.name()]
        return sum(process.memory_full_info().pss for process in processes) / (1 << 20)

    try:
        ask(paths[0], "open", url=host.site.url)
        one_mb = memory_mb()
        with ThreadPoolExecutor(4) as several:
            opened = list(several.map(lambda path: ask(path, "open", url=host.site.url), paths))
            all_mb = memory_mb()
            each_mb = (all_mb - one_mb) / (len(paths) - 1)
            print(f"{len(paths)} browsers: {all_mb:.0f} MB of Chromium, {each_mb:.1f} MB each")
            say("open, a new browser", opened)
            for command, arguments in (
                ("click", {"target": "Water all"}),
                ("text", {"target": "h1"}),
                ("fill", {"field": "Name", "text": "mint"}),
            ):
                say(command, [ask(path, command, **arguments) for path in paths for _ in range(chosen.rounds)])
            again = paths * chosen.rounds
            say("click, four at once", list(several.map(lambda path: ask(path, "click", target="Water all"), again)))
        host.again()
        say("wake, and text", [ask(path, "text", target="h1") for path in paths])
    finally:
        host.stop()
        running.stop()


def say(what: str, took_ms: list[float]) -> None:
    ordered = sorted(took_ms)
    p99 = ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    print(f"{what}: p50 {statistics.median(took_ms):.0f} ms, p99 {p99:.0f} ms of {len(took_ms)}")


if __name__ == "__main__":
    main()
