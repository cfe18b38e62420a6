"""What the shell itself can do. `builtins` has it all by name, for running, help and completion."""

from terminal.builtins import (
    counting,
    each,
    files,
    filters,
    forms,
    help,
    jobs,
    jq,
    memory,
    navigation,
    parts,
    scripting,
    sessions,
)
from terminal.builtins.base import Argument, Builtin, Stage, builtin, builtins

__all__ = [
    "Argument",
    "Builtin",
    "Stage",
    "builtin",
    "builtins",
    "counting",
    "each",
    "files",
    "filters",
    "forms",
    "help",
    "jobs",
    "jq",
    "memory",
    "navigation",
    "parts",
    "scripting",
    "sessions",
]
