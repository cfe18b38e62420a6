"""Being inside of a team: which Postgres schema the ORM works in."""

from collections.abc import Iterator
from contextlib import contextmanager

from django_pgschemas.schema import Schema, active


@contextmanager
def inside(schema_name: str) -> Iterator[None]:
    """Work in a schema, "public" or a team's, and be back where one was afterwards, whatever happens inside.

    Safe in tasks and threads that run at once. django-pgschemas' own `override` (1.1.1) stays inside after an
    exception, and its commands leave a schema active; both would let the next request see another team.
    """
    token = active.set(Schema.create(schema_name))
    try:
        yield
    finally:
        active.reset(token)
