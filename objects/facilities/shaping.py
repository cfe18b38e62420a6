"""The form of tables: made and altered without writing SQL; what is done is the SQL that one would write."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from objects.facilities.asking import Asking, TableName, quoted
from objects.sdk import Help, Json, Length, command, effect_of
from teams.problems import WrongArgument

Type = Literal["TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB", "ANY"]
ColumnName = Annotated[str, Length(1, 255), Help("the column")]

COUNTED: Final = 100_000


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column to be made. key: a part of the primary key."""

    name: str
    type: Type = "TEXT"
    key: bool = False
    not_null: bool = False
    default: Json = None


class Shaping(Asking):
    """Commands of the facility `sql` that make and alter tables."""

    @command
    def create_table(
        self,
        table: TableName,
        columns: Annotated[list[NewColumn], Help('such as [{"name": "id", "type": "INTEGER", "key": true}]')],
        *,
        strict: Annotated[bool, Help("refuse values that are not of a column's type")] = False,
    ) -> str:
        """Make a table. Tells the SQL that made it.

        > sql create_table plant '[{"name": "name", "key": true}, {"name": "height", "type": "REAL"}]'
        CREATE TABLE "plant" ("name" TEXT, "height" REAL, PRIMARY KEY ("name"))
        """
        if not columns:
            raise WrongArgument("columns", "A table has at least one column.")
        if not strict and any(each.type == "ANY" for each in columns):
            raise WrongArgument("columns", "The type ANY is for strict tables.")
        keys = [quoted(each.name) for each in columns if each.key]
        lone = len(keys) == 1 and next(each for each in columns if each.key).type == "INTEGER"
        parts = [self._defined(each, is_lone_key=lone and each.key) for each in columns]
        if keys and not lone:
            parts.append(f"PRIMARY KEY ({', '.join(keys)})")
        return self._done(f"CREATE TABLE {quoted(table)} ({', '.join(parts)}){' STRICT' if strict else ''}")

    @command
    def add_column(
        self,
        table: TableName,
        name: ColumnName,
        type: Type = "TEXT",
        *,
        not_null: Annotated[bool, Help("refuse rows without a value; needs a default")] = False,
        default: Annotated[Json, Help("what rows have that say nothing")] = None,
    ) -> str:
        """Add a column to a table. Tells the SQL that did it.

        > sql create table plant(name text)
        changed 0
        > sql add_column plant height REAL
        ALTER TABLE "plant" ADD COLUMN "height" REAL
        """
        column = self._defined(NewColumn(name, type, not_null=not_null, default=default))
        return self._done(f"ALTER TABLE {quoted(self.table(table))} ADD COLUMN {column}")

    @command
    def rename_column(self, table: TableName, old: ColumnName, new: ColumnName) -> str:
        """Rename a column, also in indexes, triggers and views. Tells the SQL that did it.

        > sql create table plant(name text)
        changed 0
        > sql rename_column plant name title
        ALTER TABLE "plant" RENAME COLUMN "name" TO "title"
        """
        return self._done(f"ALTER TABLE {quoted(self.table(table))} RENAME COLUMN {quoted(old)} TO {quoted(new)}")

    @command
    def rename_table(self, table: TableName, new: Annotated[str, Length(1, 255), Help("its new name")]) -> str:
        """Rename a table, also in indexes, triggers and views. Tells the SQL that did it.

        > sql create table plant(name text)
        changed 0
        > sql rename_table plant herb
        ALTER TABLE "plant" RENAME TO "herb"
        """
        return self._done(f"ALTER TABLE {quoted(self.table(table))} RENAME TO {quoted(new)}")

    @command
    def add_index(
        self,
        table: TableName,
        *columns: Annotated[str, Help("columns in their order")],
        unique: Annotated[bool, Help("refuse two rows with the same values")] = False,
    ) -> str:
        """Make an index, so that filters and sorts by these columns are fast. Tells the SQL that did it.

        > sql create table plant(name text)
        changed 0
        > sql add_index plant name
        CREATE INDEX "plant_name" ON "plant" ("name")
        """
        if not columns:
            raise WrongArgument("columns", "Name at least one column.")
        name = self.table(table)
        made = "UNIQUE INDEX" if unique else "INDEX"
        index = quoted("_".join([name, *columns]))
        return self._done(f"CREATE {made} {index} ON {quoted(name)} ({', '.join(map(quoted, columns))})")

    @command(dangerous=True)
    def drop_column(self, table: TableName, name: ColumnName) -> str:
        """Remove a column with all its values. Tells the SQL that did it.

        > sql create table plant(name text, height real)
        changed 0
        > sql drop_column plant height
        ALTER TABLE "plant" DROP COLUMN "height"
        """
        return self._done(f"ALTER TABLE {quoted(self.table(table))} DROP COLUMN {quoted(name)}")

    @effect_of(drop_column)
    def _drop_column_effect(self, table: str, name: str) -> str:
        found = self.table(table)
        return f"Removes the column {name} of {found} with the values of {self._amount(found)}."

    @command(dangerous=True)
    def drop_table(self, table: TableName) -> str:
        """Remove a table or view with all its rows. Tells the SQL that did it.

        > sql create table plant(name text)
        changed 0
        > sql drop_table plant
        DROP TABLE "plant"
        """
        name = self.table(table)
        kind = "VIEW" if dict(self.names())[name] == "view" else "TABLE"
        return self._done(f"DROP {kind} {quoted(name)}")

    @effect_of(drop_table)
    def _drop_table_effect(self, table: str) -> str:
        name = self.table(table)
        if dict(self.names())[name] == "view":
            return f"Removes the view {name}. The rows that it shows stay where they are."
        return f"Removes the table {name} with {self._amount(name)}."

    def _amount(self, table: str) -> str:
        query = f"SELECT count(*) FROM (SELECT 1 FROM {quoted(table)} LIMIT {COUNTED})"  # noqa: S608 -- quoted
        ((rows,),) = self.ask(query, None, reads_only=True).rows
        return f"{'more than ' if rows == COUNTED else ''}{rows:,} row{'' if rows == 1 else 's'}"

    def _defined(self, column: NewColumn, *, is_lone_key: bool = False) -> str:
        if not column.name.strip():
            raise WrongArgument("columns", "Each column has a name.")
        parts: Sequence[str] = (
            quoted(column.name),
            column.type,
            "PRIMARY KEY" if is_lone_key else "",
            "NOT NULL" if column.not_null else "",
            "" if column.default is None else f"DEFAULT {_literal(column.default)}",
        )
        return " ".join(filter(None, parts))

    def _done(self, statement: str) -> str:
        self.ask(statement, None)
        return statement


def _literal(value: Json) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise WrongArgument("default", "a default is a number or a text.")
