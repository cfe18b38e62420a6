"""jq in a process of its own: a program may run for ever or fill the memory, and C code heeds no Ctrl-C."""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from teams.problems import BadRequest, OutOfTime, TooLarge

SECONDS = 20  # of CPU and of waiting
MEMORY_BYTES = 1 << 30
MOST_BYTES = 64 * 1024 * 1024  # of results

# Runs alone in the process. Refuses what jq says and ends with 3; anything else is a crash or a limit.
_PROGRAM = f"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import jq
program, _, inputs = sys.stdin.buffer.read().decode().partition("\\0")
try:
    compiled = jq.compile(program)
    for each in inputs.split("\\n"):
        for result in compiled.input_text(each):
            sys.stdout.write(json.dumps(result) + "\\n")
except ValueError as error:
    sys.stderr.write(str(error))
    sys.exit(3)
"""


async def run(program: str, inputs: Sequence[Any], *, column: int) -> list[Any]:
    """Run a program on each input and give all results. Raises BadRequest, OutOfTime, TooLarge.

    Cancelling ends the process.
    """
    sent = "\n".join(map(json.dumps, inputs))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", _PROGRAM,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            results, said, status = await _exchange(process, f"{program}\0{sent}".encode(errors="replace"))
    except TimeoutError:
        raise OutOfTime(
            f"jq: stopped after {SECONDS} s. Give it less, or a program that ends.", column=column
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if status == 3:
        raise BadRequest(f"jq: {_reason(said)}", column=column)
    if status != 0:
        raise TooLarge(f"jq: ended by itself: it had {SECONDS} s and {MEMORY_BYTES >> 20} MB.", column=column)
    return results


async def _exchange(process: asyncio.subprocess.Process, sent: bytes) -> tuple[list[Any], str, int]:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    feeding = asyncio.create_task(_feed(process.stdin, sent))
    complaining = asyncio.create_task(process.stderr.read(10_000))
    try:
        parts, size = [], 0
        while chunk := await process.stdout.read(1 << 16):
            parts.append(chunk)
            size += len(chunk)
            if size > MOST_BYTES:
                raise TooLarge(f"jq: gave more than {MOST_BYTES >> 20} MB. Make it give less.")
        await feeding
        said = (await complaining).decode(errors="replace")
        status = await process.wait()
        lines = b"".join(parts).splitlines()
        return ([json.loads(line) for line in lines] if status == 0 else []), said, status
    finally:
        feeding.cancel()
        complaining.cancel()


async def _feed(pipe: asyncio.StreamWriter, sent: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it has refused the program before reading all
        pipe.write(sent)
        await pipe.drain()
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.close()


def _reason(said: str) -> str:
    line = next((line.strip() for line in said.splitlines() if line.strip()), "it failed")
    text = line.removeprefix("jq: error: ").replace(" at <top-level>,", ",").rstrip(":")[:400]
    return text if text.endswith(".") else text + "."
