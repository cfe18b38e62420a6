"""The plain object: all facilities, and nothing of its own."""

from objects.sdk import Kind


class Object(Kind[None]):
    """A plain object: state, a database, files and whatever you make of them."""
