"""The process of a script: reads what to do, has a Chromium of its own, runs the script, writes down what came of it.

It ends when its input does, which is when the host is gone, whatever the script does.
"""

import asyncio
import os
import sys
import threading
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from playwright.async_api import Error, async_playwright

from browsers.chromium import FLAGS
from browsers.egress import chromium as egress
from browsers.operated import apart
from browsers.sessions import Session
from teams.limits import Limits


def main() -> None:
    """Run the script that comes as the first line of the input."""
    folder = Path(sys.argv[1])
    asked = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_host, daemon=True).start()
    told = asyncio.run(_performed(asked, folder))
    (folder / "answer.new").write_bytes(told)
    (folder / "answer.new").rename(folder / "answer.json")


async def _performed(asked: dict[str, Any], folder: Path) -> bytes:
    value, error, parts = None, "", None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=asked["executable"], args=[*FLAGS], chromium_sandbox=asked["sandbox"],
            proxy=egress.NOWHERE, downloads_path=str(folder),
        )  # fmt: skip
        session = Session("", 0, Limits(**asked["limits"]), lambda: "crashed")
        await session.ready(asked["parts"], browser, playwright.devices, asked["proxy"])
        page = await session.page() if session.tabs else await session.new_tab()
        try:
            script = ModuleType("script")
            exec(compile(asked["text"], asked["name"], "exec"), script.__dict__)  # noqa: S102 -- an operator's own
            value = await script.run(page, asked["arguments"])
            orjson.dumps(value)
        except Exception as problem:  # noqa: BLE001 -- whatever it is, whoever runs it is told
            value, error = None, _told(problem, asked["name"])
        try:
            session.adopt()
            parts = await session.capture()
        except Error as problem:
            error = error or f"its browser could not be kept: {problem}"
        await session.sleep()
        await browser.close()
    return orjson.dumps({"value": value, "error": error, "parts": parts})


def _told(problem: Exception, name: str) -> str:
    """Say what went wrong, and where in the script; all of it goes to the output."""
    frames = [each for each in traceback.extract_tb(problem.__traceback__) if each.filename == name]
    told = ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
    sys.stdout.write("".join([*told, *traceback.format_exception_only(problem)]))
    sys.stdout.flush()
    if isinstance(problem, TypeError) and not frames:
        return f"its result is no JSON: {problem}"
    lines = str(problem).strip().splitlines() or [""]
    where = f"line {frames[-1].lineno}: " if frames else ""
    return f"{where}{type(problem).__name__}: {lines[0][:500]}"


def _end_with_the_host() -> None:
    while os.read(sys.stdin.fileno(), 4_096):  # no buffer of Python's, which is locked as this process ends
        pass
    apart.end(os.environ[apart.MARK], but=os.getpid())
    os._exit(70)


if __name__ == "__main__":
    main()
