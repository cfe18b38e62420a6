"""A tree of one's own for each test, on a connection as the engine has them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection

from objects.tree import tree
from objects.tree.paths import ObjectPath

Pg = psycopg.Connection[Any]


def connect(*, autocommit: bool = True) -> Pg:
    """Open a connection to the test database."""
    database = django_connection.settings_dict
    return psycopg.connect(
        host=database["HOST"] or None,
        port=database["PORT"] or None,
        user=database["USER"] or None,
        password=database["PASSWORD"] or None,
        dbname=database["NAME"],
        autocommit=autocommit,
    )


@dataclass
class Grown:
    """A team's tree at work: `grown.create("/a", "object")` is `tree.create(connection, schema, "/a", "object")`."""

    connection: Pg
    schema: str

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(tree, name)
        return lambda *arguments, **named: function(self.connection, self.schema, *arguments, **named)

    def plant(self, *paths: str) -> None:
        """Create objects, and what is missing above them."""
        for path in paths:
            self.create(path, "object", parents=True)

    def live(self) -> list[str]:
        """Give the paths of all live objects in order, the root left out."""
        rows = self.sql("select path from {s}.object where trashed_at is null and path <> '/' order by path")
        return [path for (path,) in rows]

    def sql(self, text: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run SQL in which `{s}` is the schema."""
        cursor = self.connection.execute(text.replace("{s}", f'"{self.schema}"').encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def faults(self) -> list[tuple[str, str]]:
        """Give (path, what is wrong) for each live object that is not where its path says, or inherits wrongly."""
        return [
            *self.sql(
                "select o.path, 'parent' from {s}.object o left join {s}.object p on p.id = o.parent_id"
                " where o.trashed_at is null and o.path <> '/' and (p.id is null or p.trashed_at is not null"
                " or o.path <> case p.path when '/' then '/' else p.path || '/' end || o.name)"
            ),
            *self.sql(
                "select o.path, 'effective' from {s}.object o join {s}.object p on p.id = o.parent_id"
                " where o.trashed_at is null and o.effective <> p.effective || o.settings"
            ),
            *self.sql(
                "select o.path, 'redirect' from {s}.object o join {s}.moved m on m.path = o.path"
                " where o.trashed_at is null"
            ),
        ]


@pytest.fixture(scope="module")
def shared(team) -> Iterator[Grown]:
    """One tree for a file."""
    with connect() as connection:
        yield Grown(connection, team.schema_name)


@pytest.fixture
def grown(shared: Grown) -> Iterator[Grown]:
    """An empty tree: a root and nothing else. After the test it must be whole."""
    shared.sql("delete from {s}.object where path <> '/'")
    shared.sql("update {s}.object set settings = '{}'::jsonb, effective = '{}'::jsonb, tags = '{}'::text[]")
    for table in ("moved", "page", "page_history", "journal", "answer"):
        shared.sql(f"delete from {{s}}.{table}")
    yield shared
    assert shared.faults() == []


def paths(entries: list[Any]) -> list[str]:
    """Give the paths of what was listed."""
    return [str(ObjectPath.parse(entry.path)) for entry in entries]
