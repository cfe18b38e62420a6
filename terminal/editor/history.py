"""Lines to go back to, as prompt_toolkit wants them."""

from collections.abc import AsyncGenerator, Iterable, Sequence

from prompt_toolkit.history import History


class Lines(History):
    """Lines to go back to; what they are is told from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[str] = ()

    def load_history_strings(self) -> Iterable[str]:
        """Never asked: `load` is."""
        return reversed(self.lines)

    async def load(self) -> AsyncGenerator[str, None]:
        """Give the newest first."""
        for line in reversed(self.lines):
            yield line

    def append_string(self, string: str) -> None:
        """Nothing: the shell says what is remembered."""

    def store_string(self, string: str) -> None:
        """Nothing: the shell says what is remembered."""
