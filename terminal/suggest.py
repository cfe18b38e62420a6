"""The grey rest of a line that was typed before, as in fish: the newest that begins so, those of this object first."""

from collections.abc import Sequence


def suggest(text: str, lines: Sequence[str], here: Sequence[str] = ()) -> str:
    """Give what probably follows the text; "" for nothing.

    lines, here: what was run anywhere, and at this object; the newest last. Costs a look at each.
    """
    if not text.strip() or "\n" in text:
        return ""
    for each in (here, lines):
        for line in reversed(each):
            if line.startswith(text) and len(line) > len(text) and "\n" not in line:
                return line[len(text) :]
    return ""
