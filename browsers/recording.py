"""A session as a video: the screencast of the tab in front, as VP8 in WebM. A page that stands still costs nothing."""

import asyncio
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from playwright.async_api import Error, Page

from browsers.doings import Doings
from browsers.har import Archive
from browsers.screencast import Frame, Screencast
from browsers.talks import Talk
from browsers.timeline import SUFFIX, Timeline

FRAMES_A_SECOND: Final = 12
BITS_A_SECOND: Final = 1_500_000
MOST: Final = (1280, 1280)  # dots
ROOM: Final = 0.95  # of what a file may have, since more is written at the end


class Video:
    """A WebM file that grows by frames. Used by one thread at a time."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._size = width - width % 2, height - height % 2  # VP8's colours are of two dots each
        self._file = av.open(str(path), "w", format="webm")
        self._stream = self._file.add_stream("libvpx", rate=FRAMES_A_SECOND)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.bit_rate = BITS_A_SECOND
        self._stream.options = {"deadline": "realtime", "cpu-used": "8"}
        self._stream.codec_context.time_base = Fraction(1, 1_000)
        self._reader = av.CodecContext.create("mjpeg", "r")
        self._last: Any = None
        self._ms = -1

    def add(self, jpeg: bytes, ms: int) -> None:
        """Show a picture from a moment on, in milliseconds from the beginning."""
        for frame in self._reader.decode(av.Packet(jpeg)):
            self._last = frame.reformat(*self._size, format="yuv420p")
        self._show(ms)

    def _show(self, ms: int) -> None:
        if self._last is None or ms <= self._ms:
            return
        self._last.pts, self._last.time_base = ms, Fraction(1, 1_000)
        self._ms = ms
        for packet in self._stream.encode(self._last):
            self._file.mux(packet)

    def close(self, ms: int) -> None:
        """Hold the last picture until a moment, and end."""
        self._show(ms)
        for packet in self._stream.encode(None):
            self._file.mux(packet)
        self._file.close()


class Recorder:
    """Records whatever tab is in front, and all that happens meanwhile on one line of time.

    name: of the video that comes of it; the timeline and the HTTP archive stand beside it. until: when it ends by
    itself; sooner, where the video has grown to most_bytes.
    """

    def __init__(self, name: str, doings: Doings, *, seconds: float, most_bytes: int) -> None:
        self.name = name
        self._doings = doings
        self.began_at = time.time()
        self.until = self.began_at + seconds
        self.frames = 0
        self.timeline = Timeline(self.began_at)
        self.archive = Archive()
        self._most_bytes = most_bytes
        self._folder = tempfile.TemporaryDirectory(prefix="grove-recording-")
        self._path = Path(self._folder.name) / "session.webm"
        self._video: Video | None = None
        self._cast: Screencast | None = None
        self._next_at = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it has ended by itself."""
        return time.time() > self.until

    async def begin(self, page: Page, width: int, height: int) -> None:
        """Begin with this page."""
        await self._doings.listen(self.timeline.hear)
        await self.follow(page, width, height)

    async def follow(self, page: Page, width: int, height: int) -> None:
        """Record this page from now on."""
        if self._cast is not None and self._cast.page is page:
            return
        await self._rest()
        if self._video is None:
            size = min(width, MOST[0]), min(height, MOST[1])
            self._video = await asyncio.to_thread(Video, self._path, *size)
        with suppress(Error):  # Chromium's own first picture can be late, and a recording has one from its beginning
            shot = await page.screenshot(type="jpeg", quality=60, scale="css", timeout=2_000)
            await self._take(Frame(self.began_at if not self.frames else time.time(), shot, width, height))
        self._cast = Screencast(page, self._take)
        with suppress(Error):
            await self._cast.start(*MOST)

    async def _take(self, frame: Frame) -> None:
        if self._video is None or frame.at > self.until:
            return
        self.frames += 1
        await asyncio.to_thread(self._video.add, frame.jpeg, max(0, round((frame.at - self.began_at) * 1_000)))
        if self._path.stat().st_size > self._most_bytes * ROOM:
            self.until = frame.at
        await asyncio.sleep(max(0.0, self._next_at - time.monotonic()))
        self._next_at = time.monotonic() + 1 / FRAMES_A_SECOND

    async def _rest(self) -> None:
        cast, self._cast = self._cast, None
        if cast is not None:
            await cast.stop()

    async def finish(self, talks: Iterable[Talk] = (), version: str = "") -> dict[str, bytes]:
        """End, and give the files; none where nothing was seen. version: of Chromium."""
        ended_at = min(time.time(), self.until)
        await self._doings.leave(self.timeline.hear)
        await self._rest()
        video, self._video = self._video, None
        if video is None or not self.frames:
            return {}
        await asyncio.to_thread(video.close, round((ended_at - self.began_at) * 1_000))
        content = await asyncio.to_thread(self._path.read_bytes)
        self._folder.cleanup()
        stem = self.name.removesuffix(".webm")
        archive = await self.archive.finish([each for each in talks if each.began_at >= self.began_at], version)
        timeline = self.timeline.finish(ended_at, self.name, f"{stem}.har")
        return {self.name: content, f"{stem}{SUFFIX}": timeline, f"{stem}.har": archive}
