"""The language of the shell: `parse` turns a text into a tree with positions, `unparse` writes a tree down again."""

from terminal.language.parser import Unfinished, parse
from terminal.language.rests import Rest
from terminal.language.tree import (
    Assignment,
    Block,
    Chain,
    Command,
    HereDocument,
    Part,
    Pipeline,
    Raw,
    Redirection,
    Script,
    Spot,
    Substitution,
    Text,
    Variable,
    Word,
    commands_of,
    piped_into,
    spot,
    words_of,
)
from terminal.language.writer import quoted, unparse

__all__ = [
    "Assignment",
    "Block",
    "Chain",
    "Command",
    "HereDocument",
    "Part",
    "Pipeline",
    "Raw",
    "Redirection",
    "Rest",
    "Script",
    "Spot",
    "Substitution",
    "Text",
    "Unfinished",
    "Variable",
    "Word",
    "commands_of",
    "parse",
    "piped_into",
    "quoted",
    "spot",
    "unparse",
    "words_of",
]
