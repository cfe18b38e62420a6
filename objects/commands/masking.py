"""What the journal keeps of a call's arguments."""

import json
from collections.abc import Mapping
from typing import Any

from objects.commands.checks import Parameter
from objects.commands.shapes import MASK

LONGEST = 1_000  # characters of one argument


def masked(arguments: Mapping[str, Any], by_name: Mapping[str, Parameter]) -> dict[str, Any]:
    """Give arguments, checked or refused, as the journal may keep them: no secrets, no files, nothing long."""
    kept: dict[str, Any] = {}
    for name, value in arguments.items():
        kind = type(value)
        parameter = by_name.get(name)
        if parameter is None:  # a slip of the pen may be a secret under a wrong name
            kept[str(name)[:100].replace("\0", "�").encode(errors="replace").decode()] = MASK
        elif parameter.shape.masks:
            kept[name] = (
                [parameter.shape.masked(each) for each in value]
                if parameter.variadic and isinstance(value, list)
                else parameter.shape.masked(value)
            )
        elif value is None or kind is bool or kind is float or (kind is str and _is_short(value)):
            kept[name] = value
        else:
            kept[name] = _short(value, parameter)
    return kept


def _short(value: Any, parameter: Parameter) -> Any:
    shape = parameter.shape
    if not isinstance(value, str | int) and shape.plain is not None:
        try:
            value = [shape.plain(each) for each in value] if parameter.variadic else shape.plain(value)
        except (TypeError, ValueError, AttributeError, KeyError):
            value = repr(value)  # it was refused; what it looked like is worth keeping
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _cut(str(value)[:LONGEST])
    if isinstance(value, str):
        return _cut(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return _cut(repr(value) if not isinstance(value, list | dict) else f"a {type(value).__name__} that is not JSON")
    return _cut(text) if len(text) > LONGEST or not _is_clean(text) else value


def _is_short(text: str) -> bool:
    return len(text) <= LONGEST and text.isascii() and "\0" not in text


def _is_clean(text: str) -> bool:
    if "\\u0000" in text:
        return False
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _cut(text: str) -> str:
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text):,} characters)"
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    return text.replace("\0", "�")
