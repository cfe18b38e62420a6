"""Recordings of sessions: asciicast v2, one JSON value a line, as asciinema and its player read them.

Source: https://docs.asciinema.org/manual/asciicast/v2/
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from teams.problems import BadRequest

FOLDER = "recordings/"
ENDING = ".cast"
MOST_BYTES = 8 << 20  # of a recording; it stops there
LONGEST_PAUSE_S = 2.0  # of a replay
MOST_EVENTS = 500_000
# What a replay may do to the terminal: text, colours, moving and erasing. A file is data: anybody may have written it.
SHOWN = re.compile(r"\x1b\[[0-9;:]*[mABCDEFGHJKPXLMSTdf@]|[\r\n\t\b]|[^\x00-\x1f\x7f-\x9f]+")


def file_of(name: str) -> str:
    """Give the file in which a recording of that name is kept."""
    return f"{FOLDER}{name.removeprefix(FOLDER).removesuffix(ENDING)}{ENDING}"


@dataclass(slots=True)
class Recording:
    """What a session shows from now on. name: of its file. path: of the object that gets the file."""

    name: str
    path: str
    width: int
    height: int
    began_at: float = field(default_factory=time.time)
    is_full: bool = False
    _clock: float = field(default_factory=time.monotonic)
    _lines: list[bytes] = field(default_factory=list)
    _bytes: int = 0

    def __post_init__(self) -> None:
        header = {
            "version": 2,
            "width": self.width,
            "height": self.height,
            "timestamp": int(self.began_at),
            "title": self.path,
            "env": {"TERM": "xterm-256color"},
        }
        self._add(header)

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return round(time.monotonic() - self._clock, 3)

    def hear(self, text: str) -> None:
        """Note what is shown."""
        self._add([self.seconds, "o", text])

    def resized(self, width: int, height: int) -> None:
        """Note another size."""
        self._add([self.seconds, "r", f"{width}x{height}"])

    def content(self) -> bytes:
        """Give the file."""
        return b"".join(self._lines)

    def _add(self, event: object) -> None:
        line = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        if self.is_full or self._bytes + len(line) > MOST_BYTES:
            self.is_full = True
            return
        self._lines.append(line)
        self._bytes += len(line)


def events(content: bytes) -> Iterator[tuple[float, str]]:
    """Read a recording: (seconds to wait, text to show) for each output. Raises BadRequest for what is none."""
    lines = content.decode("utf-8", "replace").splitlines()
    try:
        header = json.loads(lines[0])
        if header["version"] != 2:
            raise ValueError
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        raise BadRequest("The file is no asciicast v2 recording: its first line does not say so.") from None
    before = 0.0
    for number, line in enumerate(lines[1 : MOST_EVENTS + 1], 2):
        try:
            at, kind, text = json.loads(line)
            pause = min(max(float(at) - before, 0.0), LONGEST_PAUSE_S)
            before = float(at)
        except (TypeError, ValueError, RecursionError):
            raise BadRequest(f"Line {number} of the recording cannot be read.") from None
        if kind == "o" and isinstance(text, str):
            yield pause, "".join(SHOWN.findall(text))
