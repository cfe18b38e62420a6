"""The grey rest of a line that was typed before, as in fish: the newest that begins so, those of this object first."""

from collections.abc import Sequence


class Suggestions:
    """What may follow a text, from lines that were run anywhere and at this object; the newest last.

    What was found for a text is found for a longer one, too, as long as that goes on like it: so a key that was
    foreseen, or follows one that nobody foresees, costs no look at the lines.
    """

    def __init__(self, lines: Sequence[str] = (), here: Sequence[str] = ()) -> None:
        self._lines = [line for each in (here, lines) for line in reversed(each) if "\n" not in line]
        self._asked, self._found = "", ""

    def after(self, text: str) -> str:
        """Give what probably follows the text; "" for nothing."""
        if not text.strip() or "\n" in text:
            return ""
        if self._asked and text.startswith(self._asked) and (not self._found or len(self._found) > len(text)):
            found = self._found if self._found.startswith(text) else ""
            if found or not self._found:
                self._asked = text
                return found[len(text) :]
        self._asked = text
        self._found = next((line for line in self._lines if line.startswith(text) and len(line) > len(text)), "")
        return self._found[len(text) :]
