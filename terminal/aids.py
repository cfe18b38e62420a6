"""What helps while a line is typed, for one session's editor: completion, the grey rest of a line, colours.

An editor draws at once and cannot wait: what is not known yet is asked for beside it, and `on_news` says when to draw
anew.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from prompt_toolkit.formatted_text import StyleAndTextTuples

from objects.commands.spec import CommandSpec
from terminal.builtins.base import builtins as all_builtins
from terminal.completion import Completion, Completions
from terminal.fields import Told
from terminal.highlight import Colours, Token, highlight
from terminal.known import Known, Typing, rule_of
from terminal.language import Rest
from terminal.suggest import Suggestions


class Shell(Typing, Protocol):
    """What of a shell matters while somebody types, and whether a text is whole."""

    def is_complete(self, text: str) -> bool:
        """Whether the text can be run as it is."""


class Aids:
    """The helper of an editor (`terminal.editor.Helper`)."""

    def __init__(
        self, shell: Shell, builtins: Mapping[str, Told] = all_builtins, *, on_news: Callable[[], None] = lambda: None
    ) -> None:
        """builtins: what the shell itself can do. on_news: called when colours may have become others."""
        self.shell = shell
        self.builtins = builtins
        self.known = Known(shell, on_news=on_news)
        self._completions = Completions(self.known, builtins)
        self._suggestions = Suggestions()
        self._rules: tuple[object, Mapping[str, Rest | None]] = (None, {})

    def recall(self, lines: Sequence[str], here: Sequence[str]) -> None:
        """Take the lines that suggestions come from: all, and those of the object; the newest last. A command ran."""
        self._suggestions = Suggestions(lines, here)
        self.known.forget()

    def is_complete(self, text: str) -> bool:
        """Whether Enter runs the text, or begins another line of it."""
        return self.shell.is_complete(text)

    def suggest(self, text: str) -> str:
        """Give what probably follows the text; "" for nothing."""
        return self._suggestions.after(text)

    async def complete(self, text: str, cursor: int) -> list[Completion]:
        """Give what may stand at the cursor, the likeliest first; in 50 ms, and never with an error."""
        return await self._completions.at(text, cursor)

    def colours(self, text: str) -> StyleAndTextTuples:
        """Give the text in pieces, each with the style of its role: [("class:command", "take"), ("", " 5")]."""
        pieces: StyleAndTextTuples = []
        at = 0
        for token in self.tokens(text):
            if token.start > at:
                pieces.append(("", text[at : token.start]))
            pieces.append((f"class:{token.style}", text[token.start : token.end]))
            at = token.end
        if at < len(text):
            pieces.append(("", text[at:]))
        return pieces

    def tokens(self, text: str) -> list[Token]:
        """Give the coloured pieces of a text."""
        rules = self._rules_of(self.known.commands_now(self.shell.path))
        return highlight(
            text,
            Colours(
                path=self.shell.path,
                commands=self.known.commands_now,
                names=frozenset(self.builtins) | self.known.names_now(),
                exists=self.known.exists_now,
                rules=rules,
            ),
        )

    def _rules_of(self, commands: Mapping[str, CommandSpec] | None) -> Mapping[str, Rest | None]:
        """Tell how commands take the rest of a line; worked out once for the commands that are known."""
        if self._rules[0] is not commands or not self._rules[1]:
            rules: dict[str, Rest | None] = {spec.words: rule_of(spec) for spec in (commands or {}).values()}
            rules |= {name: rule_of(told.spec) for name, told in self.builtins.items()}
            self._rules = (commands, rules)
        return self._rules[1]
