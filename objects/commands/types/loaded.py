"""What types that check their values themselves share."""

from collections.abc import Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from objects.commands.shapes import Shape


class Loaded(Shape):
    """A Shape that checks its values itself: `load` takes JSON values and what it gave before."""

    schema: Mapping[str, Any] = {}  # JSON Schema of what it takes
    result_schema: Mapping[str, Any] | None = None  # of what it gives, where that is less

    @property
    def __shape__(self) -> Shape:
        return self

    def load(self, value: Any) -> Any:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.load,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema if handler.mode == "validation" or self.result_schema is None else self.result_schema)


def shown(value: Any) -> str:
    """Write a refused value for a message: quoted where it is text, cut where it is long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…" + text[0] * isinstance(value, str)


def checked_text(text: str) -> str:
    """Refuse what no database column and no terminal takes: NUL and half of a surrogate pair."""
    if "\0" in text:
        raise ValueError("holds a NUL character, which text cannot. Send bytes as a file.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("holds half of a surrogate pair, which is not Unicode text.") from None
    return text
