"""A trace: what Playwright takes down of all that happens in a context, for its own viewer."""

import asyncio
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from playwright.async_api import BrowserContext, Error, Request

STOP_S: Final = 15.0
SUFFIX: Final = "trace.zip"  # of all names of traces, so that they are known by it


class Tracer:
    """Traces a context. name: of the file that comes of it.

    It ends by itself after a time, or where pages were answered more than a trace can hold.
    """

    def __init__(self, name: str, context: BrowserContext, *, seconds: float, most_bytes: int) -> None:
        self.name = name
        self._context = context
        self._until = time.time() + seconds
        self._most_bytes = most_bytes
        self._answered_bytes = 0

    @property
    def is_over(self) -> bool:
        """Whether it is to end by itself."""
        return time.time() > self._until or self._answered_bytes > self._most_bytes

    async def answered(self, request: Request) -> None:
        """Take note of what a page was answered: all of it is in the trace."""
        self._answered_bytes += (await request.sizes())["responseBodySize"]

    async def begin(self) -> None:
        """Begin."""
        await self._context.tracing.start(title=self.name, screenshots=True, snapshots=True)

    async def finish(self) -> dict[str, bytes]:
        """End, and give the file; none where the context is gone."""
        with tempfile.TemporaryDirectory(prefix="grove-trace-") as folder:
            path = Path(folder) / "trace.zip"
            with suppress(Error, TimeoutError):
                await asyncio.wait_for(self._context.tracing.stop(path=path), STOP_S)
                return {self.name: await asyncio.to_thread(path.read_bytes)}
        return {}
