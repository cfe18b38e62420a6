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
    # Messages that wait (dead_at is null) and dead letters. Unix seconds; due_at 9e999 waits for its group's turn.
    # command: '' where somebody elsewhere fetches it. asked_at: the due_at that was asked for. seal: that Grove wrote
    # what is done here with whose rights, and not who made the file; '' where there is no command.
    "_message": (
        "CREATE TABLE _message(number INTEGER PRIMARY KEY, path TEXT NOT NULL, command TEXT NOT NULL,"
        " body TEXT NOT NULL CHECK (json_valid(body)), caller TEXT NOT NULL, sent_at REAL NOT NULL,"
        " asked_at REAL NOT NULL, due_at REAL NOT NULL, expires_at REAL, priority INTEGER NOT NULL, dedupe TEXT,"
        " grp TEXT, attempts INTEGER NOT NULL, most INTEGER NOT NULL, receipt TEXT, problem TEXT, dead_at REAL,"
        " seal TEXT NOT NULL, CHECK (command = '' OR json_type(body) = 'object')) STRICT;"
        "CREATE INDEX _message_due ON _message(command = '', priority DESC, due_at, number) WHERE dead_at IS NULL;"
        "CREATE INDEX _message_dead ON _message(dead_at) WHERE dead_at IS NOT NULL;"
        "CREATE INDEX _message_group ON _message(grp, number) WHERE grp IS NOT NULL AND dead_at IS NULL;"
        "CREATE UNIQUE INDEX _message_dedupe ON _message(dedupe) WHERE dedupe IS NOT NULL AND dead_at IS NULL"
    ),
    # One row. home: of which object it is, by `Context.identity`: in a copy it is another's. next: the number of the
    # next message. waiting: how many messages do. paused: 1, and 2 while it takes no new ones.
    "_queue": (
        "CREATE TABLE _queue(id INTEGER PRIMARY KEY CHECK (id = 1), home TEXT NOT NULL, next INTEGER NOT NULL,"
        " waiting INTEGER NOT NULL DEFAULT 0, paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1, 2))) STRICT"
    ),
    # Schedules and alarms. nominal: the moment meant, at: when it fires, with jitter; 9e999 for never. home: the object
    # in which it is at work, by `Context.identity`: in a copy it is another's. rules: JSON, what else was said of it.
    # seal: that Grove wrote what is done when with whose rights, and not who made the file.
    "_schedule": (
        "CREATE TABLE _schedule(name TEXT PRIMARY KEY, spec TEXT NOT NULL, is_alarm INTEGER NOT NULL,"
        " command TEXT NOT NULL, arguments TEXT NOT NULL CHECK (json_type(arguments) = 'object'), rules TEXT NOT NULL,"
        " caller TEXT NOT NULL, by TEXT NOT NULL, made_at REAL NOT NULL, home TEXT NOT NULL, paused INTEGER NOT NULL,"
        " nominal REAL NOT NULL, at REAL NOT NULL, last_at REAL, last TEXT NOT NULL, failures INTEGER NOT NULL,"
        " seal TEXT NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE INDEX _schedule_at ON _schedule(home, paused, at)"
    ),
    # What schedules did, the newest of each. nominal: for which moment. input, result: JSON.
    "_run": (
        "CREATE TABLE _run(number INTEGER PRIMARY KEY, name TEXT NOT NULL, nominal REAL NOT NULL,"
        " began_at REAL NOT NULL, took_s REAL NOT NULL, outcome TEXT NOT NULL, cause TEXT NOT NULL,"
        " input TEXT NOT NULL CHECK (json_valid(input)), result TEXT CHECK (json_valid(result)), problem TEXT) STRICT;"
        "CREATE INDEX _run_name ON _run(name, number)"
    ),
    # What the runs said, a line each, cut where it is long.
    "_run_log": "CREATE TABLE _run_log(run INTEGER PRIMARY KEY, log TEXT NOT NULL) STRICT",
    # Runs that are not over, of schedules whose command is a task. task: '' while it waits for the run before it to
    # end. tried: how often it failed. look_at: when to look whether the task is over; 9e999 until somebody says so.
    "_going": (
        "CREATE TABLE _going(run INTEGER PRIMARY KEY, name TEXT NOT NULL, task TEXT NOT NULL, tried INTEGER NOT NULL,"
        " look_at REAL NOT NULL) STRICT;"
        "CREATE INDEX _going_look ON _going(look_at)"
    ),
    # Runs of durable functions, and what their steps gave. Unix seconds; due_at: when it goes on, 9e999 for when it is
    # told something. home: of which object it is, by `Context.identity`: in a copy it is another's. seal: that Grove
    # wrote whose rights it has and what it does, and not who made the file.
    "_durable": (
        "CREATE TABLE _durable(id TEXT PRIMARY KEY, what TEXT NOT NULL, is_plan INTEGER NOT NULL,"
        " arguments TEXT NOT NULL CHECK (json_type(arguments) = 'object'), caller TEXT NOT NULL, state TEXT NOT NULL"
        " CHECK (state IN ('going', 'waiting', 'undoing', 'done', 'failed', 'cancelled')), began_at REAL NOT NULL,"
        " ended_at REAL, due_at REAL NOT NULL, value TEXT CHECK (json_valid(value)),"
        " problem TEXT CHECK (json_type(problem) = 'object'), home TEXT NOT NULL, seal TEXT NOT NULL)"
        " STRICT, WITHOUT ROWID;"
        "CREATE INDEX _durable_due ON _durable(home, due_at) WHERE ended_at IS NULL;"
        "CREATE INDEX _durable_began ON _durable(began_at)"
    ),
    "_step": (
        "CREATE TABLE _step(run TEXT NOT NULL, no INTEGER NOT NULL, name TEXT NOT NULL, sort TEXT NOT NULL"
        " CHECK (sort IN ('step', 'sleep', 'event', 'approval', 'task', 'undo')), state TEXT NOT NULL"
        " CHECK (state IN ('waiting', 'done', 'failed', 'undone')), began_at REAL NOT NULL, ended_at REAL,"
        " due_at REAL NOT NULL, tries INTEGER NOT NULL, value TEXT CHECK (json_valid(value)), detail TEXT NOT NULL,"
        " PRIMARY KEY (run, name)) STRICT, WITHOUT ROWID"
    ),
    # How many messages waited, at most, in a minute (Unix seconds / 60) in which that changed.
    "_depth": "CREATE TABLE _depth(minute INTEGER PRIMARY KEY, most INTEGER NOT NULL) STRICT",
    # What the object's browser keeps: cookies, what each origin stored, tabs, settings; see `browsers.profile`. JSON.
    "_browser": (
        "CREATE TABLE _browser(part TEXT PRIMARY KEY, value TEXT NOT NULL CHECK (json_valid(value)))"
        " STRICT, WITHOUT ROWID"
    ),
    # Macros of the browser; see `browsers.macros`. recorded: what each command answered while it was recorded, JSON.
    "_macro": (
        "CREATE TABLE _macro(name TEXT PRIMARY KEY, text TEXT NOT NULL,"
        " recorded TEXT NOT NULL CHECK (json_type(recorded) = 'array'), changed_at REAL NOT NULL, by TEXT NOT NULL)"
        " STRICT, WITHOUT ROWID"
    ),
    # How macros were played, the newest of each. line: at which it ended. arguments: without secrets. steps: JSON.
    "_play": (
        "CREATE TABLE _play(number INTEGER PRIMARY KEY, name TEXT NOT NULL, began_at REAL NOT NULL,"
        " took_s REAL NOT NULL, outcome TEXT NOT NULL, line INTEGER, problem TEXT NOT NULL, by TEXT NOT NULL,"
        " arguments TEXT NOT NULL CHECK (json_type(arguments) = 'object'),"
        " steps TEXT NOT NULL CHECK (json_type(steps) = 'array'), picture TEXT NOT NULL) STRICT;"
        "CREATE INDEX _play_name ON _play(name, number)"
    ),
    # What was done to the browser since somebody began to record a macro, a command each; the first row has its name.
    "_recorded": (
        "CREATE TABLE _recorded(no INTEGER PRIMARY KEY, step TEXT NOT NULL CHECK (json_type(step) = 'object')) STRICT"
    ),
    # Pages that are looked at again and again, and what they were; see `browsers.tracking`. told: JSON, who is told of
    # changes. seal: that Grove wrote that, and not who made the file. seen: what it was last: a text, or a file.
    "_tracked": (
        "CREATE TABLE _tracked(name TEXT PRIMARY KEY, about TEXT NOT NULL CHECK (json_type(about) = 'object'),"
        " told TEXT NOT NULL CHECK (json_type(told) = 'object'), seal TEXT NOT NULL, seen TEXT,"
        " looked_at REAL, changed_at REAL, problem TEXT NOT NULL) STRICT, WITHOUT ROWID"
    ),
    # How they changed, the newest of each. share: of the dots of a picture. file: of the object, the picture of it.
    "_change": (
        "CREATE TABLE _change(number INTEGER PRIMARY KEY, name TEXT NOT NULL, at REAL NOT NULL, before TEXT NOT NULL,"
        " after TEXT NOT NULL, diff TEXT NOT NULL, share REAL, file TEXT NOT NULL) STRICT;"
        "CREATE INDEX _change_name ON _change(name, number)"
    ),
    # Playwright scripts among the files that an operator approved; see `browsers.operated`. digest: of the text. seal:
    # that Grove wrote this, and not who made the file.
    "_script": (
        "CREATE TABLE _script(name TEXT PRIMARY KEY, digest TEXT NOT NULL, approved_at REAL NOT NULL,"
        " by TEXT NOT NULL, seal TEXT NOT NULL) STRICT, WITHOUT ROWID"
    ),
    # Secrets that macros type; see `browsers.macros.secrets`. locked: for this very object, by this Grove.
    "_secret": (
        "CREATE TABLE _secret(name TEXT PRIMARY KEY, locked BLOB NOT NULL, changed_at REAL NOT NULL, by TEXT NOT NULL)"
        " STRICT, WITHOUT ROWID"
    ),
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
