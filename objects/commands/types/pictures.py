"""Small pictures in results."""

from typing import Annotated, Any

from objects.commands.shapes import Shape


class _PictureShape(Shape):
    noun = "a small picture, as a data: address"

    @property
    def __shape__(self) -> Shape:
        return self

    def show(self, plain: Any) -> str:  # noqa: ARG002 -- pictures are shown, not written
        return ""


Picture = Annotated[str, _PictureShape()]
"""A small picture in a result, as a data: address: shown beside what else it says, where pictures can be."""


def is_picture(shape: Shape | None) -> bool:
    """Whether it is that of a Picture."""
    return isinstance(shape, _PictureShape)
