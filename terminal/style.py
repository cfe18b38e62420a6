"""How a screen can show things: its width, its colours, the moment from which "5m ago" counts."""

from dataclasses import dataclass
from datetime import datetime

from terminal.ports import Screen


@dataclass(frozen=True, slots=True)
class Style:
    """How a screen can show things. colours: 0 where none. now: for "5m ago"; None writes moments in full."""

    width: int = 100
    colours: int = 0
    plain: bool = False
    now: datetime | None = None

    @classmethod
    def of(cls, screen: Screen, now: datetime | None = None) -> "Style":
        """What a screen can do now; widths change while people work."""
        width = max(20, screen.width)
        return cls(width, 0 if screen.plain else screen.colours, screen.plain, None if screen.plain else now)

    def paint(self, text: str, *codes: str) -> str:
        """Colour a text: "bold", "dim", "red", "green", "yellow", "blue", "magenta", "cyan"."""
        if not self.colours or not text:
            return text
        return f"\x1b[{';'.join(_CODES[code] for code in codes)}m{text}\x1b[0m"


_CODES = {
    "bold": "1", "dim": "2", "reverse": "7", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35",
    "cyan": "36",
}  # fmt: skip
