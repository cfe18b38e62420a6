from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection as django_connection

from objects.storage.image import Image
from tests.storage.shelf import Shelf


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def image(shelf) -> Iterator[Image]:
    """A new object's image, begun."""
    image = shelf.image()
    yield image
    image.close()


@pytest.fixture(scope="module")
def schema(team) -> str:
    return team.schema_name


def connect() -> psycopg.Connection:
    given = django_connection.settings_dict
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return psycopg.connect(**{key: given[name] for name, key in names.items() if given[name]})


@pytest.fixture
def postgres(team) -> Iterator[psycopg.Connection]:
    with connect() as connection:
        yield connection


@pytest.fixture
def new_postgres(team):
    """Make further connections, as other processes have them."""

    @contextmanager
    def new() -> Iterator[psycopg.Connection]:
        with connect() as connection:
            yield connection

    return new
