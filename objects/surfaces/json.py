"""JSON as it comes from outside, read strictly, and as it goes out."""

import json
import re
from typing import Any

import orjson

from teams.problems import BadRequest

DEEPEST = 72  # levels: those of a value (64) and of what is wrapped around it; the command's own check is exact
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def read(body: bytes) -> Any:
    """Read JSON. Raises BadRequest for what is not JSON, NaN, a key that comes twice, and very deep nesting.

    About twice the cost of the parser alone: keys are counted, and compared with the colons outside of texts.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    if type(value) is dict or type(value) is list:
        keys = _keys(value, 1)
        if body.count(b":") != keys and _STRING.sub(b"", body).count(b":") != keys:
            raise BadRequest(f"The key {_doubled(body)!r} comes twice in one JSON object. Say which one counts.")
    return value


def written(value: Any) -> bytes:
    """Write JSON; also whole numbers beyond 64 bits, which orjson refuses."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _keys(value: Any, depth: int) -> int:
    if depth > DEEPEST:
        raise BadRequest(f"The JSON is nested deeper than {DEEPEST} levels. Make it flatter.")
    keys = 0
    children = value
    if type(value) is dict:
        keys = len(value)
        children = value.values()
    for child in children:
        if type(child) is dict or type(child) is list:
            keys += _keys(child, depth + 1)
    return keys


def _doubled(body: bytes) -> str:
    """Find the key that comes twice: the slow way, since it is for the message only."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        found.extend(name for name in names if names.count(name) > 1)

    json.loads(body, object_pairs_hook=look)
    return found[0][:60] if found else "?"
