"""How long the tree takes in a team of 100,000 objects: `python -m tests.bench.bench_tree`, with DATABASE_URL set.

Prints the median and the 99th percentile of each operation in milliseconds, and whether its index was used. Ends with 1
where an answer that a person waits for takes more than 50 ms, or the index named is not used ("": none can be).
"""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 -- needs django.setup()
from django.db import connection as django_connection  # noqa: E402

from objects.tree import tree  # noqa: E402
from objects.tree.nodes import sql  # noqa: E402
from teams import actions  # noqa: E402
from teams.access import Caller, Role, Scope  # noqa: E402
from teams.models import Person, Team  # noqa: E402

SCHEMA = "bench_tree"
OBJECTS = 100_000
ROUNDS = 100
MOST_MS = 50.0


def fill(connection: psycopg.Connection, schema: str = SCHEMA) -> None:
    """Make 10 projects of 100 folders of 98 objects, a flat folder of 1,000 and a deep chain, with pages in some."""
    connection.execute(
        sql(
            schema,
            """
            insert into {s}.object (id, parent_id, name, path, kind, tags)
            select 2 + p, 1, 'project-' || p, '/project-' || p, 'object', '{}'::text[] from generate_series(0, 9) p;
            insert into {s}.object (id, parent_id, name, path, kind, tags)
            select 100 + p * 100 + f, 2 + p, 'folder-' || f, '/project-' || p || '/folder-' || f, 'object', '{}'::text[]
            from generate_series(0, 9) p, generate_series(0, 99) f;
            insert into {s}.object (id, parent_id, name, path, kind, tags)
            select 10000 + p * 10000 + f * 100 + o, 100 + p * 100 + f, name,
                '/project-' || p || '/folder-' || f || '/' || name, case o % 10 when 0 then 'queue' else 'object' end,
                case when o % 50 = 0 then array['hot', 'env:prod'] else '{}'::text[] end
            from generate_series(0, 9) p, generate_series(0, 99) f, generate_series(0, 98) o,
                lateral (select md5(p || '.' || f || '.' || o)::text || '-sensor' as name);
            insert into {s}.page (object_id, no, version, bucket, data)
            select id, no, 1, 1, decode(repeat(md5(id::text), 30), 'hex') from {s}.object, generate_series(0, 2) no
            where id >= 10000 and id < 20000;
            select setval(pg_get_serial_sequence('{s}.object', 'id'), 1000000);
            vacuum analyze {s}.object;
            """.replace("'{}'", "'{{}}'"),
        ).replace(b"vacuum analyze", b"analyze")
    )


def clocked(rounds: int, run: Callable[[int], object]) -> list[float]:
    """Run a number of rounds; gives milliseconds, sorted."""
    took = []
    for number in range(rounds):
        started = time.perf_counter()
        run(number)
        took.append((time.perf_counter() - started) * 1000)
    return sorted(took)


