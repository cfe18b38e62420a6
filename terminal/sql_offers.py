"""What may stand at the end of an SQL query that is being typed: tables, columns, keywords."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from terminal.offers import Offer

KEYWORDS: Final = (
    *("select", "from", "where", "group", "by", "having", "order", "limit", "offset", "distinct", "union", "all"),
    *("insert", "into", "values", "update", "set", "delete", "returning", "with", "recursive", "explain"),
    *("create", "table", "view", "index", "drop", "alter", "primary", "key", "unique", "default", "pragma"),
    *(
        "join",
        "left",
        "inner",
        "on",
        "using",
        "as",
        "and",
        "or",
        "not",
        "null",
        "is",
        "in",
        "like",
        "between",
        "exists",
    ),
    *("case", "when", "then", "else", "end", "count", "sum", "avg", "min", "max", "asc", "desc"),
)

Tables = Mapping[str, Mapping[str, str]]
"""The columns with their types, by table."""


def sql_offers(query: str, tables: Tables) -> tuple[str, Sequence[Offer]]:
    """Give the last word of a query as typed so far, and what may stand there."""
    if query[:1] in "'\"" and query:
        query = query[1:]  # a query may stand in quotes
    if query.count("'") % 2:
        return "", ()  # inside of a text
    match = re.search(r"(?:(\w+)\.)?(\w*)$", query)
    assert match is not None  # it fits nothing, too
    qualifier, typed = match[1], match[2]
    if qualifier:
        table = _table_of(qualifier, query, tables)
        return typed, list(_columns({table: tables[table]} if table else {}))
    words = re.findall(r"\w+", query[: len(query) - len(typed)].casefold())
    mentioned = {name: columns for name, columns in tables.items() if name.casefold() in words}
    of_tables = [Offer(name, ", ".join(columns)) for name, columns in tables.items()]
    after = words[-1] if words else ""
    upper = typed.isupper() or (not typed and query.isupper())
    keywords = [Offer(word.upper() if upper else word, "SQL") for word in KEYWORDS]
    if after in ("from", "join", "into", "update", "table", "view"):
        return typed, of_tables
    if not words:
        return typed, keywords
    return typed, [*_columns(mentioned or tables), *of_tables, *keywords]


def _columns(tables: Mapping[str, Mapping[str, str]]) -> Iterable[Offer]:
    for table, columns in tables.items():
        for name, declared in columns.items():
            yield Offer(name, f"{table} {declared}".strip())


def _table_of(name: str, query: str, tables: Mapping[str, Any]) -> str:
    """Find the table that a name before a dot means: itself, or an alias of it in the query."""
    if name in tables:
        return name
    for table in tables:
        if re.search(rf"\b{re.escape(table)}\s+(?:as\s+)?{re.escape(name)}\b", query, re.IGNORECASE):
            return table
    return ""
