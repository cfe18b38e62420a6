"""The platform's own tables inside an object's file: made when first needed, out of reach of users' SQL.

Their names start with `_`; `sqlar` is the exception, so that `sqlite3 -A` reads an object's files.
"""

import functools
from collections.abc import Iterable
from typing import Any

import apsw

TABLES: dict[str, str] = {
    # value: JSON text
    "_state": "CREATE TABLE _state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # SQL that was saved under a name
    "_query": "CREATE TABLE _query(name TEXT PRIMARY KEY, sql TEXT NOT NULL, saved_at INTEGER NOT NULL) WITHOUT ROWID",
    # As the sqlite3 tool makes it: https://sqlite.org/sqlar.html
    "sqlar": ("CREATE TABLE sqlar(name TEXT PRIMARY KEY, mode INT, mtime INT, sz INT, data BLOB)"),
}

# The same table as the sqlite3 tool itself makes it (3.40 and 3.54), comments included.
_MADE_BY_THE_TOOL = """CREATE TABLE sqlar(
  name TEXT PRIMARY KEY,  -- name of the file
  mode INT,               -- access permissions
  mtime INT,              -- last modification time
  sz INT,                 -- original file size
  data BLOB               -- compressed content
)"""


def is_platform(name: str) -> bool:
    """Tell whether a name in an object's file belongs to the platform, whether or not it is taken."""
    return name.startswith("_") or name.lower() == "sqlar"


@functools.cache
def _own() -> frozenset[tuple[str, str, str, str | None]]:
    connection = apsw.Connection(":memory:")
    for ddl in TABLES.values():
        connection.execute(ddl)
    made: Any = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    return frozenset([*made, ("table", "sqlar", "sqlar", _MADE_BY_THE_TOOL)])


def foreign(schema: Iterable[tuple[str, str, str, str | None]]) -> list[str]:
    """Name what claims a name or a table of the platform's without being the platform's own, sorted.

    schema: rows (type, name, tbl_name, sql) of sqlite_schema.
    """
    return sorted(
        f"{row[0]} {row[1]}"
        for row in schema
        if (is_platform(row[1]) or is_platform(row[2])) and tuple(row) not in _own()
    )
