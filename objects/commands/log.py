"""What code says while it runs: lines of a constant text with fields. Who ran the code keeps them, within bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from objects.commands.shapes import compact

LINE_CHARS: Final = 1_000
LINES: Final = 200  # of one run
LEFT_OUT: Final = "…"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a command said. path: of the object that it ran in. at: Unix seconds, the call's `now`."""

    path: str
    at: float
    text: str
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        return one_line(self.text, self.fields)


class Log:
    """The lines of one run, also of one that fails: what it did is taken back, what it said is not."""

    __slots__ = ("left_out", "lines")

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.left_out = 0

    def add(self, line: LogLine) -> None:
        """Keep a line, if there is room: what comes first tells most."""
        if len(self.lines) < LINES:
            self.lines.append(line)
        else:
            self.left_out += 1

    def text(self, path: str) -> str:
        """Give all of it, a line each; what another object than the one at this path said begins with its path."""
        written = [str(line) if line.path == path else f"{line.path}: {line}" for line in self.lines]
        if self.left_out:
            written.append(f"{LEFT_OUT} {self.left_out:,} more")
        return "".join(f"{line}\n" for line in written)


def one_line(text: str, fields: Mapping[str, Any]) -> str:
    """Write a text with its fields as one line, cut where it is long: `slow page no=7 ms=31`."""
    whole = " ".join([text, *(f"{name}={compact(value)}" for name, value in fields.items())])
    whole = " ".join(whole.replace("\0", "�").splitlines())
    return whole if len(whole) <= LINE_CHARS else whole[:LINE_CHARS] + LEFT_OUT
