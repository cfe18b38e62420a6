"""What the commands of the facility `sql` share: asking as the user, names of tables and columns, values in and out."""

import base64
import binascii
import math
from typing import Annotated, Any, Final

from objects.sdk import Context, Help, Length, SqlLimits
from teams.problems import NoSuch, WrongArgument

ASKED_ABOVE: Final = 1_000  # updated or deleted rows, where a person is there to be asked
TableName = Annotated[str, Length(1, 255), Help("the table")]


class Asking:
    """The object's database, on behalf of the user."""

    context: Context

    def ask(self, query: str, params: Any, **options: Any) -> Any:
        settings = self.context.settings
        limits = SqlLimits(seconds=settings.sql_seconds, rows=settings.sql_rows)
        return self.context.db.ask(query, bound(params), limits, **options)

    def names(self) -> list[tuple[str, str]]:
        """Give the user's tables and views with their kind, by name."""
        rows = self.context.db.run(
            "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND substr(name, 1, 1) <> '_' AND lower(name) <> 'sqlar'"
            " ORDER BY name"
        )
        return [(name, kind) for name, kind in rows]

    def columns(self, table: str) -> dict[str, str]:
        rows = self.context.db.run(
            "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid", (table,)
        )
        return dict(rows)

    def stored_columns(self, table: str) -> list[str]:
        """Name the columns that are kept in a row, in their order."""
        rows = self.context.db.run("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", (table,))
        return [name for (name,) in rows]

    def table(self, name: str, field: str = "table") -> str:
        """Find a table or view by its name in any case; raises NoSuch."""
        for known, _ in self.names():
            if known.lower() == name.lower():
                return known
        raise NoSuch(f"{name}: no such table. `sql tables` shows those that there are.", field=field)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def shown(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return {"base64": base64.b64encode(cell).decode()}
    if isinstance(cell, float) and not math.isfinite(cell):
        return "Infinity" if cell > 0 else "-Infinity"
    return cell


def bound(params: Any) -> Any:
    """Turn JSON parameters into what SQLite binds."""
    if params is None:
        return None
    if isinstance(params, list):
        return [value_of(value, f"value {number}") for number, value in enumerate(params, start=1)]
    if isinstance(params, dict):
        return {name: value_of(value, name) for name, value in params.items()}
    raise WrongArgument("params", "give a list of values for ?, or an object of values for :name.")


def value_of(value: Any, where: str) -> Any:
    if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, ValueError):
            raise WrongArgument("params", f"{where}: what is in 'base64' is not base64.") from None
    if isinstance(value, list | dict):
        raise WrongArgument("params", f"{where}: a list or object is no value of a column. Send it as JSON text.")
    return value
