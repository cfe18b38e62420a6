"""JSON values as trees that a page unfolds in place."""

import json
from dataclasses import dataclass
from typing import Any, Final

DEEP: Final = 6  # levels of a value that are unfolded as a tree
MANY: Final = 200  # members of one level that are shown


@dataclass(frozen=True, slots=True)
class Branch:
    """A value as a tree. kind: object, list, text, number, yes or no, null."""

    name: str
    kind: str
    text: str
    members: tuple["Branch", ...] = ()
    more: int = 0


def tree_of(name: str, value: Any, level: int = 0) -> Branch:
    """Give a value as a tree to be unfolded."""
    if isinstance(value, dict) and value and level < DEEP:
        shown = list(value.items())[:MANY]
        members = tuple(tree_of(key, each, level + 1) for key, each in shown)
        return Branch(name, "object", f"{len(value)} member{'s' * (len(value) != 1)}", members, len(value) - len(shown))
    if isinstance(value, list) and value and level < DEEP:
        shown_items = value[:MANY]
        members = tuple(tree_of(str(number), each, level + 1) for number, each in enumerate(shown_items))
        return Branch(
            name, "list", f"{len(value)} item{'s' * (len(value) != 1)}", members, len(value) - len(shown_items)
        )
    kinds = {
        str: "text",
        bool: "yes or no",
        int: "number",
        float: "number",
        type(None): "null",
        dict: "object",
        list: "list",
    }
    kind = kinds[type(value)]
    return Branch(name, kind, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
