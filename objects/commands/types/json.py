"""Any JSON value."""

from collections.abc import Mapping
from typing import Annotated, Any

from objects.commands.shapes import DEEPEST, LARGEST_INT, SMALLEST_INT, AnyJsonShape
from objects.commands.types.loaded import Loaded, checked_text, shown


class _JsonShape(Loaded, AnyJsonShape):
    schema: Mapping[str, Any] = {}

    def load(self, value: Any) -> Any:
        check_json(value)
        return value


def check_json(value: Any, depth: int = 0) -> None:  # noqa: C901 -- flat and in order of frequency: every value passes here
    """Raise ValueError unless the value is JSON that every part of Grove can keep."""
    kind = type(value)
    if kind is str:
        checked_text(value)
    elif kind is int:
        if not SMALLEST_INT <= value <= LARGEST_INT:
            raise ValueError(f"{shown(value)} is beyond 64 bits. Send it as text.")
    elif kind is float:
        if value - value != 0.0:  # infinity and NaN, without a function call
            raise ValueError(f"{value} is not a finite number.")
    elif kind is list or kind is dict:
        if depth == DEEPEST:
            raise ValueError(f"is nested deeper than {DEEPEST} levels.")
        if kind is dict:
            for key in value:
                if type(key) is not str:
                    raise ValueError(f"has the key {shown(key)}: keys are text.")
                checked_text(key)
            value = value.values()
        for each in value:
            check_json(each, depth + 1)
    elif value is not None and kind is not bool:
        raise ValueError(f"is a {kind.__name__}, which is not a JSON value.")


Json = Annotated[Any, _JsonShape()]
"""Any JSON value, at most 64 levels deep. From text: JSON where it parses, the bare text otherwise."""
