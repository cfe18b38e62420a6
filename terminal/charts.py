"""Numbers as pictures of characters: bars side by side, or one line of them."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from objects.commands.render import columns_of, visible
from objects.commands.shapes import number
from terminal.rendering import GAP, padded
from terminal.style import Style

_BARS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"


def exactly(value: float) -> str:
    """Write a number as it is."""
    return number(float(value))


def sparkline(values: Sequence[float], width: int) -> str:
    """Draw numbers as a line of small bars; more numbers than columns are averaged."""
    if not values:
        return ""
    if len(values) > width:
        edges = [round(at * len(values) / width) for at in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    least, most = min(values), max(values)
    span = most - least
    return "".join(_BARS[min(7, int((value - least) / span * 8))] if span else _BARS[0] for value in values)


def bars(pairs: Sequence[tuple[str, float]], style: Style, words: Callable[[float], str] = exactly) -> str:
    """Draw labelled numbers as bars from zero, longest to fit the width; negative ones are marked.

    words: how a number is written.
    """
    if not pairs:
        return ""
    labels = [visible(label) for label, _ in pairs]
    numbers = [words(value) for _, value in pairs]
    if style.plain:
        return "\n".join(f"{label}: {text}" for label, text in zip(labels, numbers, strict=True))
    label_width = min(max(map(columns_of, labels)), max(8, style.width // 3))
    number_width = max(map(len, numbers))
    room = max(4, style.width - label_width - number_width - 2 * len(GAP))
    most = max(abs(value) for _, value in pairs) or 1
    lines = []
    for label, text, (_, value) in zip(labels, numbers, pairs, strict=True):
        eighths = math.ceil(abs(value) / most * room * 8) if math.isfinite(value) else 0
        bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
        bar = style.paint(bar, "red" if value < 0 else "green")
        lines.append(f"{padded(label, label_width)}{GAP}{text:>{number_width}}{GAP}{bar}".rstrip())
    return "\n".join(lines)
