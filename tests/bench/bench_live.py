"""The live view: frames a second at who watches, and from a click to the frame after it.

    DATABASE_URL=… VALKEY_URL=… python -m tests.bench.bench_live [--seconds 5] [--clicks 40]

A host of its own in this process, a real Chromium, and the live view's own sockets, each in the place of a reader who
says that a frame was seen as soon as it came, or, the slow one, after a second. What a reader's network and browser add
is not in it. Makes a team of its own and leaves it there.
"""

import argparse
import asyncio
import os
import statistics
import struct
import time
from collections.abc import Callable
from typing import Any

import orjson

from tests.bench.beside import our_team

OVER = ("done", "failed", "cancelled")
# A box that moves over the page; and a page that changes its colour with a click.
MOVES = """(() => { const c = document.querySelector('#moves')
|| document.body.appendChild(document.createElement('canvas'));
Object.assign(c, {id: 'moves', width: 1000, height: 600, style: 'position: fixed; inset: 0'}); let n = 0;
const p = c.getContext('2d'); const draw = () => { p.fillStyle = `hsl(${n++ % 360} 80% 50%)`;
p.fillRect(n * 7 % 900, n * 3 % 500, 120, 90); window.moves = requestAnimationFrame(draw) }; draw() })()"""
STILL = """(() => { cancelAnimationFrame(window.moves); const p = document.querySelector('#moves').getContext('2d');
let n = 0; onmousedown = () => { p.fillStyle = `hsl(${n++ * 47 % 360} 60% 80%)`; p.fillRect(0, 0, 1000, 600) } })()"""


class Reader:
    """Somebody who watches. pause_s: until a frame is said to be seen."""

    def __init__(self, slug: str, secret: str, path: str, pause_s: float = 0.0) -> None:
        self.scope = {
            "type": "websocket", "path": f"/ws/browser/{slug}{path}", "query_string": b"", "subprotocols": [],
            "headers": [(b"authorization", f"Bearer {secret}".encode())],
        }  # fmt: skip
        self.pause_s = pause_s
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.said.put_nowait({"type": "websocket.connect"})
        self.frames: list[float] = []
        self.size_bytes = 0
        self.came = asyncio.Event()
        self.state: dict[str, Any] = {}

    def say(self, **what: Any) -> None:
        self.said.put_nowait({"type": "websocket.receive", "text": orjson.dumps(what).decode()})

    async def take(self, message: dict[str, Any]) -> None:
        if message.get("bytes") is not None:
            self.frames.append(time.perf_counter())
            self.size_bytes += len(message["bytes"])
            self.came.set()
            (number,) = struct.unpack_from("!I", message["bytes"], 1)
            asyncio.get_running_loop().call_later(self.pause_s, lambda: self.say(seen=number))
        elif message.get("text"):
            self.state = orjson.loads(message["text"])
        elif message["type"] == "websocket.close":
            raise SystemExit(f"the live view ended: {message}")

    async def watch(self) -> None:
        from browsers.live.socket import watch

        await watch(self.scope, self.said.get, self.take)


async def measured(readers: list[Reader], seconds: float) -> list[float]:
    """Frames a second of each, while the page moves."""
    for each in readers:
        each.frames.clear()
    await asyncio.sleep(seconds)
    return [len(each.frames) / seconds for each in readers]


async def clicked(reader: Reader, times: int) -> list[float]:
    """Milliseconds from a click to the frame after it, while the page stands still."""
    took = []
    for _ in range(times):
        await asyncio.sleep(0.25)
        reader.came.clear()
        began = time.perf_counter()
        place = {"x": 600, "y": 500, "button": 0, "clicks": 1}
        reader.say(do="input", events=[{"type": "mouse", "what": each, **place} for each in ("down", "up")])
        await asyncio.wait_for(reader.came.wait(), 5)
        took.append((time.perf_counter() - began) * 1_000)
    return took


async def compare(reader: Callable[..., Reader], do: Callable[..., None], chosen: argparse.Namespace) -> None:
    """One who watches, four, and one beside whom another is slow."""
    for several, slow in ((1, 0), (4, 0), (1, 1)):
        readers = [reader() for _ in range(several)] + [reader(1.0) for _ in range(slow)]
        watching = [asyncio.ensure_future(each.watch()) for each in readers]
        while not all(each.frames for each in readers):
            for ended in [each for each in watching if each.done()]:
                ended.result()
            await asyncio.sleep(0.05)
        await asyncio.to_thread(do, "eval", script=MOVES)
        await asyncio.sleep(1)
        rates = await measured(readers, chosen.seconds)
        each_kb = sum(one.size_bytes for one in readers) / max(1, sum(len(one.frames) for one in readers)) / 1_024
        await asyncio.to_thread(do, "eval", script=STILL)
        readers[0].say(do="drive")
        while readers[0].state["driver"] != readers[0].state["you"]:  # noqa: ASYNC110 -- a bench can wait so
            await asyncio.sleep(0.02)
        took = sorted(await clicked(readers[0], chosen.clicks))
        who = f"{several} watching" + (", and a slow one" if slow else "")
        told = ", ".join(f"{rate:.1f}" for rate in rates)
        p95 = took[min(len(took) - 1, round(len(took) * 0.95))]
        print(f"{who}: {told} frames a second, {each_kb:.0f} kB each")
        print(f"    click to frame: p50 {statistics.median(took):.0f} ms, p95 {p95:.0f} ms of {len(took)}")
        for each in readers:
            each.said.put_nowait({"type": "websocket.disconnect"})
        await asyncio.gather(*watching)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clicks", type=int, default=40)
    chosen = parser.parse_args()
    slug, _ = our_team()

    from objects.engine import running
    from teams import actions, callers
    from teams.models import Person, Team
    from tests.browsers.hosting import hosting

    engine = running.engine()
    owner = Person.objects.get(email="bench@example.com")
    team = Team.objects.get(slug=slug)
    _, secret = actions.create_token(team=team, by=owner, name="live", verbs=("reads", "task"))
    caller = callers.for_person(owner.pk, slug)
    path = f"/bench/live-{os.getpid()}"
    engine.call(caller.schema, path, "state.list", {}, caller, create="browser")
    host = hosting()
    host.work()

    def do(command: str, **arguments: Any) -> None:
        task = engine.call(caller.schema, path, f"browser.{command}", arguments, caller).value["task"]
        while engine.call(caller.schema, path, "task.show", {"task": task}, caller).value["state"] in (
            "waiting",
            "running",
        ):
            time.sleep(0.02)

    try:
        do("open", url=host.site.url)
        asyncio.run(compare(lambda pause_s=0.0: Reader(slug, secret, path, pause_s), do, chosen))
    finally:
        host.stop()
        running.stop()


if __name__ == "__main__":
    main()
