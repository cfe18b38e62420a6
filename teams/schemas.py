"""The Postgres schemas of teams: being inside of one, and bringing its tables up to date."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django_pgschemas.schema import Schema, active
from psycopg.sql import SQL, Identifier


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


def create_schema(schema_name: str) -> None:
    """Make a team's schema with its tables; part of the transaction that one is in.

    django-pgschemas does it with `migrate`, which walks the migrations of all apps through their states to leave their
    tables out: 0.6 s a team, where the team's own migrations take 0.03 s.
    """
    with connection.cursor() as cursor:
        cursor.execute(SQL("create schema {}").format(Identifier(schema_name)))
    migrate_schema(schema_name)


def drop_schema(schema_name: str) -> None:
    """Drop a team's schema and all that is in it."""
    with connection.cursor() as cursor:
        cursor.execute(SQL("drop schema if exists {} cascade").format(Identifier(schema_name)))


def migrate_schema(schema_name: str) -> None:
    """Apply the migrations of the teams' apps that a schema does not have yet."""
    with inside(schema_name):
        executor = MigrationExecutor(connection)
        executor.migrate(_newest(executor.loader))


def schemas_behind(schema_names: list[str]) -> list[str]:
    """Give those of the schemas that lack a migration, with one query for all."""
    if not schema_names:
        return []
    wanted = {key for key in MigrationLoader(None).graph.nodes if key[0] in _labels()}
    applied = SQL(" union all ").join(
        SQL("select {}::text, app, name from {}.django_migrations").format(name, Identifier(name))
        for name in schema_names
    )
    having: dict[str, set[tuple[str, str]]] = {name: set() for name in schema_names}
    with connection.cursor() as cursor:
        cursor.execute(applied)
        for name, app, migration in cursor.fetchall():
            having[name].add((app, migration))
    return [name for name in schema_names if not wanted <= having[name]]


def _labels() -> set[str]:
    return {apps.get_app_config(app.rpartition(".")[2]).label for app in settings.TEAM_APPS}


def _newest(loader: MigrationLoader) -> list[tuple[str, str]]:
    labels = _labels()
    return [key for key in loader.graph.leaf_nodes() if key[0] in labels]