class Seen:
    """A connection that keeps the plan of the last statement."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.plan = ""

    def execute(self, statement: bytes, parameters: Any = None, **named: Any) -> object:
        plan = self.connection.execute(b"explain " + statement, parameters, prepare=False)
        self.plan += "\n".join(line for (line,) in plan) + "\n"
        return self.connection.execute(statement, parameters, **named)


def main() -> int:
    """Fill a schema, measure, drop it."""
    call_command("migrate", verbosity=0)
    clear()
    owner = Person.objects.create_user("bench-tree@example.com", None, name="Bench")
    schema = actions.create_team(name="Bench", slug="bench-tree", owner=owner).schema_name
    if schema != SCHEMA:
        django_connection.cursor().execute(f'alter schema "{schema}" rename to {SCHEMA}')
    parameters = django_connection.get_connection_params()
    connection = psycopg.connect(
        autocommit=True,
        **{name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if name in parameters},
    )
    started = time.perf_counter()
    fill(connection)
    connection.execute(sql(SCHEMA, "vacuum (analyze) {s}.object"))
    count = connection.execute(sql(SCHEMA, "select count(*) from {s}.object")).fetchone()
    print(f"filled {count[0]:,} objects in {time.perf_counter() - started:.1f} s")
    narrow = tree.Sight.of(
        Caller("ann", SCHEMA, (("/project-3/folder-7", Role.VIEWER), ("/project-3/folder-7/x", Role.NONE)), Scope())
    )
    patchy = tree.Sight.of(Caller("bob", SCHEMA, (("/", Role.VIEWER), ("/project-0", Role.NONE))))
    name = connection.execute(sql(SCHEMA, "select name from {s}.object where id = 54321")).fetchone()[0]
    path = connection.execute(sql(SCHEMA, "select path from {s}.object where id = 54321")).fetchone()[0]
    asked: dict[str, tuple[str, Callable[[object, int], object]]] = {
        "resolve": ("object_path", lambda c, _: tree.resolve(c, SCHEMA, path)),
        "describe": ("object_path", lambda c, n: tree.describe(c, SCHEMA, f"/project-{n % 10}")),
        "list 100 of the root": ("object_name", lambda c, _: tree.children(c, SCHEMA, "/")),
        "list 100 folders with their counts": (
            "object_name",
            lambda c, n: tree.children(c, SCHEMA, f"/project-{n % 10}"),
        ),
        "list as one who sees a part": ("object_name", lambda c, _: tree.children(c, SCHEMA, "/", sight=patchy)),
        "find part of one name": ("object_part", lambda c, _: tree.find(c, SCHEMA, part=name[8:20])),
        "find a frequent part": ("object_", lambda c, _: tree.find(c, SCHEMA, part="sensor")),
        "find three letters": ("object_", lambda c, n: tree.find(c, SCHEMA, part=name[n % 20 : n % 20 + 3])),
        "find two letters": ("object_", lambda c, n: tree.find(c, SCHEMA, part=name[n % 20 : n % 20 + 2])),
        "find what is nowhere": ("object_part", lambda c, _: tree.find(c, SCHEMA, part="nowhere")),
        "find two letters that are nowhere": ("", lambda c, _: tree.find(c, SCHEMA, part="zq")),
        "find by tag": ("object_", lambda c, _: tree.find(c, SCHEMA, tag="env:prod")),
        "find by kind": ("object_", lambda c, _: tree.find(c, SCHEMA, kind="queue")),
        "find below a folder": (
            "object_",
            lambda c, n: tree.find(c, SCHEMA, part="sensor", under=f"/project-7/folder-{n}"),
        ),
        "find as one who sees a folder": ("object_", lambda c, _: tree.find(c, SCHEMA, part="sensor", sight=narrow)),
        "find as one who sees most": ("object_", lambda c, _: tree.find(c, SCHEMA, part="sensor", sight=patchy)),
        "find, page 500": ("object_", lambda c, _: tree.find(c, SCHEMA, part="sensor", after="/project-5/folder-5")),
    }
    failed = 0
    for what, (index, run) in asked.items():
        seen = Seen(connection)
        run(seen, 0)
        took = clocked(ROUNDS, partial(run, connection))
        used = index in seen.plan and "Seq Scan on object" not in seen.plan
        ok = (used or not index) and took[-1] < MOST_MS
        failed += not ok
        print(f"{what:36} median {took[len(took) // 2]:7.2f} ms   p99 {took[-1]:7.2f} ms   {'ok' if ok else 'FAILED'}")
        if not ok or "-v" in sys.argv:
            print(seen.plan)
    changes: dict[str, Callable[[int], object]] = {
        "create": lambda n: tree.create(connection, SCHEMA, f"/project-1/new-{n}", "object"),
        "move 1": lambda n: tree.move(connection, SCHEMA, f"/project-1/new-{n}", f"/project-1/renamed-{n}"),
        "trash 1": lambda n: tree.trash(connection, SCHEMA, f"/project-1/renamed-{n}"),
    }
    for what, change in changes.items():
        took = clocked(ROUNDS, change)
        print(f"{what:36} median {took[len(took) // 2]:7.2f} ms   p99 {took[-1]:7.2f} ms")
    once: dict[str, Callable[[], object]] = {
        "measure 10,000": lambda: tree.measure(connection, SCHEMA, "/project-4"),
        "move 10,000": lambda: tree.move(connection, SCHEMA, "/project-4", "/moved-4"),
        "set a setting for 10,000": lambda: tree.set_settings(connection, SCHEMA, "/moved-4", {"sql.rows": 5}),
        "copy 10,000 with 30,000 pages": lambda: tree.copy(connection, SCHEMA, "/project-0", "/copy-0"),
        "trash 10,000": lambda: tree.trash(connection, SCHEMA, "/copy-0"),
        "restore 10,000": lambda: tree.restore(connection, SCHEMA, "/copy-0"),
        "trash 10,000 again": lambda: tree.trash(connection, SCHEMA, "/copy-0"),
        "erase 10,000": lambda: tree.erase(connection, SCHEMA, "/copy-0"),
        "make a parent for 100,000": lambda: gather(connection),
        "move 100,000": lambda: tree.move(connection, SCHEMA, "/all", "/everything"),
        "set a setting for 100,000": lambda: tree.set_settings(connection, SCHEMA, "/", {"sql.rows": 9}),
        "trash 100,000": lambda: tree.trash(connection, SCHEMA, "/everything"),
    }
    for what, act in once.items():
        with connection.transaction():
            (took_ms,) = clocked(1, lambda _: act())  # noqa: B023 -- runs before `act` is another
        print(f"{what:36} {took_ms / 1000:7.2f} s")
    connection.close()
    clear()
    return 1 if failed else 0


def clear() -> None:
    """Take away what a run made."""
    django_connection.cursor().execute(f"drop schema if exists {SCHEMA} cascade")
    Team.objects.filter(slug="bench-tree").delete()
    Person.objects.filter(email="bench-tree@example.com").delete()


def gather(connection: psycopg.Connection) -> None:
    """Move everything under one object."""
    tree.create(connection, SCHEMA, "/all", "object")
    for entry in tree.children(connection, SCHEMA, "/"):
        if entry.name != "all":
            tree.move(connection, SCHEMA, entry.path, f"/all/{entry.name}")


if __name__ == "__main__":
    sys.exit(main())
