"""The plain object: all facilities, and nothing of its own."""

# exempt: panel -- its page shows the facilities, and there is nothing else of it
# exempt: property -- it promises nothing beyond its facilities, which have tests of their own

from objects.sdk import Kind


class Object(Kind[None]):
    """A plain object: state, a database, files and whatever you make of them."""
