"""What users' SQL may do: SQLite's authorizer, asked for every step while a statement is compiled.

Source: the action codes of https://sqlite.org/c3ref/c_alter_table.html and their two arguments.
"""

import apsw

from objects.storage.tables import is_platform

MODULES = frozenset({"fts5", "fts5vocab", "rtree", "rtree_i32", "geopoly"})
READ_PRAGMAS = frozenset(
    {
        "collation_list", "compile_options", "data_version", "foreign_key_check", "foreign_key_list", "function_list",
        "index_info", "index_list", "index_xinfo", "integrity_check", "module_list", "pragma_list", "quick_check",
        "table_info", "table_list", "table_xinfo",
    }
)  # fmt: skip
# Without a value these only tell; application_id and user_version are two numbers in the file that belong to the user.
VALUE_PRAGMAS = frozenset(
    {"encoding", "foreign_keys", "freelist_count", "max_page_count", "page_count", "page_size", "recursive_triggers"}
)
OWN_PRAGMAS = frozenset({"application_id", "user_version"})
FUNCTIONS_REFUSED = frozenset(
    {"edit", "fts3_tokenizer", "fts5", "load_extension", "readfile", "rtreecheck", "sqlite_log", "writefile"}
)
# Tables that SQLite makes up by itself and that show or change what lies under the user's tables.
MADE_UP_REFUSED = frozenset(
    {"bytecode", "carray", "completion", "dbstat", "fts3tokenize", "sqlite_dbpage", "sqlite_stmt", "tables_used"}
)

_WRITES = frozenset({apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE})
_MAKES = frozenset({apsw.SQLITE_CREATE_TABLE, apsw.SQLITE_CREATE_VIEW})
_MAKES_ON = frozenset({apsw.SQLITE_CREATE_INDEX, apsw.SQLITE_CREATE_TRIGGER})
_CREATES = _MAKES | _MAKES_ON | {apsw.SQLITE_CREATE_VTABLE}
_DROPS = frozenset({apsw.SQLITE_DROP_TABLE, apsw.SQLITE_DROP_VIEW, apsw.SQLITE_DROP_VTABLE})
_DROPS_ON = frozenset({apsw.SQLITE_DROP_INDEX, apsw.SQLITE_DROP_TRIGGER})
_TEMPORARY = frozenset(
    {
        apsw.SQLITE_CREATE_TEMP_INDEX, apsw.SQLITE_CREATE_TEMP_TABLE, apsw.SQLITE_CREATE_TEMP_TRIGGER,
        apsw.SQLITE_CREATE_TEMP_VIEW, apsw.SQLITE_DROP_TEMP_INDEX, apsw.SQLITE_DROP_TEMP_TABLE,
        apsw.SQLITE_DROP_TEMP_TRIGGER, apsw.SQLITE_DROP_TEMP_VIEW,
    }
)  # fmt: skip
_FREE = frozenset({apsw.SQLITE_SELECT, apsw.SQLITE_RECURSIVE, apsw.SQLITE_REINDEX, apsw.SQLITE_ANALYZE})

# What never works long between two steps of SQLite's machine, where nobody could stop it: these, on values of at most
# BRIEF_BYTES. Not here: what takes the product of two lengths (instr, replace, LIKE), and what builds up a long value.
BRIEF_BYTES = 65_536
_BRIEF = frozenset(
    {apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE,
     apsw.SQLITE_RECURSIVE}
)  # fmt: skip
_BRIEF_FUNCTIONS = frozenset(
    {
        "->", "->>", "abs", "avg", "changes", "char", "coalesce", "count", "date", "datetime", "hex", "ifnull", "iif",
        "json_extract", "julianday", "last_insert_rowid", "length", "lower", "max", "min", "nullif", "octet_length",
        "random", "round", "sign", "strftime", "substr", "substring", "sum", "time", "total", "total_changes", "typeof",
        "unicode", "unixepoch", "upper",
    }
)  # fmt: skip

IN_TRANSACTION = "each call is a transaction of its own already: leave BEGIN, COMMIT, ROLLBACK and SAVEPOINT out"


def is_brief(action: int, second: str | None) -> bool:
    """Tell whether a step is one of those that never take long each, on short values."""
    if action == apsw.SQLITE_FUNCTION:
        return (second or "").lower() in _BRIEF_FUNCTIONS
    return action in _BRIEF


def refusal(action: int, first: str | None, second: str | None, schema: str | None) -> str | None:  # noqa: C901, PLR0911, PLR0912 -- a table of cases
    """Say why users' SQL may not take a step, None when it may. The rest are the authorizer's arguments."""
    one, two = first or "", second or ""
    if action in _TEMPORARY or (schema == "temp" and action in _CREATES):
        return "temporary tables, views, indexes and triggers do not outlive a call: use WITH, or an ordinary table"
    if action in _FREE:
        return None
    if action == apsw.SQLITE_READ:
        if one.startswith("_"):
            return f"the table {one} is the platform's: read it by the commands of its facility"
        if one.lower() in MADE_UP_REFUSED:
            return f"the table {one} is not open to queries"
        return None
    if action == apsw.SQLITE_FUNCTION:
        if two.lower() == "json_patch":
            return "json_patch takes the square of its input: write json(jsonb_patch(a, b))"
        return f"the function {two} is not open to queries" if two.lower() in FUNCTIONS_REFUSED else None
    if action in _WRITES:
        return _not_yours(one) if is_platform(one) else None
    if action in _MAKES:
        return _taken(one) if is_platform(one) else None
    if action in _MAKES_ON:
        return _taken(one) if is_platform(one) else _not_yours(two) if is_platform(two) else None
    if action in _DROPS:
        return _not_yours(one) if is_platform(one) else None
    if action in _DROPS_ON or action == apsw.SQLITE_ALTER_TABLE:
        return _not_yours(two) if is_platform(two) else None
    if action == apsw.SQLITE_CREATE_VTABLE:
        if two.lower() not in MODULES:
            return f"the module {two} is not here. Modules: {', '.join(sorted(MODULES))}"
        return _taken(one) if is_platform(one) else None
    if action == apsw.SQLITE_PRAGMA:
        return _pragma(one.lower(), second)
    if action in (apsw.SQLITE_TRANSACTION, apsw.SQLITE_SAVEPOINT):
        return IN_TRANSACTION
    if action in (apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH):
        return "an object has one file: ATTACH, DETACH and VACUUM INTO are refused; ask another object by its commands"
    return "this kind of statement is not open to queries"


def _pragma(name: str, value: str | None) -> str | None:
    if name in READ_PRAGMAS or name in OWN_PRAGMAS or (name in VALUE_PRAGMAS and value is None):
        return None
    if name in VALUE_PRAGMAS:
        return f"PRAGMA {name} can be read but not set"
    readable = ", ".join(sorted(READ_PRAGMAS | VALUE_PRAGMAS | OWN_PRAGMAS))
    return f"PRAGMA {name} is not open to queries. Open: {readable}"


def _not_yours(table: str) -> str:
    return f"the table {table} is the platform's: change it by the commands of its facility"


def _taken(name: str) -> str:
    return f"the name {name} is kept for the platform: choose one that is not sqlar and does not start with _"
