"""Commands that take the rest of a line as it was typed, such as `sql`: which, and where the rest begins."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from terminal.language.tree import Raw, Text, Word

MOST_WORDS_OF_A_COMMAND = 3

_DURATION = re.compile(r"[0-9][0-9.a-z]*")


@dataclass(frozen=True, slots=True)
class Rest:
    """How a command that takes the rest of a line reads what comes before it.

    before: positional words before the rest. switches: flags (`--all`) that take no value.
    keeps_or: `||` is part of the rest, as in SQL, where it joins texts; otherwise it ends it, as `|`, `;`, `&&` do.
    """

    before: int = 0
    switches: frozenset[str] = frozenset()
    keeps_or: bool = True


Rules = Mapping[str, Rest | None]
"""By the words of a command ("sql query"): its Rest, or None for one that reads ordinary words."""


def ruled_by(words: Sequence[Word], rules: Rules) -> tuple[Rest, str, Sequence[Word]] | None:
    """Find the rule of the command that words begin: the rule, the command's words as one, the words behind these.

    The longest command that there is wins. None where that reads ordinary words.
    """
    if not rules:
        return None
    called = words[_head(words) :]
    names: list[str] = []
    for word in called[:MOST_WORDS_OF_A_COMMAND]:
        if not word.bare:
            break
        names.append(word.bare)
    for count in range(len(names), 0, -1):
        name = " ".join(names[:count])
        for known in (name, name.replace(" ", ".")):
            if known in rules:
                rule = rules[known]
                return None if rule is None else (rule, name, called[count:])
    return None


def _head(words: Sequence[Word]) -> int:
    """Give the index of the word that names the command, behind `@path`, `on path`, `time`, `watch 2s`, `each … --`."""
    at = 0
    while at < len(words):
        word = words[at]
        bare = word.bare
        first = word.parts[0] if word.parts else None
        if isinstance(first, Text) and not first.quoted and first.text.startswith("@"):
            at += 1
        elif bare == "on":
            at += 2
        elif bare == "time":
            at += 1
        elif bare == "watch":
            at += 1
            if at < len(words) and _DURATION.fullmatch(words[at].bare):
                at += 1
        elif bare == "each":
            ends = [number for number in range(at, len(words)) if words[number].bare == "--"]
            if not ends:
                return len(words)
            at = ends[0] + 1
        else:
            return at
    return at


def is_at_rest(rule: Rest, words: Sequence[Word]) -> bool:
    """Whether the flags and positional words before the rest are all there."""
    count = 0
    skips = flags_ended = False
    for word in words:
        first = word.parts[0] if word.parts else None
        if any(isinstance(part, Raw) for part in word.parts):
            return False
        if skips:
            skips = False
        elif not flags_ended and word.bare == "--":
            flags_ended = True
        elif not flags_ended and isinstance(first, Text) and not first.quoted and first.text.startswith("--"):
            text = first.text[2:]
            skips = "=" not in text and text.replace("-", "_") not in rule.switches and text not in rule.switches
        else:
            count += 1
    return not skips and count == rule.before
