"""Rows as a file: those of a table, filtered and sorted as they are looked at, or of a query."""

import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Annotated, Any, Final

from objects.facilities.browsing import Browsing, Filter
from objects.facilities.querying import Format
from objects.facilities.tabular import csv_line, json_line
from objects.sdk import Download, Help, RestOfLine, command
from teams.problems import TooLarge, WrongArgument

EXPORT_BYTES: Final = 1 << 28  # of one file
SPOOL_BYTES: Final = 1 << 20  # what is larger waits on disk, not in memory
CHUNK_BYTES: Final = 1 << 18


class Exporting(Browsing):
    """Commands of the facility `sql` that give files."""

    @command(reads=True)
    def export(
        self,
        source: Annotated[RestOfLine, Help("a table, a view or a query")],
        *,
        format: Annotated[Format, Help("csv as a spreadsheet reads it; jsonl keeps every value exactly")] = "csv",
        filters: Annotated[list[Filter] | None, Help("of a table, only rows that pass all of these")] = None,
        search: Annotated[str, Help("of a table, only rows that have this text in some column")] = "",
        sort: Annotated[str, Help("of a table, a column; with - in front, from high to low")] = "",
    ) -> Download:
        """Give a table, or the rows of a query, as a file.

        Cells are written exactly as they are stored: a spreadsheet may run a text that begins with = as a formula.

        > sql import plant '{"name": "basil", "height": 12.5}'
        table plant  rows 1  created yes  columns name, height
        > sql export plant
        plant.csv  text/csv  25B
        """
        names = {name.lower(): name for name, _ in self.names()}
        found = names.get(source.strip().lower())
        query, params = source, None
        if found is not None:
            query, params = self.rows_of(found, filters or (), search, sort)
        elif given := [name for name, each in (("filters", filters), ("search", search), ("sort", sort)) if each]:
            raise WrongArgument(given[0], "is for a table or view by its name. Say it in the query: WHERE, ORDER BY.")
        # The answer leaves after the call, when the tables may have changed: it is a copy, on disk if it is large.
        # Collected with the Download, read or not.
        copy: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        writer = _Writer(copy, format)
        answer = self.ask(query, params, reads_only=True, each=writer.row)
        writer.header(answer.columns)
        types = {"csv": "text/csv", "jsonl": "application/jsonl"}
        return Download(f"{found or 'query'}.{format}", _pieces(copy), content_type=types[format], size=copy.tell())


class _Writer:
    """Writes rows into a file as they come."""

    def __init__(self, file: IO[bytes], format: Format) -> None:
        self._file = file
        self._format = format
        self._columns: Sequence[str] | None = None
        self._count = 0

    def header(self, columns: Sequence[str]) -> None:
        """Begin, unless a row has begun already."""
        if self._columns is not None:
            return
        self._columns = columns
        if not columns:
            raise WrongArgument("source", "That gives no rows. Name a table, or write a query that begins with SELECT.")
        if self._format == "csv":
            self._file.write(csv_line(columns))
        elif twice := {name for name in columns if columns.count(name) > 1}:
            raise WrongArgument("source", f"Two columns are named '{min(twice)}': name one otherwise with AS.")

    def row(self, columns: Sequence[str], cells: Sequence[Any]) -> None:
        """Add a row."""
        self.header(columns)
        if columns is not self._columns:
            raise WrongArgument("source", "Those are several queries. A file holds the rows of one.")
        self._count += 1
        self._file.write(csv_line(cells) if self._format == "csv" else json_line(columns, cells, self._count))
        if self._file.tell() > EXPORT_BYTES:
            raise TooLarge(f"The file would have more than {EXPORT_BYTES:,} bytes. Export parts, with WHERE.")


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
