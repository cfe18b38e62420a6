"""What filters share: items as they come through a pipe, and their fields."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from objects.commands.types import Help
from teams.problems import WrongArgument
from terminal.builtins.base import Stage
from terminal.values import Flow, field_of

Field = Annotated[str, Help("a field, such as size or owner.name; the item itself where it is left out")]
_NONE = object()


def like(flow: Flow, items: AsyncIterator[Any]) -> Flow:
    """Give items that are of the type of those that came."""
    return Flow(items=items, shape=flow.item_shape, live=flow.live)


def of_item(item: Any, field: str) -> Any:
    """Give a field of an item; the item itself for ""."""
    return field_of(item, field) if field else item


async def with_field(flow: Flow, field: str, stage: Stage) -> list[Any]:
    """Give the items; raises WrongArgument where a field was named that no item has."""
    items = await flow.listed()
    if field and items and all(field_of(item, field, _NONE) is _NONE for item in items):
        has = ", ".join(dict.fromkeys(name for item in items[:100] if isinstance(item, dict) for name in item))
        raise WrongArgument(
            "field", f"no item has '{field[:60]}'." + (f" Fields: {has}." if has else " They have no fields."),
            column=stage.column_of(field),
        )  # fmt: skip
    return items
